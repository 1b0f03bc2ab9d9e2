#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain group bridge display numa many
# machine: shared
#
# Each topology has the devices, groups and nodes that its file promises.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

# bridge
bridge0=$(address_of bridge0)
child0=$(address_of child0)
child1=$(address_of child1)
check_same "child0 is behind the bridge" "$bridge0" "$(port_of "$child0")"
check_same "child1 is behind the bridge" "$bridge0" "$(port_of "$child1")"
check_same "the three share a group" "$bridge0 $child0 $child1" "$(in_group "$child1")"

# display
check_same "vga0 is the boot display" 1 "$(attribute "$(address_of vga0)" boot_vga)"
check_same "vga1 is not" 0 "$(attribute "$(address_of vga1)" boot_vga)"

# group
pair0=$(address_of pair0)
pair1=$(address_of pair1)
nic2=$(address_of nic2)
check_same "pair0 and pair1 are functions of one device" "${pair0%.*}.1" "$pair1"
check_same "they share a group" "$pair0 $pair1" "$(in_group "$pair0")"
check_same "nic2 is alone in its group" "$nic2" "$(in_group "$nic2")"

# many, and the one disk and one edu device of plain and bridge each
check_same "there are 16 disks and that of plain" 17 "$(lspci -n -d 1b36:0010 | wc -l)"
check_same "there are 32 edu devices and those of plain and bridge" 34 "$(lspci -n -d 1234:11e8 | wc -l)"
many15=$(address_of many15)
check_same "a disk is alone in its group" "$many15" "$(in_group "$many15")"
check_same "eight functions share one" 8 "$(in_group "$(address_of many16)" | wc -w)"

# numa
check "there are two nodes" test -d /sys/devices/system/node/node1
check_same "near0 is on node 0" 0 "$(attribute "$(address_of near0)" numa_node)"
check_same "far0 is on node 1" 1 "$(attribute "$(address_of far0)" numa_node)"
check "a device is plugged on node 1" plug e1000e,id=far1,bus=empty1,romfile=
check_same "it is on node 1" 1 "$(attribute "$(address_of far1)" numa_node)"
check "and unplugged again" unplug far1
