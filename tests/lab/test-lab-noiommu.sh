#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: noiommu
# machine: shared
#
# Lab: the plain devices without an IOMMU.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

nic0=$(address_of nic0)
check "no device is in a group" test ! -e "$devices/$nic0/iommu_group"
check_same "there are no groups" 0 "$(find /sys/kernel/iommu_groups -mindepth 1 | wc -l)"
modprobe vfio-pci
check "vfio-pci does not bind a device" not bind_driver "$nic0" vfio-pci 2>/dev/null
