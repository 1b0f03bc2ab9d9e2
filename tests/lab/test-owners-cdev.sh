#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# kernel: cdev
# timeout: 240
#
# Devices held through their own nodes, /dev/vfio/devices/vfioN, with iommufd: the process that has
# one open is the owner, even if it is hard to detect; the other device of the group has no owner,
# but cannot be used.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"

modprobe -a iommufd vfio-pci
bind_devices "$pair0" "$pair1" "$nic2"
rows_free "$pair0" "$pair1" "$nic2"

try_visible "cdev plain" "cdev-open plain" "cdev unlinked" "cdev recreated" "cdev elsewhere" \
    "cdev detached" "cdev thread" "cdev leader" "cdev forked" "cdev passed" "cdev pidns"
try_hidden "cdev flight" "cdev uring" "cdev-open flight"

# A group can only have one owner: its other devices cannot be used.
hold cdev plain "$pair1"
# shellcheck disable=SC2086
row "one device of a group: the process is the owner" is_held_by "$pair1" $holder_pids
row "the other device is not offered" not_offered "$pair0"
row "release of the other device is refused" release_is_refused "$pair0"
end_hold
row "the other device is free afterwards" is_free "$pair0"

# A VM.
has_cdev() { [[ $(readlink "/proc/$1/fd/"* 2>/dev/null) == */dev/vfio/devices/* ]]; }
if qemu-system-x86_64 -device vfio-pci,help | grep -q iommufd; then
    qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 \
        -name guest=one-123,debug-threads=on \
        -uuid 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 -object iommufd,id=i0 \
        -device "vfio-pci,host=$nic2,iommufd=i0,bus=pcie.0,addr=0x5" </dev/null &
    vm=$!
    check "QEMU opens the device through iommufd" wait_for 60 has_cdev "$vm"
    row "QEMU with iommufd: the VM is the owner" columns_are "$nic2" \
        ownership,conflict,vm_names,vm_uuids,pids,owner_sources,guest_addresses \
        "held no one-123 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 $vm vfio+cmdline 0000:00:05.0"
    row "QEMU with iommufd: not offered" not_offered "$nic2"
    row "QEMU with iommufd: no other device is affected" is_free "$pair0"
    row "QEMU with iommufd: release is refused" release_is_refused "$nic2"
    kill -9 "$vm"
    wait "$vm" 2>/dev/null || :
    row "QEMU with iommufd: free afterwards" is_free "$nic2"
else
    echo "not tested: a VM with iommufd, which this QEMU does not support"
fi

# A vendor driver for VFIO: neither its name nor an attribute shows whether the device is open.
modprobe lab-drivers
check "$nic2 is bound to a vendor driver" bind_driver "$nic2" lab-vendor
row "vendor driver: the owner is the host" is_host_owned "$nic2"
holds=("cdev plain" "cdev-open thread" "cdev recreated")
[ ! -e /dev/vfio/vfio ] || holds+=("container plain" "group plain" "device plain")
for how in "${holds[@]}"; do
    # shellcheck disable=SC2086
    hold $how "$nic2"
    # shellcheck disable=SC2086
    row "vendor driver, $how: the process is the owner" is_held_by "$nic2" $holder_pids
    row "vendor driver, $how: not offered" not_offered "$nic2"
    # The device's descriptor keeps its group open, without a process that holds the group.
    [ "$how" = "device plain" ] ||
        row "vendor driver, $how: no other device is affected" is_free "$pair0"
    row "vendor driver, $how: bind is refused" bind_is_refused "$nic2"
    end_hold
    row "vendor driver, $how: the owner is the host afterwards" is_host_owned "$nic2"
done
hold cdev flight "$nic2"
row "vendor driver, cdev flight: the owner is unknown" is_unknown "$nic2"
row "vendor driver, cdev flight: bind is refused" bind_is_refused "$nic2"
end_hold
row "vendor driver, cdev flight: the owner is the host afterwards" is_host_owned "$nic2"
check "$nic2 is bound to vfio-pci again" bind_driver "$nic2" vfio-pci

for kind in opath none; do
    vmm_arguments one-42 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b2 "$nic2"
    hold "$kind:65534" plain "$nic2" "${vmm[@]}"
    row "impostor with $kind: ignored" is_free "$nic2"
    end_hold
done
finish
