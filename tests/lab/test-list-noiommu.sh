#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: noiommu
# machine: shared
#
# Without an IOMMU, devices are listed without a group.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e nvme
check "the disk appears" wait_for_disk test -b /dev/nvme0n1
check "devices are listed without groups" \
    "$LAB_DIR/same-as-lspci" --none iommu_group,numa_node interfaces,blocks,link_speed,parent
