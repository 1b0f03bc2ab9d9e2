# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Holders of devices and what is reported of them, after guest.sh:   . "$LAB_DIR/owners.sh"
# Rows do not end the test when one is wrong: all of them are tried, and "finish" gives the status.
# The devices are those of the topology "group": pair0 and pair1 are in one IOMMU group, nic2 is alone in its own.

pair0=$(address_of pair0)
# shellcheck disable=SC2034 # for the tests
pair1=$(address_of pair1)
nic2=$(address_of nic2)

hold_device=$BUILD_DIR/tests/lab/hold-device
[ -x "$hold_device" ] || fail "no $hold_device (make tests/lab/hold-device)"
# Under this name it looks like a VMM in every respect.
mkdir -p /run/vmm
cp -- "$hold_device" /run/vmm/qemu-system-x86_64

wrong=0
# row TEXT COMMAND...: one line of the report.
row() {
    local problem
    if problem=$("${@:2}"); then
        echo "ok: $1"
    else
        echo "WRONG: $1: $problem"
        wrong=$((wrong + 1))
    fi
}

# bind_devices ADDRESS...: to vfio-pci, which is loaded.
bind_devices() {
    local device
    for device; do
        check "$device is on vfio-pci" bind_driver "$device" vfio-pci
    done
}

# are_free ADDRESS...: a row each.
are_free() {
    local device
    for device; do
        row "$device is free" is_free "$device"
    done
}

finish() { [ "$wrong" -eq 0 ] || fail "$wrong rows are wrong"; }

# show ADDRESS COLUMNS: on one line.
show() { "$PCIPROBE" list -q --all -s "$1" -f raw --no-headings -o "$2"; }

# says ADDRESS COLUMNS WANTED
says() {
    local said
    said=$(show "$1" "$2")
    [ "$said" = "$3" ] || { echo "$said"; return 1; }
}

holder=
held=
lab_driver=
# hold KIND WAY ADDRESS [ARGUMENT...]: comes back when the device is held. Its pid is in $holder, the pids of those that
# have a descriptor in $held ("-" for none). KIND may have a user's number after a colon. ARGUMENTs are a VMM's.
hold() {
    local kind=${1%:*} user=''
    lab_device=$3 lab_way=$2 lab_driver=$(driver_of "$3")
    [[ $1 != *:* ]] || user=${1#*:}
    exec {lab_holder}< <(HOLD="$kind $2 $3 $user" exec /run/vmm/qemu-system-x86_64 "${@:4}" 2>/run/holder.errors)
    holder=$!
    read -r -t 60 -u "$lab_holder" held || fail "$kind $2 $3: $(cat /run/holder.errors)"
    held=${held#held }
}

# let_go: ends the holder, and waits until the kernel has taken its descriptors back.
let_go() {
    kill -9 "$holder" 2>/dev/null || :
    wait "$holder" 2>/dev/null || :
    exec {lab_holder}<&-
    # A release that should not have happened would make nonsense of the rows that follow.
    [ "$(driver_of "$lab_device")" = "$lab_driver" ] || wait_for 10 bind_driver "$lab_device" "$lab_driver" || :
    # The kernel makes the node again with the device's next binding.
    [ "$lab_way" != unlinked ] || bind_driver "$lab_device" "$lab_driver"
}

# vmm_arguments NAME UUID ADDRESS: a command line as QEMU's.
vmm_arguments() {
    vmm=(-name "guest=$1,debug-threads=on" -uuid "$2" -machine q35 -device "vfio-pci,host=$3,bus=pcie.0,addr=0x5")
}

# is_offered ADDRESS: whether a request gets it.
is_offered() { "$PCIPROBE" request -q -a "address=$1" >/run/request.said 2>&1; }

# not_offered ADDRESS
not_offered() {
    local available
    available=$(show "$1" available)
    [ "$available" != yes ] || { echo "available yes"; return 1; }
    ! is_offered "$1" || { echo "request offers it"; return 1; }
}

# is_unknown ADDRESS: and not offered.
is_unknown() { says "$1" ownership,owners "unknown -" && not_offered "$1"; }

# is_hosts ADDRESS: a driver has it, and no VM.
is_hosts() { says "$1" ownership,conflict,owners "host no -"; }

# is_not_free ADDRESS: held or unknown, and not offered.
is_not_free() {
    local ownership
    ownership=$(show "$1" ownership)
    case $ownership in
    held | unknown) not_offered "$1" ;;
    *) echo "ownership $ownership"; return 1 ;;
    esac
}

# is_held_by ADDRESS PID...: by one of these processes, and nothing is in conflict.
is_held_by() {
    local ownership conflict pids
    read -r ownership conflict pids <<<"$(show "$1" ownership,conflict,pids)"
    [ "$ownership $conflict" = "held no" ] || { echo "ownership $ownership, conflict $conflict"; return 1; }
    [[ " ${*:2} " == *" $pids "* ]] || { echo "pids $pids instead of ${*:2}"; return 1; }
}

# is_free ADDRESS: and has no owner at all.
is_free() { says "$1" ownership,conflict,owners,vm_names,claims "free no - - -"; }

# is_released_never ADDRESS, is_bound_never ADDRESS: vfio-bind does not even try: were unbind written, the driver's link
# would be gone and the kernel would report that the driver waits for the holder.
is_released_never() { is_refused release "$1"; }
is_bound_never() { is_refused bind "$1"; }

is_refused() {
    local status=0 driver
    driver=$(driver_of "$2")
    dmesg --clear
    timeout 30 "$VFIO_BIND" "$1" "$2" >/run/release.said 2>&1 || status=$?
    case $status in
    0) echo "$1 has status 0"; return 1 ;;
    124) echo "$1 hangs"; return 1 ;;
    esac
    [ "$(driver_of "$2")" = "$driver" ] || { echo "the driver is now '$(driver_of "$2")'"; return 1; }
    ! dmesg | grep -q "blocked until released by user" || { echo "the kernel waits for the holder: unbind was written"; return 1; }
}

# try_shown "KIND WAY"...: holds nic2 in ways that /proc shows, whatever the name it was opened by: the process is the
# owner, and all else stays free.
try_shown() {
    local way
    for way; do
        # shellcheck disable=SC2086 # two words
        hold $way "$nic2"
        # shellcheck disable=SC2086
        row "$way: the process is the owner" is_held_by "$nic2" $held
        row "$way: no other device is concerned" is_free "$pair0"
        end_way "$way"
    done
}

# try_hidden "KIND WAY"...: in ways that the kernel's counts alone show, or that do not say which device it is.
try_hidden() {
    local way
    for way; do
        # shellcheck disable=SC2086
        hold $way "$nic2"
        end_way "$way"
    done
}

end_way() {
    row "$1: not offered" is_not_free "$nic2"
    row "$1: not released" is_released_never "$nic2"
    let_go
    # The kernel takes a ring's files back some time after the process has ended.
    row "$1: free afterwards" wait_for 10 is_free "$nic2"
}
