#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# kernel: nogroup
# timeout: 120
#
# vfio-bind on a kernel without VFIO_GROUP: the node of the device itself confirms that it is bound.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e iommufd
nic0=$(address_of nic0)

check "bind succeeds" exits 0 timeout 5 "$VFIO_BIND" bind --owner nobody:kvm "$nic0"
check_same "the device is bound to vfio-pci" vfio-pci "$(driver_of "$nic0")"
node=$(echo /sys/bus/pci/devices/"$nic0"/vfio-dev/*)
node=/dev/vfio/devices/${node##*/}
check "the device has a node" test -c "$node"
check "its group has none" test ! -e "/dev/vfio/$(group_of "$nic0")"
check_same "the node has the configured owner" nobody:kvm "$(stat -c %U:%G "$node")"
check "status shows the node" exits 0 "$VFIO_BIND" status "$nic0"
check "which is that of the device" grep -q "nodes *$node" /run/output
check "the host is ready" exits 0 "$VFIO_BIND" check
check "/dev/iommu passes the check" grep -q '^PASS *\/dev\/iommu' /run/output
check "config qemu succeeds" exits 0 "$VFIO_BIND" config qemu "$nic0"
check "it lists the node" grep -qF "\"$node\"" /run/output
check "it lists /dev/iommu" grep -qF '"/dev/iommu"' /run/output
check "it does not list /dev/vfio/vfio" eval '! grep -qF "\"/dev/vfio/vfio\"" /run/output'
check "release succeeds" exits 0 timeout 5 "$VFIO_BIND" release "$nic0"
check_same "the device is returned" e1000e "$(driver_of "$nic0")"
check "its node is gone" test ! -e "$node"
