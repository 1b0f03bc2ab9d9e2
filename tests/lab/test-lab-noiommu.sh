#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: noiommu
# machine: shared
#
# The plain cards without an IOMMU.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

nic0=$(address_of nic0)
check "no card is in a group" test ! -e "$cards/$nic0/iommu_group"
check_same "there is no group" 0 "$(find /sys/kernel/iommu_groups -mindepth 1 | wc -l)"
modprobe vfio-pci
check "VFIO does not take a card" not bind_driver "$nic0" vfio-pci 2>/dev/null
