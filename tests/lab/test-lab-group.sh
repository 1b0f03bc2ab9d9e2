#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
#
# Two functions in one IOMMU group.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

pair0=$(address_of pair0)
pair1=$(address_of pair1)
nic2=$(address_of nic2)
check_same "they are functions of one card" "${pair0%.*}.1" "$pair1"
check_same "they share a group" "$pair0 $pair1" "$(in_group "$pair0")"
check_same "nic2 is alone in its group" "$nic2" "$(in_group "$nic2")"
