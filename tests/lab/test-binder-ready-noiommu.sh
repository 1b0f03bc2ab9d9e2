#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: noiommu
# machine: shared
#
# vfio-bind check reports that a host without IOMMU cannot assign devices.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
vfio_bind=$BUILD_DIR/vfio-bind
nic0=$(address_of nic0)

# verdict: prints the exit status of check, whose output is in /run/found.
verdict() {
    local status=0
    "$vfio_bind" check >/run/found 2>/run/output || status=$?
    echo "$status"
}
prints() { grep -qE "$1" /run/found; }

check "there is no DMAR table" not test -e /sys/firmware/acpi/tables/DMAR
check "there is no IOMMU group" not test -e /sys/kernel/iommu_groups/0
check_same "check fails" 69 "$(verdict)"
check "check reports the missing IOMMU" prints '^FAIL +iommu +disabled: no group'
check "check reports the missing table" prints '^FAIL +firmware '
check "check suggests to configure the VM's host" \
    prints ' -> this machine is a VM: add a virtual IOMMU to it on its host'
check "check accepts the kernel parameters" prints '^PASS +parameters .*intel_iommu=on'
check "check finds the modules" prints '^PASS +vfio_pci '
status=0
"$vfio_bind" config qemu "$nic0" >/run/found 2>/run/output || status=$?
check_same "config qemu fails" 69 "$status"
check "the missing group is reported" grep -q "$nic0 skipped: is not in an IOMMU group" /run/output

modprobe vfio-pci
check "the kernel refuses to bind the device" not bind_driver "$nic0" vfio-pci
check_same "check still fails with vfio-pci loaded" 69 "$(verdict)"
