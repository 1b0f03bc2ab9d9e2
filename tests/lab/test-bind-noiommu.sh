#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: noiommu
# machine: shared
#
# Without an IOMMU no device is touched.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe e1000e
nic0=$(address_of nic0)
check "it is refused" ends 69 "$VFIO_BIND" bind "$nic0"
check "with the reason" grep -q "no-iommu: device is not in an IOMMU group" /run/said
check_same "nothing was touched" "e1000e (null)" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"
check "check says the same" ends 69 "$VFIO_BIND" check "$nic0"
check "so does check of the host" ends 69 "$VFIO_BIND" check
