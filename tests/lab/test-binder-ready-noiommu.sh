#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: noiommu
# machine: shared
#
# vfio-bind check says of a host without IOMMU that it can give no device away.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
vfio_bind=$BUILD_DIR/vfio-bind
nic0=$(address_of nic0)

# verdict: how check ends; what it says is in /run/found.
verdict() {
    local status=0
    "$vfio_bind" check >/run/found 2>/run/said || status=$?
    echo "$status"
}
says() { grep -qE "$1" /run/found; }

check "there is no table" not test -e /sys/firmware/acpi/tables/DMAR
check "nor a group" not test -e /sys/kernel/iommu_groups/0
check_same "no IOMMU" 69 "$(verdict)"
check "the IOMMU is missing" says '^FAIL +iommu +off: no group'
check "because the firmware has none" says '^FAIL +firmware '
check "which in a VM its host must remedy" says ' -> this machine is a VM: its own host must give it an IOMMU'
check "the parameters are right" says '^PASS +parameters .*intel_iommu=on'
check "modules are there" says '^PASS +vfio_pci '
status=0
"$vfio_bind" config qemu "$nic0" >/run/found 2>/run/said || status=$?
check_same "no group, no node" 69 "$status"
check "which is told" grep -q "$nic0 skipped: not in an IOMMU group" /run/said

modprobe vfio-pci
check "the kernel says so too" not bind_driver "$nic0" vfio-pci
check_same "and vfio-pci is no remedy" 69 "$(verdict)"
