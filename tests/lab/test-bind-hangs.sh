#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain hotplug
# timeout: 300
#
# What a script can't survive: an unbind that the kernel doesn't answer, because somebody has the device who could not be seen; and a
# device that is pulled out while it is bound.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e nvme vfio-pci vfio_iommu_type1
nic0=$(address_of nic0)
nic1=$(address_of nic1)
hot0=$(address_of hot0)
check "two devices are bound" ends 0 "$VFIO_BIND" bind "$nic0" "$nic1"

exec {held}< <(exec "$LAB_DIR/hold-group" "$nic0" "$(group_of "$nic0")")
holder=$!
read -r -t 20 -u "$held" _ || fail "it cannot be held"
check "it is refused while that can be seen" ends 3 "$VFIO_BIND" release "$nic0"
# Where the holder's directory in /proc and what the kernel says are covered up it isn't seen.
echo 0 >/run/zero
# shellcheck disable=SC2016
blind() {
    unshare --mount sh -c 'mount -t tmpfs none "/proc/$0" && mount -t tmpfs none /sys/module/vfio &&
        mount --bind /run/zero "$1" && shift && exec "$@"' "$holder" "$devices/$nic0/enable" "$VFIO_BIND" "$@"
}
check "else the kernel waits, and it doesn't" ends 124 blind release --timeout 5 "$nic0" "$nic1"
check "the other device is as it was" test "$(driver_of "$nic1")" = vfio-pci
check "status answers meanwhile" ends 0 "$VFIO_BIND" status --timeout 2 "$nic0"
check "and tells why" grep -q "the kernel has not finished" /run/said
check "the device is left alone" ends 124 "$VFIO_BIND" release --timeout 2 "$nic0"
check "by recover too" ends 124 "$VFIO_BIND" recover --timeout 2
check "other devices aren't" ends 0 "$VFIO_BIND" release --timeout 5 "$nic1"
check_same "they go back" e1000e "$(driver_of "$nic1")"
kill "$holder"
exec {held}<&-
check "when the holder has gone it is put in order" ends 0 "$VFIO_BIND" recover --timeout 20
check_same "as before the run" "vfio-pci vfio-pci" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"
check "now it is given back" ends 0 "$VFIO_BIND" release "$nic0"
check_same "to its driver" "e1000e (null)" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"

# pulled while it goes back and forth: every run ends, says what it did, and the other device isn't lost
pulled() { "$VFIO_BIND" "$1" -q --timeout 20 "$hot0" "$nic0" >>/run/pulled 2>&1; }
surprise hot0 &
puller=$!
statuses=
while [ -e "$devices/$hot0" ]; do
    for verb in bind release; do
        status=0
        pulled $verb || status=$?
        statuses+="$status "
        case $status in
        0 | 1 | 3 | 4) ;; # 3: its interface went while it was looked at
        *)
            cat /run/pulled >&2
            fail "$verb ended with $status"
            ;;
        esac
    done
done
check "a device was pulled while it was bound and released ($statuses)" wait "$puller"
check "nothing is left to recover" ends 0 "$VFIO_BIND" recover
check "it is a device that isn't there" ends 4 "$VFIO_BIND" bind "$hot0"
check "the other one goes back" ends 0 "$VFIO_BIND" release "$nic0"
check_same "to its driver" "e1000e (null)" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"
