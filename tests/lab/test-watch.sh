#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: hotplug
# timeout: 300
# outside: set-link
#
# pciprobe watch, while devices are plugged, bound, held, released, unplugged and removed by surprise,
# report errors and have a degraded link, and while all processes are frozen as for a suspended host:
# each change once. How long each took is printed.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e vfio-pci
hot0=$(address_of hot0)
check "hot0 has a link of four lanes" set_link_width "$hot0" 4 4

events=/run/events
"$PCIPROBE" watch --all >"$events" 2>/run/watch.errors &
watch=$!

# of_device EVENT ADDRESS [TEXT]: prints the lines of these events of a device, with TEXT.
of_device() { grep -F "\"event\": \"$1\"" "$events" | grep -F "\"device\": { \"address\": \"$2\"" | grep -F -e "${3-}"; }
count() { of_device "$@" | wc -l; }
happens() { [ -n "$(of_device "$@")" ]; }

# cause COMMAND...: runs it, and remembers when it began.
cause() {
    began=$EPOCHREALTIME
    "$@"
}

# once TITLE EVENT ADDRESS [TEXT]: waits for the event, and prints when it was found and printed
# after its cause began. It must not be the scan that found it, which only comes once a minute.
once() {
    local found printed
    wait_for 60 happens "${@:2}" || { cat "$events" /run/watch.errors >&2; fail "$1"; }
    printed=$EPOCHREALTIME
    [[ $(of_device "${@:2}" | tail -n 1) != *'"trigger": ["scan"]'* ]] || fail "$1: only by the scan"
    found=$(of_device "${@:2}" | tail -n 1 | sed 's/.*"time": "\([^"]*\)".*/\1/')
    found=$(date -d "$found" +%s%3N)
    echo "ok: $1 (read $((found - ${began/./} / 1000)) ms after its cause, seen after $(((${printed/./} - ${began/./}) / 1000)) ms)"
}

wait_for 60 happens present "$hot0" || { cat /run/watch.errors >&2; fail "no state"; }
check_same "the state has all devices" "$(printf '%s\n' "$devices"/* | wc -l)" \
    "$(grep -cF '"event": "present"' "$events")"

check "a device is plugged" cause plug e1000e,id=hot1,bus=slot1,romfile=
hot1=$(address_of hot1)
once "it is added" added "$hot1"
has_driver() { [ "$(driver_of "$hot1")" = "$1" ]; }
check "it is bound to its driver" wait_for 60 has_driver e1000e

check "it is bound to vfio-pci" cause bind_driver "$hot1" vfio-pci
once "its driver is another one" driver_changed "$hot1" '"after": { "driver": "vfio-pci"'

mkdir -p /run/vmm
cp -- "$BUILD_DIR/tests/lab/hold-device" /run/vmm/qemu-system-x86_64
hold() {
    exec {held}< <(HOLD="group plain $hot1" exec /run/vmm/qemu-system-x86_64 -name "guest=$1" \
        -device "vfio-pci,host=$hot1" 2>/run/holder.errors)
    holder=$!
    read -r -t 60 -u "$held" _ || fail "hold: $(cat /run/holder.errors)"
}
for vm in one-1 one-2 one-3; do
    cause hold "$vm"
    once "$vm holds it" vm_attached "$hot1" "\"owner\": { \"name\": \"$vm\""
    cause kill -9 "$holder"
    once "$vm is killed" vm_detached "$hot1" "\"owner\": { \"name\": \"$vm\""
    exec {held}<&-
done

check "an error is injected" cause inject_aer "$hot1" CmpltTO
once "it is counted" aer_nonfatal "$hot1"

# The kernel announces no correctable errors; a clock that is set, as when a suspended host resumes,
# is a reason to read.
read_now() { date -s "+1 second" >/dev/null; }
check "a correctable error is injected" inject_aer "$hot1" RxErr
check "the clock is set" cause read_now
once "the error is found" aer_correctable "$hot1"

# Nor does it announce another width of a link.
listed() { "$PCIPROBE" list --all -s "$hot0" -f raw --no-headings -o link_width,max_link_width,link_degraded; }
state() { "$PCIPROBE" check degraded --all | sed '1!d; s/ (.*//; s/^PCI OK.*/PCI OK/'; }
check "the link loses three lanes" set_link_width "$hot0" 1 4
check_same "it is listed" "1 4 yes" "$(listed)"
check_same "it is a warning of the check" "PCI WARNING - 1 degraded link" "$(state)"
check "the clock is set" cause read_now
once "the link is degraded" link_degraded "$hot0" '"link_width": 1'
check "the link is as before" set_link_width "$hot0" 4 4
check "the clock is set" cause read_now
once "the link is recovered" link_recovered "$hot0" '"after": { "runtime_status": "active", "link_speed": 2.5, "link_width": 4'
check_same "the check is OK" "PCI OK" "$(state)"

# A port with native hot-plug removes the device five seconds after the request, while no process runs.
freeze() {
    echo freezer >/sys/power/pm_test
    echo 2 >/sys/module/suspend/parameters/pm_test_delay
    echo freeze >/sys/power/state
}
cause true
check "removal of a device is requested" monitor "device_del hot1"
pause 4
check "all processes are frozen meanwhile" freeze
check "the kernel removes the device" wait_for 60 test ! -e "$devices/$hot1"
once "it is removed" removed "$hot1"
check "the other is removed by surprise" cause surprise_remove hot0
once "it is removed" removed "$hot0"

# Faster than it reads: what it printed last is what is there.
check "a device is plugged" cause plug e1000e,id=hot2,bus=slot2,romfile=
hot2=$(address_of hot2)
once "it is added" added "$hot2"
last_of() { grep -F "\"device\": { \"address\": \"$1\"" "$events" | tail -n 1 | sed 's/.*"event": "\([a-z_]*\)".*/\1/'; }
for _ in {1..10}; do
    echo 1 >"$devices/$hot2/remove"
    echo 1 >/sys/bus/pci/rescan
done
check "it is there at last" test -e "$devices/$hot2"
echo 1 >"$devices/$hot2/remove"
check_becomes "the last event says that it is not there" removed last_of "$hot2"

# each once
for event in "added $hot1" "aer_correctable $hot1" "link_degraded $hot0" "link_recovered $hot0" "removed $hot1" "removed $hot0" "aer_nonfatal $hot1"; do
    # shellcheck disable=SC2086 # two words
    check_same "$event" 1 "$(count $event)"
done
for vm in one-1 one-2 one-3; do
    for event in vm_attached vm_detached; do
        check_same "$event $vm" 1 "$(count "$event" "$hot1" "\"owner\": { \"name\": \"$vm\"")"
    done
done
check_same "the driver was bound once" 1 "$(count driver_changed "$hot1" '"after": { "driver": "vfio-pci"')"
check_same "nothing was lost" "" "$(grep -F '"event": "overflow"' "$events" || :)"
kill "$watch"
wait "$watch" || fail "exit status $?"
check_same "nothing was logged" "" "$(cat /run/watch.errors)"
