#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: many
#
# Forty-eight cards, sixteen of them in groups of their own.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

check_same "there are 16 disks" 16 "$(lspci -n -d 1b36:0010 | wc -l)"
check_same "there are 32 other cards" 32 "$(lspci -n -d 1234:11e8 | wc -l)"
many15=$(address_of many15)
many16=$(address_of many16)
check_same "a disk is alone in its group" "$many15" "$(in_group "$many15")"
check_same "eight functions share one" 8 "$(in_group "$many16" | wc -w)"
