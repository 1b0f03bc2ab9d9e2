#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: hotplug
#
# Devices that come, go, are pulled and die: pciprobe lists what there is afterwards.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe e1000e
seen=iommu_group,physical_slot,interfaces,parent,link_speed,aer_fatal
lists() { "$LAB_DIR/same-as-lspci" "$seen"; }
addresses() { "$PCIPROBE" list --all -f raw -o address --no-headings; }
has_interface() { [ -e "$devices/$1/net" ]; }

hot0=$(address_of hot0)
check "the device is listed as it is" lists

check "another is plugged" plug e1000e,id=hot1,bus=slot1,romfile=
hot1=$(address_of hot1)
check "its driver takes it" wait_for 10 has_interface "$hot1"
check "both are listed as they are" lists
check "both are named" test "$(addresses | grep -c -x -F -e "$hot0" -e "$hot1")" = 2

check "one is unplugged in order" unplug hot1
check "the other is pulled" surprise hot0
check "the kernel takes it away" wait_for 10 test ! -e "$devices/$hot0"
check_same "neither is listed" "" "$(addresses | grep -x -F -e "$hot0" -e "$hot1" || :)"
check_same "all else is" "$(printf '%s\n' "$devices"/* | sed 's|.*/||')" "$(addresses)"

# A dead device answers every question with all ones: nothing of that may be taken for the truth.
check "one is plugged to die" plug e1000e,id=hot2,bus=slot2,romfile=
hot2=$(address_of hot2)
check "its driver takes it" wait_for 10 has_interface "$hot2"
check "it dies" silence hot2
check_same "all that it says is ff" ffff "$(setpci -s "$hot2" VENDOR_ID)"
status=0
dead=$("$PCIPROBE" list --all -s "$hot2" -f raw --no-headings \
    -o address,vendor,device,class,driver,link_speed,link_width,max_link_width) || status=$?
# not its greatest link speed, which kernels since 6.7 keep from when it was there
check_same "it is listed as what it was, without a link" "$hot2 8086 10d3 0200 e1000e - - -" "$dead"
check "the status is 0 or 3" test "$status" = 0 -o "$status" = 3
