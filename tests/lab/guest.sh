# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions for scripts in the lab's machine:   . "$LAB_DIR/guest.sh" Devices are identified by
# address (0000:01:00.0), or for QEMU by the id assigned in the topology or in plug; address_of
# converts an id. The checks are in verdict.sh. Starting a program takes 20 to 50 ms here, so bash
# builtins are preferred.

devices=/sys/bus/pci/devices
# shellcheck disable=SC2034 # for the tests
VFIO_BIND=${PCIPROBE%/*}/vfio-bind

# shellcheck source=verdict.sh
. "$LAB_DIR/verdict.sh"

# Reading sysfs

# link_name LINK: prints the last component of a link's target; nothing if there is no link.
link_name() { ! [ -e "$1" ] || (cd -P -- "$1" && echo "${PWD##*/}"); }

# driver_of ADDRESS, group_of ADDRESS: print the driver or the IOMMU group; nothing if there is
# none.
driver_of() { link_name "$devices/$1/driver"; }
group_of() { link_name "$devices/$1/iommu_group"; }

# group_members ADDRESS: prints the addresses in its IOMMU group, sorted, on one line.
group_members() { (cd -- "$devices/$1/iommu_group/devices" && echo *); }

# attribute ADDRESS NAME: prints the first line of a sysfs attribute.
attribute() {
    local value
    read -r value <"$devices/$1/$2" && printf '%s\n' "$value"
}

# port_of ADDRESS: prints the bridge or root port above it.
port_of() { link_name "$devices/$1/.."; }

# aer_count ADDRESS correctable|nonfatal|fatal NAME: prints the kernel's counter of that error.
aer_count() {
    local name count
    while read -r name count; do
        [ "$name" != "$3" ] || echo "$count"
    done <"$devices/$1/aer_dev_$2"
}

# Programs

# copy_to_memory PROGRAM: copies it and its libraries to /dev/shm, where it starts faster, and sets
# LD_LIBRARY_PATH.
copy_to_memory() {
    local library
    mkdir -p /dev/shm/lib
    while read -r _ _ library _; do
        [[ $library != /* ]] || cp -- "$library" /dev/shm/lib
    done < <(ldd "$1")
    cp -- "$1" /dev/shm/
    export LD_LIBRARY_PATH=/dev/shm/lib
}

# Drivers

# bind_driver ADDRESS DRIVER: binds the device to DRIVER, whose module must be loaded, and unbinds
# it from any other driver.
bind_driver() {
    echo "$2" >"$devices/$1/driver_override"
    unbind_driver "$1"
    echo "$1" >/sys/bus/pci/drivers_probe
    [ "$(driver_of "$1")" = "$2" ]
}

# unbind_driver ADDRESS: unbinds the device from its driver, if any.
unbind_driver() { ! [ -e "$devices/$1/driver" ] || echo "$1" >"$devices/$1/driver/unbind"; }

# wait_for_disk COMMAND...: like wait_for. The nvme driver waits a minute for an interrupt, which an
# emulated processor may lose, before it looks for the answer itself.
wait_for_disk() { wait_for 150 "$@"; }

# QEMU's monitor

# monitor COMMAND: runs a command of QEMU's monitor, such as "info qtree", and prints its output.
# The serial line speaks QMP, with one JSON object per line; the id tells the answer from events and
# from late answers to earlier commands. Runs in a subshell because bash buffers input after the
# answer, and would return it from the next read of any file.
monitor() (
    text=${1//\\/\\\\}
    text=${text//\"/\\\"}
    lab_query "{\"execute\": \"human-monitor-command\",
        \"arguments\": {\"command-line\": \"$text\"}" || return
    if ! [[ $lab_answer =~ ^\{\"return\":\ \"(.*)\",\ \"id\":\ [0-9]+\} ]]; then
        echo "monitor: $1: $lab_answer" >&2
        return 1
    fi
    text=${BASH_REMATCH[1]//\\\"/\"}
    printf -v text '%b' "${text//\\r/}"
    case $text in
    Error*) echo "monitor: $1: $text" >&2; return 1 ;;
    esac
    printf '%s' "$text"
)

lab_line=
lab_answer=

# lab_query OBJECT_WITHOUT_CLOSING_BRACE: sends a QMP command; sets lab_answer.
lab_query() {
    local id=$((BASHPID * 32768 + RANDOM))
    printf '%s, "id": %d}\n' "$1" "$id" >&"$lab_line"
    while IFS= read -r -t 20 -u "$lab_line" lab_answer; do
        [[ $lab_answer != *"\"id\": $id"[,\}]* ]] || return 0
    done
    echo "monitor: no answer to $1" >&2
    return 1
}

if [ -c /dev/ttyS2 ]; then
    stty -F /dev/ttyS2 raw -echo
    exec {lab_line}<>/dev/ttyS2
    # The line echoed its input until stty ran: this byte makes QEMU discard that.
    printf '\xff' >&"$lab_line"
    # A second script gets an error for this, which is harmless.
    (lab_query '{"execute": "qmp_capabilities"')
fi

# address_of ID: prints the PCI address of the device with this QEMU id.
address_of() { lab_find "$1" || { echo "no device $1" >&2; return 1; }; }

lab_find() {
    local word1 word2 word3 word4 word5 word6 address
    while read -r word1 word2 word3 word4 word5 word6; do
        case "$word1 $word3 $word5" in
        "Bus device function")
            printf -v address '0000:%02x:%02x.%x' "${word2%,}" "${word4%,}" "${word6%:}" ;;
        *)
            [ "$word1 $word2" != "id \"$1\"" ] || { echo "$address"; return 0; } ;;
        esac
    done < <(monitor 'info pci')
    return 1
}

# device_is_present ID: QEMU and the kernel have it. device_is_absent ID: QEMU does not have it.
device_is_present() {
    local address
    address=$(lab_find "$1") && [ -e "$devices/$address" ]
}
device_is_absent() { ! lab_find "$1" >/dev/null; }

# plug DEVICE: adds a device, given as for QEMU's -device with an id and the bus of an empty port,
# and waits until the kernel has it. A native port is not ready until 6 s after a removal.
plug() {
    local id=${1##*id=}
    monitor "device_add $1" || return
    wait_for 60 device_is_present "${id%%,*}"
}

# unplug ID: requests removal, and waits until the guest has released the device.
unplug() {
    local address
    address=$(address_of "$1") || return
    monitor "device_del $1" || return
    wait_for 60 test ! -e "$devices/$address" && wait_for 60 device_is_absent "$1"
}

# surprise_remove ID: removes the device without notice (topology hotplug only). The port reports it
# to the kernel, which removes the device some time later; its driver may delay that.
surprise_remove() {
    local address port
    address=$(address_of "$1") && port=$(port_of "$address") || return
    lab_power_off "$port" && setpci -s "$port" CAP_EXP+18.w=0100:0700 CAP_EXP+18.w=0020:0020
}

# disconnect_silently ID: removes the device without the kernel noticing: it stays in sysfs, and
# reads from it return ff (topology hotplug only).
disconnect_silently() {
    local address
    address=$(address_of "$1") && lab_power_off "$(port_of "$address")"
}

# lab_power_off PORT: in the port's Slot Control register, disables the hot-plug interrupt (bit 5),
# then switches off power (bit 10) and power indicator (bits 8 and 9 set), on which QEMU removes the
# device. Once they are on again and the interrupt is enabled, the port reports the empty slot.
lab_power_off() { setpci -s "$1" CAP_EXP+18.w=0000:0020 CAP_EXP+18.w=0700:0700; }

# set_link_width ADDRESS LANES MAXIMUM: the device has a link of LANES lanes, and supports MAXIMUM; for
# tests with "outside: set-link", after the device is in use as it will be.
set_link_width() {
    local config answer
    config=$(od -An -v -tx1 -N 256 "$devices/$1/config")
    rm -f "$LAB_SHARE/link.done"
    echo "$2 $3 ${config//[[:space:]]/}" >"$LAB_SHARE/link.new"
    mv "$LAB_SHARE/link.new" "$LAB_SHARE/link.request"
    wait_for 60 test -e "$LAB_SHARE/link.done" || return
    read -r answer <"$LAB_SHARE/link.done"
    [ "$answer" = ok ] || { echo "$answer" >&2; return 1; }
}

# Errors

# inject_aer ADDRESS NAME: injects an error, named as in the files aer_dev_*, as if the device had
# reported it. The device must be behind a root port.
inject_aer() {
    local -A correctable=([RxErr]=0x1 [BadTLP]=0x40 [BadDLLP]=0x80 [Rollover]=0x100 [Timeout]=0x1000)
    local -A uncorrectable=([DLP]=0x10 [TLP]=0x1000 [FCP]=0x2000 [CmpltTO]=0x4000 [CmpltAbrt]=0x8000
        [UnxCmplt]=0x10000 [MalfTLP]=0x40000 [ECRC]=0x80000 [UnsupReq]=0x100000)
    local domain bus device function number record
    [ -c /dev/aer_inject ] || modprobe aer_inject || return
    [ -n "${correctable[$2]-}${uncorrectable[$2]-}" ] || { echo "inject_aer: unknown error $2" >&2; return 1; }
    IFS=:. read -r domain bus device function <<<"$1"
    # Linux, drivers/pci/pcie/aer_inject.c, struct aer_error_inj: bus, device, function and padding,
    # one byte each; uncorrectable and correctable status, four header words, domain, 32 bits each.
    printf -v record '\\x%s' "$bus" "$device" "$function" 0
    for number in "${uncorrectable[$2]-0}" "${correctable[$2]-0}" 0 1 2 3 "0x$domain"; do
        printf -v record '%s\\x%x\\x%x\\x%x\\x%x' "$record" $((number & 255)) \
            $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24 & 255))
    done
    # The kernel expects a single write: bash would start a new one after each newline byte.
    # shellcheck disable=SC2059
    printf "$record" | dd of=/dev/aer_inject bs=32 count=1 iflag=fullblock status=none
}
