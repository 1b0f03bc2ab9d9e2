#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain group bridge display numa many
# machine: shared
# timeout: 300
#
# All kinds of devices in one machine: pciprobe lists what lspci and sysfs tell of them, without their
# drivers and with them, some at other drivers, in sleep, and with virtual functions.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
always=iommu_group,numa_node,physical_slot,subsystem_name,prog_if,revision,parent,root_port
always+=,link_speed,link_width,max_link_speed,max_link_width,aer_correctable,reset_methods,driver

check "devices are listed without their drivers" \
    "$LAB_DIR/same-as-lspci" --none interfaces,blocks,drm,pf "$always,vfs_total"

modprobe -a e1000 e1000e nvme bochs cirrus vfio-pci
check "the disk comes" wait_for 20 test -b /dev/nvme0n1
check "devices are listed with their drivers" \
    "$LAB_DIR/same-as-lspci" --none pf "$always,interfaces,macs,blocks,drm"

nvme0=$(address_of nvme0)
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
echo 4 >"$devices/$nvme0/sriov_numvfs"
# VFIO lets a device that nobody uses sleep.
for device in "$(address_of nic0)" "$(link_name "$devices/$nvme0/virtfn2")"; do
    check "VFIO takes $device" bind_driver "$device" vfio-pci
done
asleep() { [ "$(attribute "$1" power/runtime_status)" = suspended ]; }
check "one sleeps" wait_for 10 asleep "$(address_of nic0)"
check "devices are listed with virtual functions and VFIO's driver" \
    "$LAB_DIR/same-as-lspci" "$always,interfaces,blocks,drm,pf,vf_index,vfs_enabled"
