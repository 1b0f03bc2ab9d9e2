#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: noiommu
# machine: shared
#
# Without an IOMMU, vfio-bind refuses to bind devices.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe e1000e
nic0=$(address_of nic0)
check "bind is refused" exits 69 "$VFIO_BIND" bind "$nic0"
check "the reason is reported" grep -q "no-iommu: device is not in an IOMMU group" /run/output
check_same "driver and override are unchanged" \
    "e1000e (null)" "$(driver_of "$nic0") $(attribute "$nic0" driver_override)"
check "check of the device fails" exits 69 "$VFIO_BIND" check "$nic0"
check "check of the host fails" exits 69 "$VFIO_BIND" check
