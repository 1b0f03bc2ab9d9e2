#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# kernel: cdev
# timeout: 120
#
# vfio-bind on a kernel where devices have nodes of their own besides those of their groups.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e iommufd
nic0=$(address_of nic0)

mkdir -p /run/udev/rules.d
cp "$LAB_DIR/../../etc/udev/60-vfio-bind.rules" /run/udev/rules.d/
/lib/systemd/systemd-udevd --daemon
udevadm trigger --settle --subsystem-match=misc --sysname-match=iommu
check_same "the group kvm can open /dev/iommu" "root:kvm 660" "$(stat -c '%U:%G %a' /dev/iommu)"
udevadm control --exit

check "config qemu succeeds before bind" exits 0 "$VFIO_BIND" config qemu "$nic0"
check "it reports that the device has no node yet" grep -q "# $nic0 has no node for iommufd" /run/output
check "bind succeeds" exits 0 timeout 5 "$VFIO_BIND" bind --owner nobody:kvm "$nic0"
check_same "the device is bound to vfio-pci" vfio-pci "$(driver_of "$nic0")"
node=$(echo "$devices/$nic0"/vfio-dev/*)
node=/dev/vfio/devices/${node##*/}
group=/dev/vfio/$(group_of "$nic0")
check_same "both nodes have the configured owner" "nobody:kvm nobody:kvm" \
    "$(stat -c %U:%G "$node" "$group" | paste -s -d ' ')"
check "status shows the nodes" exits 0 "$VFIO_BIND" status "$nic0"
check "of the group and of the device" grep -q "nodes *$group $node" /run/output
check "the host is ready" exits 0 "$VFIO_BIND" check
check "/dev/vfio/vfio passes the check" grep -q '^PASS *\/dev\/vfio\/vfio' /run/output
check "/dev/iommu passes the check" grep -q '^PASS *\/dev\/iommu' /run/output
check "config qemu succeeds" exits 0 "$VFIO_BIND" config qemu "$nic0"
for path in /dev/vfio/vfio /dev/iommu "$group" "$node"; do
    check "it lists $path" grep -qF "\"$path\"" /run/output
done

exec {held}< <(HOLD="cdev plain $nic0 " exec "$BUILD_DIR/tests/lab/hold-device")
holder=$!
read -r -t 20 -u "$held" _ || fail "hold-device failed"
check "release is refused while a process has the device's node open" \
    exits 3 "$VFIO_BIND" release "$nic0"
check "the process is reported" grep -q "held by process $holder" /run/output
kill "$holder"
wait "$holder" 2>/dev/null || :
exec {held}<&-
check "release succeeds" exits 0 timeout 5 "$VFIO_BIND" release "$nic0"
check_same "the device is returned" e1000e "$(driver_of "$nic0")"
check "its node is gone" test ! -e "$node"
