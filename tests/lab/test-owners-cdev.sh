#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# kernel: cdev
# timeout: 240
#
# Devices in use by their own nodes, /dev/vfio/devices/vfioN, with real iommufd: whoever has one open is the owner, in whatever
# way it is hidden; the other device of a group is not concerned, but cannot be used either.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"

modprobe -a iommufd vfio-pci
bind_devices "$pair0" "$pair1" "$nic2"
are_free "$pair0" "$pair1" "$nic2"

try_shown "cdev plain" "cdev-open plain" "cdev unlinked" "cdev recreated" "cdev elsewhere" "cdev detached" "cdev thread" \
    "cdev leader" "cdev forked" "cdev passed" "cdev pidns"
try_hidden "cdev flight" "cdev uring" "cdev-open flight"

# What the kernel's group cannot do twice, one of its devices rules out for the other.
hold cdev plain "$pair1"
# shellcheck disable=SC2086
row "a device of a group: the process is its owner" is_held_by "$pair1" $held
row "the other one is not offered" not_offered "$pair0"
row "and not released" is_released_never "$pair0"
let_go
row "both are free afterwards" is_free "$pair0"

for kind in opath none; do
    vmm_arguments one-42 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b2 "$nic2"
    hold "$kind:65534" plain "$nic2" "${vmm[@]}"
    row "an impostor by $kind: not believed" is_free "$nic2"
    let_go
done
finish
