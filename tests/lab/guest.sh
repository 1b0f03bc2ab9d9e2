# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a script in the lab's machine can do with its devices:   . "$LAB_DIR/guest.sh"
# Devices are named by address (0000:01:00.0), or where QEMU has to act by the id that the topology or
# plug gave them; address_of leads from one to the other. What checks and waits is in verdict.sh.
# Starting a program costs 20 to 50 ms here, so what bash can do is done in bash.

devices=/sys/bus/pci/devices
# shellcheck disable=SC2034 # for the tests
VFIO_BIND=${PCIPROBE%/*}/vfio-bind

# shellcheck source=verdict.sh
. "$LAB_DIR/verdict.sh"

# Looking at devices

# link_name LINK: the last part of what a symbolic link leads to; nothing where there is none.
link_name() { ! [ -e "$1" ] || (cd -P -- "$1" && echo "${PWD##*/}"); }

# driver_of ADDRESS, group_of ADDRESS: the driver it is bound to, its IOMMU group; nothing for none.
driver_of() { link_name "$devices/$1/driver"; }
group_of() { link_name "$devices/$1/iommu_group"; }

# in_group ADDRESS: the addresses in its IOMMU group, in order, on one line.
in_group() { (cd -- "$devices/$1/iommu_group/devices" && echo *); }

# attribute ADDRESS NAME: the first line of a file in its directory.
attribute() {
    local value
    read -r value <"$devices/$1/$2" && printf '%s\n' "$value"
}

# port_of ADDRESS: the bridge or root port it sits behind.
port_of() { link_name "$devices/$1/.."; }

# aer_count ADDRESS correctable|nonfatal|fatal NAME: how often the kernel has counted that error.
aer_count() {
    local name count
    while read -r name count; do
        [ "$name" != "$3" ] || echo "$count"
    done <"$devices/$1/aer_dev_$2"
}

# Drivers

# bind_driver ADDRESS DRIVER: to this driver, away from any other. Its module must be loaded: nothing
# here loads modules by itself.
bind_driver() {
    echo "$2" >"$devices/$1/driver_override"
    unbind_driver "$1"
    echo "$1" >/sys/bus/pci/drivers_probe
    [ "$(driver_of "$1")" = "$2" ]
}

# unbind_driver ADDRESS: away from its driver, if it has one.
unbind_driver() { ! [ -e "$devices/$1/driver" ] || echo "$1" >"$devices/$1/driver/unbind"; }

# QEMU's monitor

# monitor COMMAND: a line for QEMU's monitor, such as "info qtree"; its answer comes out.
# The line speaks QMP: a JSON object each way, on a line of its own, so that an answer is told from
# an event, and by its id from one to a question that somebody no longer waits for. It runs in a subshell, because bash keeps
# what follows the answer, if it came with it, and would return it from the next read of whatever file.
monitor() (
    text=${1//\\/\\\\}
    text=${text//\"/\\\"}
    lab_ask "{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": \"$text\"}" || return
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

# lab_ask OBJECT_WITHOUT_ITS_BRACE: the answer is left in lab_answer.
lab_ask() {
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
    # Until stty was done the line has sent back what it received: this byte makes QEMU forget that.
    printf '\xff' >&"$lab_line"
    # Said again by a second script it is answered by an error, which does no harm.
    (lab_ask '{"execute": "qmp_capabilities"')
fi

# address_of ID: where the device with this id is.
address_of() { lab_find "$1" || { echo "there is no device $1" >&2; return 1; }; }

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

# device_is_there ID, device_is_gone ID: for the kernel, for QEMU.
device_is_there() {
    local address
    address=$(lab_find "$1") && [ -e "$devices/$address" ]
}
device_is_gone() { ! lab_find "$1" >/dev/null; }

# plug DEVICE: DEVICE as after QEMU's -device, with an id and the bus of an empty port. Comes back when
# the kernel has it. A native port needs some 6 s of rest after a device was removed from it.
plug() {
    local id=${1##*id=}
    monitor "device_add $1" || return
    wait_for 20 device_is_there "${id%%,*}"
}

# unplug ID: the orderly way: the system is asked, and lets the device go. Comes back when it has.
unplug() {
    local address
    address=$(address_of "$1") || return
    monitor "device_del $1" || return
    wait_for 20 test ! -e "$devices/$address" && wait_for 20 device_is_gone "$1"
}

# surprise ID: the device is pulled without a word to anybody (topology hotplug only). The kernel learns
# it from the port and takes the device away some time later; a driver in use may delay that.
surprise() {
    local address port
    address=$(address_of "$1") && port=$(port_of "$address") || return
    lab_pull "$port" && setpci -s "$port" CAP_EXP+18.w=0100:0700 CAP_EXP+18.w=0020:0020
}

# silence ID: the device is gone, but the kernel does not learn it: it stays in sysfs, and all that is
# read from it is ff (topology hotplug only).
silence() {
    local address
    address=$(address_of "$1") && lab_pull "$(port_of "$address")"
}

# lab_pull PORT: in the port's Slot Control, stop the hot-plug interrupt (bit 5), then switch off the
# power (bit 10) and its light (bits 8 and 9 both set): QEMU takes the device out on that. With the
# power and the light on again and the interrupt allowed, the port says that its device is not there.
lab_pull() { setpci -s "$1" CAP_EXP+18.w=0000:0020 CAP_EXP+18.w=0700:0700; }

# Errors

# inject_aer ADDRESS NAME: an error as the kernel names it in the files aer_dev_*, as if the device had
# reported it. The device must be behind a root port.
inject_aer() {
    local -A correctable=([RxErr]=0x1 [BadTLP]=0x40 [BadDLLP]=0x80 [Rollover]=0x100 [Timeout]=0x1000)
    local -A uncorrectable=([DLP]=0x10 [TLP]=0x1000 [FCP]=0x2000 [CmpltTO]=0x4000 [CmpltAbrt]=0x8000
        [UnxCmplt]=0x10000 [MalfTLP]=0x40000 [ECRC]=0x80000 [UnsupReq]=0x100000)
    local domain bus device function number record
    [ -c /dev/aer_inject ] || modprobe aer_inject || return
    [ -n "${correctable[$2]-}${uncorrectable[$2]-}" ] || { echo "inject_aer: no error $2" >&2; return 1; }
    IFS=:. read -r domain bus device function <<<"$1"
    # Linux, drivers/pci/pcie/aer_inject.c, struct aer_error_inj: bus, device, function and a filler,
    # a byte each; uncorrectable and correctable errors, four words of header, domain, 32 bits each.
    printf -v record '\\x%s' "$bus" "$device" "$function" 0
    for number in "${uncorrectable[$2]-0}" "${correctable[$2]-0}" 0 1 2 3 "0x$domain"; do
        printf -v record '%s\\x%x\\x%x\\x%x\\x%x' "$record" $((number & 255)) \
            $((number >> 8 & 255)) $((number >> 16 & 255)) $((number >> 24 & 255))
    done
    # dd makes one write of it, which the kernel wants: bash would end one at each newline byte.
    # shellcheck disable=SC2059
    printf "$record" | dd of=/dev/aer_inject bs=32 count=1 iflag=fullblock status=none
}
