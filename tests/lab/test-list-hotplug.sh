#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: hotplug
#
# pciprobe lists the present devices after hot-plug, removal and silent disconnection, and reports
# those that pci.conf expects.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe e1000e
seen=iommu_group,physical_slot,interfaces,parent,link_speed,aer_fatal
lists() { "$LAB_DIR/same-as-lspci" "$seen"; }
# findings KIND: prints their number.
findings() {
    "$PCIPROBE" list -c /dev/shm/pci.conf -f prometheus | sed -n "s/^pciprobe_host_expect_$1 //p"
}
addresses() { "$PCIPROBE" list --all -f raw -o address --no-headings; }
has_interface() { [ -e "$devices/$1/net" ]; }

hot0=$(address_of hot0)
check "the device is listed correctly" lists

# state: prints the exit status of a check for the device that pci.conf expects, and what it reports.
state() {
    local status=0 line
    line=$("$PCIPROBE" check missing --config /tmp/expect.conf) || status=$?
    case $status in
    0) echo "0 ${line%% - *}" ;;
    *) echo "$status ${line%% (*}" ;;
    esac
}
printf ":filter: '8086:10d3'\n:expect:\n  - {short_address: '%s=8086:10d3'}\n" "$hot0" >/tmp/expect.conf
check_same "the check finds the expected device" "0 PCI OK" "$(state)"

check "another device is plugged" plug e1000e,id=hot1,bus=slot1,romfile=
hot1=$(address_of hot1)
check "hot1 is bound to its driver" wait_for 60 has_interface "$hot1"
check "both devices are listed correctly" lists
check "both addresses are listed" test "$(addresses | grep -c -x -F -e "$hot0" -e "$hot1")" = 2

{ echo ":filter:" && "$PCIPROBE" baseline --all; } >/dev/shm/pci.conf
check_same "the host is as expected" "0 0" "$(findings missing) $(findings moved)"

check "one device is unplugged on request" unplug hot1
check "the other one is removed by surprise" surprise_remove hot0
check "the kernel removes it" wait_for 60 test ! -e "$devices/$hot0"
check_same "the check misses the expected device" "2 PCI CRITICAL - 1 missing device" "$(state)"
check_same "neither device is listed" "" "$(addresses | grep -x -F -e "$hot0" -e "$hot1" || :)"
check_same "all other devices are listed" \
    "$(printf '%s\n' "$devices"/* | sed 's|.*/||')" "$(addresses)"
check_same "both are missing" "2 0" "$(findings missing) $(findings moved)"

# Reads from a disconnected device return all ones, which must not be reported as values.
check "a device is plugged" plug e1000e,id=hot2,bus=slot2,romfile=
hot2=$(address_of hot2)
check "hot2 is bound to its driver" wait_for 60 has_interface "$hot2"
check_same "one of them has moved" "1 1" "$(findings missing) $(findings moved)"
check "hot2 is disconnected silently" disconnect_silently hot2
check_same "the configuration space of hot2 reads as ff" ffff "$(setpci -s "$hot2" VENDOR_ID)"
status=0
dead=$("$PCIPROBE" list --all -s "$hot2" -f raw --no-headings \
    -o address,vendor,device,class,driver,link_speed,link_width,max_link_width) || status=$?
# without max_link_speed, which Linux since 6.7 caches
check_same "hot2 is listed with its ids and driver, but without a link" \
    "$hot2 8086 10d3 0200 e1000e - - -" "$dead"
check "the status is 0 or 3" test "$status" = 0 -o "$status" = 3
