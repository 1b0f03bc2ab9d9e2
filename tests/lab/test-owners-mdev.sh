#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# kernel: cdev
# timeout: 300
#
# Mediated devices of a PCI device, made by a driver of the lab's own: each has its own owner, whether it is held by its IOMMU group
# or by its own node, and where an owner may be unseen, neither they nor their device are taken for unused. One that is no part of
# a PCI device concerns no device.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"

modprobe -a iommufd vfio-pci lab-drivers mtty
one=4b20d080-1b54-4048-85b3-a6a62d165c01
two=4b20d080-1b54-4048-85b3-a6a62d165c02
alone=4b20d080-1b54-4048-85b3-a6a62d165c03
uuid=2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1

make_part() { echo "$1" >"$devices/$nic2/mdev_supported_types/lab-mdev-part/create"; }
bind_devices "$pair0" "$pair1"
check "$nic2 is on the driver of mediated devices" bind_driver "$nic2" lab-mdev
check "a mediated device is made" make_part "$one"
check "and another" make_part "$two"
row "no part is in use" is_hosts "$nic2"

# part_is_held_by PART PID...: by one of these processes, and nothing else of the device is held.
part_is_held_by() {
    local said pids
    said=$(show "$nic2" ownership,conflict,mdevs)
    pids=$(show "$nic2" pids)
    [ "$said" = "held no $1" ] || { echo "$said"; return 1; }
    [[ " ${*:2} " == *" $pids "* ]] || { echo "pids $pids instead of ${*:2}"; return 1; }
}

# users: what CloudStack gets for both, in order.
users() {
    "$PCIPROBE" list -q --all -f cloudstack | python3 -c '
import json, sys
parts = {part["mdev_uuid"]: part["used_by_vm"] for device in json.load(sys.stdin)["gpus"] for part in device["vgpu_instances"]}
print(*(parts.get(uuid) for uuid in sys.argv[1:]), sep="; ")' "$one" "$two"
}
users_are() {
    local said
    said=$(users)
    [ "$said" = "$1" ] || { echo "$said"; return 1; }
}
row "CloudStack: neither is used" users_are "None; None"

# Without a command line that names it.
for way in "container plain" "group plain" "container thread" "container forked" "group elsewhere" "cdev plain" "cdev-open plain" \
    "cdev thread" "cdev recreated"; do
    # shellcheck disable=SC2086 # two words
    hold $way "$one"
    # shellcheck disable=SC2086
    row "$way: the process has the part" part_is_held_by "$one" $held
    row "$way: the device is not offered" not_offered "$nic2"
    row "$way: no other device is concerned" is_free "$pair0"
    row "$way: the device is not bound" is_bound_never "$nic2"
    let_go
    row "$way: not in use afterwards" is_hosts "$nic2"
done

# With one.
for kind in container cdev; do
    vmm=(-name guest=one-42 -uuid "$uuid" -device "vfio-pci,sysfsdev=/sys/bus/mdev/devices/$one,bus=pcie.0,addr=0x5")
    hold "$kind" plain "$one" "${vmm[@]}"
    row "$kind, named: the VM has the part" says "$nic2" ownership,conflict,vm_names,vm_uuids,pids,owner_sources,guest_addresses,mdevs \
        "held no one-42 $uuid $holder cmdline+mdev 0000:00:05.0 $one"
    row "$kind, named: CloudStack gets that" users_are "one-42; None"
    let_go
    row "$kind, named: not in use afterwards" is_hosts "$nic2"

    # It has another one than the one that it names.
    hold "$kind" plain "$two" "${vmm[@]}"
    row "$kind, another one named: only the one that is held" says "$nic2" ownership,conflict,vm_names,pids,owner_sources,mdevs \
        "held no one-42 $holder mdev $two"
    let_go
done
hold none plain "$one" "${vmm[@]}"
row "named and not held: not in use" is_hosts "$nic2"
let_go
hold none:65534 plain "$one" "${vmm[@]}"
row "named by an impostor: not in use" is_hosts "$nic2"
let_go

# Two VMs with a part each.
hold container plain "$one" "${vmm[@]}"
first=$holder first_pipe=$lab_holder
hold cdev plain "$two"
row "two owners: no conflict" says "$nic2" ownership,conflict,mdevs "held no $one,$two"
row "two owners: CloudStack gets both" users_are "one-42; process $holder (qemu-system-x86_64)"
let_go
row "the other one is left" part_is_held_by "$one" "$first"

# Beside it, one that nothing tells of: it could be the second part.
hold cdev flight "$two"
row "one held and another unseen: the first is known" part_is_held_by "$one" "$first"
row "one held and another unseen: CloudStack gets that" users_are "one-42; unknown: pciprobe could not check all owners"
let_go
kill -9 "$first"
wait "$first" 2>/dev/null || :
exec {first_pipe}<&-
row "none is in use" is_hosts "$nic2"

# What only the kernel's counts tell, or a descriptor that does not say of which device it is.
for way in "container flight" "group uring" "device plain" "device flight" "cdev flight" "cdev uring"; do
    # shellcheck disable=SC2086
    hold $way "$one"
    row "$way: unknown" is_unknown "$nic2"
    row "$way: so is who has the parts" users_are \
        "unknown: pciprobe could not check all owners; unknown: pciprobe could not check all owners"
    row "$way: the device is not bound" is_bound_never "$nic2"
    let_go
    # The kernel takes a ring's files back some time after the process has ended.
    row "$way: not in use afterwards" wait_for 10 is_hosts "$nic2"
done

# A mediated device without a PCI device.
echo "$alone" >/sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/create
for way in "container plain" "cdev plain"; do
    # shellcheck disable=SC2086
    hold $way "$alone"
    row "no PCI device's, $way: no device is concerned" is_hosts "$nic2"
    row "no PCI device's, $way: nor another" is_free "$pair0"
    let_go
done
hold device plain "$alone"
row "no PCI device's, by its descriptor alone: it could be a part" is_unknown "$nic2"
let_go
row "none is in use in the end" is_hosts "$nic2"
finish
