#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
#
# Lab: devices of the plain machine, VFIO, virtual functions, AER errors and hot-plug.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a vfio-pci e1000e nvme

nic0=$(address_of nic0)
nic1=$(address_of nic1)
edu0=$(address_of edu0)
nvme0=$(address_of nvme0)
listed=$(lspci -D -n | sed 's/ (rev .*//')
check_same "lspci lists the devices" \
    4 "$(grep -c -x -F -e "$nic0 0200: 8086:10d3" -e "$nic1 0200: 8086:10d3" \
    -e "$edu0 00ff: 1234:11e8" -e "$nvme0 0108: 1b36:0010" <<<"$listed")"
for device in "$nic0" "$nic1" "$edu0" "$nvme0"; do
    check_same "$device is alone in its group" "$device" "$(group_members "$device")"
done
check_same "nic1 is on the root bus" pci0000:00 "$(port_of "$nic1")"
check_same "nic0 is behind a root port" "$(address_of port0)" "$(port_of "$nic0")"
check_same "nic0 has no NUMA node" -1 "$(attribute "$nic0" numa_node)"
check "the disk exists" test -b /dev/nvme0n1

check "nic1 is bound to vfio-pci" bind_driver "$nic1" vfio-pci
check "the group of nic1 has a device node" test -c "/dev/vfio/$(group_of "$nic1")"
check "nic1 is bound to its host driver" bind_driver "$nic1" e1000e

before=$(aer_count "$nic0" correctable BadTLP)
inject_aer "$nic0" BadTLP
lab_counted() { [ "$(aer_count "$nic0" "$1" "$2")" -eq "$3" ]; }
check "a correctable error is counted" wait_for 60 lab_counted correctable BadTLP $((before + 1))
check_same "the port of nic0 has no error" 0 "$(aer_count "$(port_of "$nic0")" correctable BadTLP)"
inject_aer "$nic0" CmpltTO
check "a non-fatal error is counted" wait_for 60 lab_counted nonfatal CmpltTO 1

# QEMU's virtual functions have no disk for the nvme driver.
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
echo 4 >"$devices/$nvme0/sriov_numvfs"
for number in 0 1 2 3; do
    function=$(link_name "$devices/$nvme0/virtfn$number")
    check_same "virtual function $function belongs to nvme0" \
        "$nvme0" "$(link_name "$devices/$function/physfn")"
    check_same "$function is alone in its group" "$function" "$(group_members "$function")"
done
check "a virtual function is bound to vfio-pci" bind_driver "$function" vfio-pci
echo 0 >"$devices/$nvme0/sriov_numvfs"
check "the virtual functions are gone" test ! -e "$devices/$function"

check "nic0 is unplugged" unplug nic0
check "sysfs no longer has it" test ! -e "$devices/$nic0"
check "another device is plugged" plug e1000e,id=nic9,bus=port0,romfile=
check_same "the new device has the same address" "$nic0" "$(address_of nic9)"
