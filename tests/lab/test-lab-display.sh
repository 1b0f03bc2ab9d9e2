#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: display
#
# Two display cards, one of them the firmware's.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

vga0=$(address_of vga0)
vga1=$(address_of vga1)
check_same "vga0 is the boot display" 1 "$(attribute "$vga0" boot_vga)"
check_same "vga1 is not" 0 "$(attribute "$vga1" boot_vga)"
