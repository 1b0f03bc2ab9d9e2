#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: numa
#
# Two nodes with cards of their own.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

near0=$(address_of near0)
far0=$(address_of far0)
check "there are two nodes" test -d /sys/devices/system/node/node1
check_same "near0 is on node 0" 0 "$(attribute "$near0" numa_node)"
check_same "far0 is on node 1" 1 "$(attribute "$far0" numa_node)"
check "a card is plugged on node 1" plug e1000e,id=far1,bus=empty1,romfile=
check_same "it is on node 1" 1 "$(attribute "$(address_of far1)" numa_node)"
