#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: hotplug
#
# Native hot-plug: devices come, go in order, are pulled, and die unnoticed.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe e1000e

hot0=$(address_of hot0)
check_same "the other ports are empty" 1 "$(lspci -n -d 8086:10d3 | wc -l)"

check "a device is plugged" plug e1000e,id=hot1,bus=slot1,romfile=
hot1=$(address_of hot1)
lab_has_driver() { [ -n "$(driver_of "$1")" ]; }
check "its driver takes it" wait_for 5 lab_has_driver "$hot1"
check "it is unplugged in order" unplug hot1

check "a device is pulled" surprise hot0
check "the kernel takes it away" wait_for 10 test ! -e "$devices/$hot0"
check "QEMU has it no more" device_is_gone hot0

check "one is plugged to die" plug e1000e,id=hot2,bus=slot2,romfile=
hot2=$(address_of hot2)
check "it dies" silence hot2
check "it stays in sysfs" test -e "$devices/$hot2"
check_same "all that it says is ff" ffff "$(setpci -s "$hot2" VENDOR_ID)"

pause 6
check "a port whose device was pulled takes another" plug e1000e,id=hot3,bus=slot0,romfile=
check_same "it has the place of the first" "$hot0" "$(address_of hot3)"
