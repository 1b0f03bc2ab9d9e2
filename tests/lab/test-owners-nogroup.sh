#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# kernel: nogroup
# timeout: 240
#
# The rows of owners-cdev on a kernel without VFIO_GROUP: groups have no nodes, only devices do.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

modprobe -a iommufd vfio-pci
check "groups have no nodes" test ! -e /dev/vfio/vfio
# shellcheck source=test-owners-cdev.sh
. "$LAB_DIR/test-owners-cdev.sh"
