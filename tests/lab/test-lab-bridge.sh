#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: bridge
#
# Conventional PCI cards share a group with their bridge.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

bridge0=$(address_of bridge0)
child0=$(address_of child0)
child1=$(address_of child1)
check_same "child0 is behind the bridge" "$bridge0" "$(port_of "$child0")"
check_same "child1 is behind the bridge" "$bridge0" "$(port_of "$child1")"
check_same "the three share a group" "$bridge0 $child0 $child1" "$(in_group "$child1")"
