#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain hotplug
# timeout: 300
#
# vfio-bind with an unbind that blocks in the kernel because an undetected process holds the device,
# with a /run that is full, and with a device that is removed while it is being bound.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e nvme vfio-pci vfio_iommu_type1
nic0=$(address_of nic0)
nic1=$(address_of nic1)
hot0=$(address_of hot0)
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
