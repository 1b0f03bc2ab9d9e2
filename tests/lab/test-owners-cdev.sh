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

# A real VM.
has_cdev() { [[ $(readlink "/proc/$1/fd/"* 2>/dev/null) == */dev/vfio/devices/* ]]; }
if qemu-system-x86_64 -device vfio-pci,help | grep -q iommufd; then
    qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 -name guest=one-123,debug-threads=on \
        -uuid 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 -object iommufd,id=i0 \
        -device "vfio-pci,host=$nic2,iommufd=i0,bus=pcie.0,addr=0x5" </dev/null &
    vm=$!
    check "QEMU opens the device by iommufd" wait_for 60 has_cdev "$vm"
    row "QEMU with iommufd: the VM is the owner" says "$nic2" \
        ownership,conflict,vm_names,vm_uuids,pids,owner_sources,guest_addresses \
        "held no one-123 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 $vm vfio+cmdline 0000:00:05.0"
    row "QEMU with iommufd: not offered" not_offered "$nic2"
    row "QEMU with iommufd: no other device is concerned" is_free "$pair0"
    row "QEMU with iommufd: not released" is_released_never "$nic2"
    kill -9 "$vm"
    wait "$vm" 2>/dev/null || :
    row "QEMU with iommufd: free afterwards" is_free "$nic2"
else
    echo "not tried: a VM with iommufd, which this system's QEMU does not know"
fi

# A maker's driver that assigns its device to VMs itself: its name does not say so, and no attribute says whether it is open.
modprobe lab-drivers
check "$nic2 is on a maker's driver" bind_driver "$nic2" lab-vendor
row "a maker's driver: the device is the host's" is_hosts "$nic2"
ways=("cdev plain" "cdev-open thread" "cdev recreated")
[ ! -e /dev/vfio/vfio ] || ways+=("container plain" "group plain" "device plain")
for way in "${ways[@]}"; do
    # shellcheck disable=SC2086
    hold $way "$nic2"
    # shellcheck disable=SC2086
    row "a maker's driver, $way: the process is the owner" is_held_by "$nic2" $held
    row "a maker's driver, $way: not offered" not_offered "$nic2"
    # A device's descriptor keeps its group open, which no process shows then.
    [ "$way" = "device plain" ] || row "a maker's driver, $way: no other device is concerned" is_free "$pair0"
    row "a maker's driver, $way: not bound" is_bound_never "$nic2"
    let_go
    row "a maker's driver, $way: the host's afterwards" is_hosts "$nic2"
done
hold cdev flight "$nic2"
row "a maker's driver, cdev flight: unknown" is_unknown "$nic2"
row "a maker's driver, cdev flight: not bound" is_bound_never "$nic2"
let_go
row "a maker's driver, cdev flight: the host's afterwards" is_hosts "$nic2"
check "$nic2 is on vfio-pci again" bind_driver "$nic2" vfio-pci

for kind in opath none; do
    vmm_arguments one-42 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b2 "$nic2"
    hold "$kind:65534" plain "$nic2" "${vmm[@]}"
    row "an impostor by $kind: not believed" is_free "$nic2"
    let_go
done
finish
