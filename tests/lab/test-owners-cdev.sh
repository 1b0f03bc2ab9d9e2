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
pair0=$(address_of pair0)
pair1=$(address_of pair1)
nic2=$(address_of nic2)
for device in "$pair0" "$pair1" "$nic2"; do
    check "$device is on vfio-pci" bind_driver "$device" vfio-pci
done
for device in "$pair0" "$pair1" "$nic2"; do
    row "$device is free" is_free "$device"
done

for way in "cdev plain" "cdev-open plain" "cdev unlinked" "cdev recreated" "cdev elsewhere" "cdev detached" "cdev thread" \
    "cdev leader" "cdev forked" "cdev passed" "cdev pidns"; do
    # shellcheck disable=SC2086 # two words
    hold $way "$nic2"
    # shellcheck disable=SC2086
    row "$way: the process is the owner" is_held_by "$nic2" $held
    row "$way: not offered" is_not_free "$nic2"
    row "$way: no other device is concerned" is_free "$pair0"
    row "$way: not released" is_released_never "$nic2"
    let_go
    row "$way: free afterwards" is_free "$nic2"
done
for way in "cdev flight" "cdev uring" "cdev-open flight"; do
    # shellcheck disable=SC2086
    hold $way "$nic2"
    row "$way: not offered" is_not_free "$nic2"
    row "$way: not released" is_released_never "$nic2"
    let_go
    row "$way: free afterwards" is_free "$nic2"
done

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
