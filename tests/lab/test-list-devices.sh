#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain group bridge display numa many
# machine: shared
# timeout: 300
#
# pciprobe lists all kinds of devices like lspci and sysfs: without drivers, with drivers, bound to
# vfio-pci, suspended, and with virtual functions.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
always=iommu_group,numa_node,physical_slot,subsystem_name,prog_if,revision,parent,root_port
always+=,link_speed,link_width,max_link_speed,max_link_width,aer_correctable,reset_methods,driver

check "devices are listed without their drivers" \
    "$LAB_DIR/same-as-lspci" --none interfaces,blocks,drm,pf "$always,vfs_total"

modprobe -a e1000 e1000e nvme bochs cirrus vfio-pci
check "the disk appears" wait_for_disk test -b /dev/nvme0n1
check "devices are listed with their drivers" \
    "$LAB_DIR/same-as-lspci" --none pf "$always,interfaces,macs,blocks,drm"

# a process that has a graphics node open, by another path than udev's
vga0=$(address_of vga0)
vga1=$(address_of vga1)
show() { "$PCIPROBE" list --all -s "$1" -f raw --no-headings -o "$2"; }
check "the graphics node appears" wait_for 60 test -e "$devices/$vga0/drm/"card*
IFS=: read -r major minor <"$(echo "$devices/$vga0/drm/"card*/dev)"
mknod /run/elsewhere c "$major" "$minor"
sleep 1000 <>/run/elsewhere &
program=$!
uses() { [ "$(show "$1" owners,pids)" = "$2" ]; }
check "the process that uses a display is found" wait_for 60 uses "$vga0" "sleep $program"
check_same "the display stays the host's" "host no host-process nodes" \
    "$(show "$vga0" ownership,conflict,claims,owner_sources)"
check_same "another display has no process" "host -" "$(show "$vga1" ownership,owners)"
kill "$program"
check "the process that has ended is not listed" wait_for 60 uses "$vga0" "- -"

nvme0=$(address_of nvme0)
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
echo 4 >"$devices/$nvme0/sriov_numvfs"
# vfio-pci suspends unused devices.
for device in "$(address_of nic0)" "$(link_name "$devices/$nvme0/virtfn2")"; do
    check "$device is bound to vfio-pci" bind_driver "$device" vfio-pci
done
asleep() { [ "$(attribute "$1" power/runtime_status)" = suspended ]; }
check "a device is suspended" wait_for 60 asleep "$(address_of nic0)"
check "devices are listed with virtual functions and vfio-pci" \
    "$LAB_DIR/same-as-lspci" "$always,interfaces,blocks,drm,pf,vf_index,vfs_enabled"
