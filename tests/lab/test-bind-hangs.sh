#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain hotplug
# timeout: 300
#
# vfio-bind with an unbind that blocks in the kernel because an undetected process holds the device,
# with a /run that is full, killed while its child processes have not begun, and with a device that is
# removed while it is being bound.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e nvme vfio-pci vfio_iommu_type1
nic0=$(address_of nic0)
nic1=$(address_of nic1)
hot0=$(address_of hot0)
nvme0=$(address_of nvme0)
mkdir -p /run/vfio-bind
mount -t tmpfs -o size=64k,nr_inodes=32,mode=755 none /run/vfio-bind
fill_run() { ! cat /dev/zero >/run/vfio-bind/filler 2>/dev/null; }
check "two devices are bound" exits 0 "$VFIO_BIND" bind "$nic0" "$nic1"

exec {held}< <(exec "$LAB_DIR/hold-group" "$nic0" "$(group_of "$nic0")")
holder=$!
read -r -t 20 -u "$held" _ || fail "hold-group failed"
check "release is refused while the holder is visible" exits 3 "$VFIO_BIND" release "$nic0"
# hides the holder in /proc and the kernel's reference counts
echo 0 >/run/zero
# shellcheck disable=SC2016
without_holder() {
    unshare --mount sh -c 'mount -t tmpfs none "/proc/$0" && mount -t tmpfs none /sys/module/vfio &&
        mount --bind /run/zero "$1" && shift && exec "$@"' "$holder" "$devices/$nic0/enable" "$VFIO_BIND" "$@"
}
check "with a hidden holder, release times out" \
    exits 124 without_holder release --timeout 5 "$nic0" "$nic1"
check "the other device is unchanged" test "$(driver_of "$nic1")" = vfio-pci
check "status does not block" exits 0 "$VFIO_BIND" status --timeout 2 "$nic0"
check "status reports the pending operation" grep -q "the kernel has not finished" /run/output
check "a second release times out" exits 124 "$VFIO_BIND" release --timeout 2 "$nic0"
check "recover times out" exits 124 "$VFIO_BIND" recover --timeout 2
check "another device is released" exits 0 "$VFIO_BIND" release --timeout 5 "$nic1"
check_same "nic1's driver is restored" e1000e "$(driver_of "$nic1")"
kill "$holder"
exec {held}<&-
check "/run is full" fill_run
check "recover succeeds after the holder has exited" exits 0 "$VFIO_BIND" recover --timeout 20
check_same "driver and override are as before the run" \
    "vfio-pci vfio-pci" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"
check "/run is full again" fill_run
check "a full /run prevents a release" exits 1 "$VFIO_BIND" release "$nic0"
check_same "driver and override are still as before" \
    "vfio-pci vfio-pci" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"
rm /run/vfio-bind/filler
check "now release succeeds" exits 0 "$VFIO_BIND" release "$nic0"
check_same "nic0's driver is restored" \
    "e1000e (null)" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"

# a journal on a disk, after a reboot
check "nic0 is bound again" exits 0 "$VFIO_BIND" bind "$nic0"
sed -i 's/^boot .*/boot 00000000-0000-0000-0000-000000000000/' /run/vfio-bind/journal
check "recover finds the journal of another boot" exits 0 "$VFIO_BIND" recover
check "it is dropped" grep -q "from before the last boot; dropped 1 device" /run/output
check "the device is released to the driver that the kernel chooses" \
    exits 0 "$VFIO_BIND" release "$nic0"
check_same "which is e1000e" \
    "e1000e (null)" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"

# killed before a child process has begun: no recovery is complete before that has ended
stop_children=$BUILD_DIR/tests/lab/.libs/stop-children.so
[ -e "$stop_children" ] || fail "no $stop_children (make lab-programs)"
# start_stopping NUMBER ARGUMENT...: starts vfio-bind, whose child processes stop at their start, from
# this number on; sets run.
start_stopping() {
    STOP_FROM=$1 LD_PRELOAD=$stop_children "$VFIO_BIND" "${@:2}" >/run/stopping 2>&1 &
    run=$!
}
child_is_stopped() {
    local state
    child=
    read -r child _ <"/proc/$run/task/$run/children" # without a newline, which read reports
    [ -n "$child" ] && read -r _ _ state _ <"/proc/$child/stat" && [ "$state" = T ]
} 2>/dev/null
run_has_ended() { child= && ! kill -0 "$run" 2>/dev/null; }
stopped_or_ended() { child_is_stopped || run_has_ended; }
# next_child: waits for the next child process; sets child. Fails if the run has ended instead.
next_child() {
    wait_for 60 stopped_or_ended || fail "the run neither ends nor has a stopped child process"
    [ -n "$child" ]
}
end_run() { kill -9 "$run" && ! wait "$run" 2>/dev/null; }
state_of() { echo "$(driver_of "$1") $(attribute "$1" driver_override)"; }

number=0
waited=0
while start_stopping $((++number)) bind "$nic1" && next_child; do
    end_run
    status=0
    "$VFIO_BIND" recover --timeout 1 >/run/output 2>&1 || status=$?
    state=$(state_of "$nic1")
    kill -CONT "$child"
    check "child process $number ends" wait_for 60 test ! -e "/proc/$child"
    case $status in
    0) check_same "recover was right that it changes nothing" "$state" "$(state_of "$nic1")" ;;
    124) waited=$((waited + 1)) ;;
    *) cat /run/output >&2; fail "recover exited with $status" ;;
    esac
    check "then recover succeeds" exits 0 "$VFIO_BIND" recover
    case $(state_of "$nic1") in
    "e1000e (null)") ;;
    "vfio-pci vfio-pci") check "nic1 is released again" exits 0 "$VFIO_BIND" release "$nic1" ;;
    *) fail "nic1 is in the state $(state_of "$nic1")" ;;
    esac
done
check "with no child process stopped, bind succeeds" wait "$run"
check "recover waits for the child processes that change nic1 ($waited of $((number - 1)))" \
    test "$waited" -ge 3
check "nic1 is released" exits 0 "$VFIO_BIND" release "$nic1"

# killed while virtual functions are replaced: their drivers, which are lost, are named
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
check "two virtual functions are enabled" exits 0 "$VFIO_BIND" vfs "$nvme0" 2
function0=$(link_name "$devices/$nvme0/virtfn0")
check "one is bound" exits 0 "$VFIO_BIND" bind "$function0"
start_stopping 1 vfs --allow vf-settings "$nvme0" 3
while next_child && [ "$(attribute "$nvme0" sriov_numvfs)" = 2 ]; do
    kill -CONT "$child"
    wait_for 60 test ! -e "/proc/$child" || fail "a child process does not end"
done
check_same "they are removed, and others are not created yet" 0 "$(attribute "$nvme0" sriov_numvfs)"
kill -9 "$child"
end_run
touch -d "-2 minutes" /run/vfio-bind/journal
check "pciprobe check reports the unfinished change" exits 1 "$PCIPROBE" check unfinished --all
check "with its device" grep -q "^WARNING unfinished: $nvme0: .* its number of VFs" /run/output
check "recover reports that not all is restored" exits 5 "$VFIO_BIND" recover
check "the virtual function's driver is named" \
    grep -q "not restored: $function0 bound to vfio-pci" /run/output
check_same "their number is restored" 2 "$(attribute "$nvme0" sriov_numvfs)"
check_same "without a driver" "" "$(driver_of "$function0")"
check "nothing is left to recover" exits 0 "$VFIO_BIND" recover
check "pciprobe check is OK again" exits 0 "$PCIPROBE" check unfinished --all
check "it can be bound again" exits 0 "$VFIO_BIND" bind "$function0"
check "the virtual functions are disabled" exits 0 "$VFIO_BIND" vfs --allow vf-settings "$nvme0" 0

# surprise removal during bind and release: each run exits, and the other device is not lost
change_both() { "$VFIO_BIND" "$1" -q --timeout 20 "$hot0" "$nic0" >>/run/log 2>&1; }
surprise_remove hot0 &
puller=$!
statuses=
while [ -e "$devices/$hot0" ]; do
    for subcommand in bind release; do
        status=0
        change_both "$subcommand" || status=$?
        statuses+="$status "
        case $status in
        0 | 1 | 3 | 4) ;; # 3: its interface disappeared during the checks
        *)
            cat /run/log >&2
            fail "$subcommand exited with $status"
            ;;
        esac
    done
done
check "a device is removed while it is bound and released ($statuses)" wait "$puller"
check "recover succeeds" exits 0 "$VFIO_BIND" recover
check "bind reports the device as absent" exits 4 "$VFIO_BIND" bind "$hot0"
check "the other device is released" exits 0 "$VFIO_BIND" release "$nic0"
check_same "nic0's driver is restored after the surprise removal" \
    "e1000e (null)" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"
