#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: hotplug
#
# Lab: native hot-plug, removal on request, surprise removal, and silent disconnection.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe e1000e

hot0=$(address_of hot0)
check_same "the other ports are empty" 1 "$(lspci -n -d 8086:10d3 | wc -l)"

check "a device is plugged" plug e1000e,id=hot1,bus=slot1,romfile=
hot1=$(address_of hot1)
lab_has_driver() { [ -n "$(driver_of "$1")" ]; }
check "hot1 is bound to its driver" wait_for 60 lab_has_driver "$hot1"
check "hot1 is unplugged on request" unplug hot1

check "a device is removed by surprise" surprise_remove hot0
check "the kernel removes it" wait_for 60 test ! -e "$devices/$hot0"
check "QEMU no longer has it" device_is_absent hot0

check "a third device is plugged" plug e1000e,id=hot2,bus=slot2,romfile=
hot2=$(address_of hot2)
check "hot2 is disconnected silently" disconnect_silently hot2
check "hot2 stays in sysfs" test -e "$devices/$hot2"
check_same "the configuration space of hot2 reads as ff" ffff "$(setpci -s "$hot2" VENDOR_ID)"

pause 6
check "a device is plugged after the surprise removal" plug e1000e,id=hot3,bus=slot0,romfile=
check_same "the new device has the same address" "$hot0" "$(address_of hot3)"
