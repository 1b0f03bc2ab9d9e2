# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Holds devices and checks their reported owners; after guest.sh:   . "$LAB_DIR/owners.sh"
# A failed row does not end the test: all rows are run, and "finish" reports the result.
# Devices of the topology "group": pair0 and pair1 share an IOMMU group, nic2 is alone in its group.

pair0=$(address_of pair0)
# shellcheck disable=SC2034 # for the tests
pair1=$(address_of pair1)
nic2=$(address_of nic2)

hold_device=$BUILD_DIR/tests/lab/hold-device
[ -x "$hold_device" ] || fail "no $hold_device (make tests/lab/hold-device)"
# Under this name it looks like a VMM.
mkdir -p /run/vmm
cp -- "$hold_device" /run/vmm/qemu-system-x86_64

wrong=0
# row TITLE COMMAND...: one row of the report, failed if COMMAND fails, which prints the reason.
row() {
    local problem
    if problem=$("${@:2}"); then
        echo "ok: $1"
    else
        echo "WRONG: $1: $problem"
        wrong=$((wrong + 1))
    fi
}

# bind_devices ADDRESS...: binds them to vfio-pci, which must be loaded.
bind_devices() {
    local device
    for device; do
        check "$device is bound to vfio-pci" bind_driver "$device" vfio-pci
    done
}

# rows_free ADDRESS...: a row for each device, which must be free.
rows_free() {
    local device
    for device; do
        row "$device is free" is_free "$device"
    done
}

finish() { [ "$wrong" -eq 0 ] || fail "$wrong rows failed"; }

# show ADDRESS COLUMNS: prints these columns on one line.
show() { "$PCIPROBE" list -q --all -s "$1" -f raw --no-headings -o "$2"; }

# columns_are ADDRESS COLUMNS EXPECTED
columns_are() {
    local output
    output=$(show "$1" "$2")
    [ "$output" = "$3" ] || { echo "$output"; return 1; }
}

holder=
holder_pids=
lab_driver=
# hold KIND[:UID] METHOD ADDRESS [ARGUMENT...]: starts hold-device with the ARGUMENTs of a VMM, and
# waits until it holds the device. Sets holder to its pid, and holder_pids to the pids of the
# processes with a descriptor ("-" for none).
hold() {
    local kind=${1%:*} user=''
    lab_device=$3 lab_method=$2 lab_driver=$(driver_of "$3")
    [[ $1 != *:* ]] || user=${1#*:}
    exec {lab_holder}< <(HOLD="$kind $2 $3 $user" exec /run/vmm/qemu-system-x86_64 "${@:4}" \
        2>/run/holder.errors)
    holder=$!
    read -r -t 60 -u "$lab_holder" holder_pids || fail "$kind $2 $3: $(cat /run/holder.errors)"
    holder_pids=${holder_pids#held }
}

# end_hold: kills the holder.
end_hold() {
    kill -9 "$holder" 2>/dev/null || :
    wait "$holder" 2>/dev/null || :
    exec {lab_holder}<&-
    # After a wrong release, restore the driver for the following rows.
    [ "$(driver_of "$lab_device")" = "$lab_driver" ] ||
        wait_for 10 bind_driver "$lab_device" "$lab_driver" || :
    # Rebinding the device recreates its node.
    [ "$lab_method" != unlinked ] || bind_driver "$lab_device" "$lab_driver"
}

# vmm_arguments NAME UUID ADDRESS: sets vmm to a QEMU command line.
vmm_arguments() {
    vmm=(-name "guest=$1,debug-threads=on" -uuid "$2" -machine q35
        -device "vfio-pci,host=$3,bus=pcie.0,addr=0x5")
}

# is_offered ADDRESS: a request for it succeeds.
is_offered() { "$PCIPROBE" request -q -a "address=$1" >/run/request.output 2>&1; }

# not_offered ADDRESS: neither listed as available nor offered by a request.
not_offered() {
    local available
    available=$(show "$1" available)
    [ "$available" != yes ] || { echo "available yes"; return 1; }
    ! is_offered "$1" || { echo "request offers it"; return 1; }
}

# is_unknown ADDRESS: its owner is unknown and it is not offered.
is_unknown() { columns_are "$1" ownership,owners "unknown -" && not_offered "$1"; }

# is_host_owned ADDRESS: it is bound to a host driver and has no owner.
is_host_owned() { columns_are "$1" ownership,conflict,owners "host no -"; }

# is_held_or_unknown ADDRESS: it is held or unknown, and not offered.
is_held_or_unknown() {
    local ownership
    ownership=$(show "$1" ownership)
    case $ownership in
    held | unknown) not_offered "$1" ;;
    *) echo "ownership $ownership"; return 1 ;;
    esac
}

# is_held_by ADDRESS PID...: it is held by one of these processes, without conflict.
is_held_by() {
    local ownership conflict pids
    read -r ownership conflict pids <<<"$(show "$1" ownership,conflict,pids)"
    [ "$ownership $conflict" = "held no" ] ||
        { echo "ownership $ownership, conflict $conflict"; return 1; }
    [[ " ${*:2} " == *" $pids "* ]] || { echo "pids $pids instead of ${*:2}"; return 1; }
}

# is_free ADDRESS: it is free and has no owner.
is_free() { columns_are "$1" ownership,conflict,owners,vm_names,claims "free no - - -"; }

# release_is_refused ADDRESS, bind_is_refused ADDRESS: vfio-bind refuses without writing to unbind,
# which would remove the driver link and make the kernel log that the driver waits for the holder.
release_is_refused() { is_refused release "$1"; }
bind_is_refused() { is_refused bind "$1"; }

is_refused() {
    local status=0 driver
    driver=$(driver_of "$2")
    dmesg --clear
    timeout 30 "$VFIO_BIND" "$1" "$2" >/run/release.output 2>&1 || status=$?
    case $status in
    0) echo "$1 succeeds"; return 1 ;;
    124) echo "$1 hangs"; return 1 ;;
    esac
    [ "$(driver_of "$2")" = "$driver" ] || { echo "the driver is now '$(driver_of "$2")'"; return 1; }
    ! dmesg | grep -q "blocked until released by user" ||
        { echo "the kernel waits for the holder: unbind was written"; return 1; }
}

# try_visible "KIND METHOD"...: holds nic2 in ways that /proc shows, under any path: the process is
# reported as owner, and other devices stay free.
try_visible() {
    local how
    for how; do
        # shellcheck disable=SC2086 # two words
        hold $how "$nic2"
        # shellcheck disable=SC2086
        row "$how: the process is the owner" is_held_by "$nic2" $holder_pids
        row "$how: no other device is affected" is_free "$pair0"
        check_end_of_hold "$how"
    done
}

# try_hidden "KIND METHOD"...: holds nic2 in ways that only the kernel's reference counts show, or
# that do not identify the device.
try_hidden() {
    local how
    for how; do
        # shellcheck disable=SC2086
        hold $how "$nic2"
        check_end_of_hold "$how"
    done
}

# check_end_of_hold TITLE: nic2 is not offered or released while held, and free once it is not.

check_end_of_hold() {
    row "$1: not offered" is_held_or_unknown "$nic2"
    row "$1: release is refused" release_is_refused "$nic2"
    end_hold
    # The kernel releases the files of an io_uring some time after the process has exited.
    row "$1: free afterwards" wait_for 60 is_free "$nic2"
}
