#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain group bridge display numa many
# machine: shared
#
# Lab: each topology has the devices, groups and NUMA nodes given in its file.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

# bridge
bridge0=$(address_of bridge0)
child0=$(address_of child0)
child1=$(address_of child1)
check_same "child0 is behind the bridge" "$bridge0" "$(port_of "$child0")"
check_same "child1 is behind the bridge" "$bridge0" "$(port_of "$child1")"
check_same "bridge0, child0 and child1 share a group" \
    "$bridge0 $child0 $child1" "$(group_members "$child1")"

# display
check_same "vga0 is the boot display" 1 "$(attribute "$(address_of vga0)" boot_vga)"
check_same "vga1 is not" 0 "$(attribute "$(address_of vga1)" boot_vga)"

# group
pair0=$(address_of pair0)
pair1=$(address_of pair1)
nic2=$(address_of nic2)
check_same "pair0 and pair1 are functions of one device" "${pair0%.*}.1" "$pair1"
check_same "pair0 and pair1 share a group" "$pair0 $pair1" "$(group_members "$pair0")"
check_same "nic2 is alone in its group" "$nic2" "$(group_members "$nic2")"

# many, plus one disk of plain and one edu device each of plain and bridge
check_same "there are 17 disks" 17 "$(lspci -n -d 1b36:0010 | wc -l)"
check_same "there are 34 edu devices" 34 "$(lspci -n -d 1234:11e8 | wc -l)"
many15=$(address_of many15)
check_same "a disk is alone in its group" "$many15" "$(group_members "$many15")"
check_same "eight functions share a group" 8 "$(group_members "$(address_of many16)" | wc -w)"

# numa
check "there are two NUMA nodes" test -d /sys/devices/system/node/node1
check_same "near0 is on node 0" 0 "$(attribute "$(address_of near0)" numa_node)"
check_same "far0 is on node 1" 1 "$(attribute "$(address_of far0)" numa_node)"
check "a device is plugged on node 1" plug e1000e,id=far1,bus=empty1,romfile=
check_same "far1 is on node 1" 1 "$(attribute "$(address_of far1)" numa_node)"
check "far1 is unplugged" unplug far1
