#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# kernel: cdev
# timeout: 300
#
# Mediated devices of a PCI device, created by the lab's driver: each has its own owner, held
# through its IOMMU group or through its own node. If an owner may be hidden, neither they nor the
# PCI device are reported as unused. Mediated devices without a PCI device affect no device.

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

create_mdev() { echo "$1" >"$devices/$nic2/mdev_supported_types/lab-mdev-part/create"; }
bind_devices "$pair0" "$pair1"
check "$nic2 is bound to lab-mdev" bind_driver "$nic2" lab-mdev
check "a mediated device is created" create_mdev "$one"
check "another mediated device is created" create_mdev "$two"
row "no mediated device is in use" is_host_owned "$nic2"

# mdev_is_held_by UUID PID...: it is held by one of these processes, and no other mediated device
# is.
mdev_is_held_by() {
    local output pids
    output=$(show "$nic2" ownership,conflict,mdevs)
    pids=$(show "$nic2" pids)
    [ "$output" = "held no $1" ] || { echo "$output"; return 1; }
    [[ " ${*:2} " == *" $pids "* ]] || { echo "pids $pids instead of ${*:2}"; return 1; }
}

# users: prints used_by_vm of both mediated devices in CloudStack's format.
users() {
    "$PCIPROBE" list -q --all -f cloudstack | python3 -c '
import json, sys
users = {
    mdev["mdev_uuid"]: mdev["used_by_vm"]
    for device in json.load(sys.stdin)["gpus"]
    for mdev in device["vgpu_instances"]
}
print(*(users.get(uuid) for uuid in sys.argv[1:]), sep="; ")' "$one" "$two"
}
users_are() {
    local output
    output=$(users)
    [ "$output" = "$1" ] || { echo "$output"; return 1; }
}
row "CloudStack: neither is used" users_are "None; None"

# Not named on the command line.
for how in "container plain" "group plain" "container thread" "container forked" "group elsewhere" \
    "cdev plain" "cdev-open plain" "cdev thread" "cdev recreated"; do
    # shellcheck disable=SC2086 # two words
    hold $how "$one"
    # shellcheck disable=SC2086
    row "$how: the process holds the mediated device" mdev_is_held_by "$one" $holder_pids
    row "$how: the device is not offered" not_offered "$nic2"
    row "$how: no other device is affected" is_free "$pair0"
    row "$how: bind is refused" bind_is_refused "$nic2"
    end_hold
    row "$how: not in use afterwards" is_host_owned "$nic2"
done

# Named on the command line.
for kind in container cdev; do
    vmm=(-name guest=one-42 -uuid "$uuid"
        -device "vfio-pci,sysfsdev=/sys/bus/mdev/devices/$one,bus=pcie.0,addr=0x5")
    hold "$kind" plain "$one" "${vmm[@]}"
    row "$kind, named: the VM holds the mediated device" columns_are "$nic2" \
        ownership,conflict,vm_names,vm_uuids,pids,owner_sources,guest_addresses,mdevs \
        "held no one-42 $uuid $holder cmdline+mdev 0000:00:05.0 $one"
    row "$kind, named: CloudStack gets the VM" users_are "one-42; None"
    end_hold
    row "$kind, named: not in use afterwards" is_host_owned "$nic2"

    # It holds another one than it names.
    hold "$kind" plain "$two" "${vmm[@]}"
    row "$kind, another one named: only the held one is reported" columns_are "$nic2" \
        ownership,conflict,vm_names,pids,owner_sources,mdevs "held no one-42 $holder mdev $two"
    end_hold
done
hold none plain "$one" "${vmm[@]}"
row "named but not held: not in use" is_host_owned "$nic2"
end_hold
hold none:65534 plain "$one" "${vmm[@]}"
row "named by an impostor: not in use" is_host_owned "$nic2"
end_hold

# Two VMs with a mediated device each.
hold container plain "$one" "${vmm[@]}"
first=$holder first_pipe=$lab_holder
hold cdev plain "$two"
row "two owners: no conflict" columns_are "$nic2" ownership,conflict,mdevs "held no $one,$two"
row "two owners: CloudStack gets both" users_are "one-42; process $holder (qemu-system-x86_64)"
end_hold
row "two owners: the first one remains" mdev_is_held_by "$one" "$first"

# Then a hidden holder, which could hold the second one.
hold cdev flight "$two"
row "one held, one hidden: the first owner is known" mdev_is_held_by "$one" "$first"
row "one held, one hidden: CloudStack gets unknown" \
    users_are "one-42; unknown: pciprobe could not check all owners"
end_hold
kill -9 "$first"
wait "$first" 2>/dev/null || :
exec {first_pipe}<&-
row "no mediated device is in use afterwards" is_host_owned "$nic2"

# Only the kernel's reference counts show it, or a descriptor that does not identify the device.
for how in "container flight" "group uring" "device plain" "device flight" "cdev flight" "cdev uring"; do
    # shellcheck disable=SC2086
    hold $how "$one"
    row "$how: the owner is unknown" is_unknown "$nic2"
    row "$how: CloudStack gets unknown" users_are \
        "unknown: pciprobe could not check all owners; unknown: pciprobe could not check all owners"
    row "$how: bind is refused" bind_is_refused "$nic2"
    end_hold
    # The kernel releases the files of an io_uring some time after the process has exited.
    row "$how: not in use afterwards" wait_for 60 is_host_owned "$nic2"
done

# A mediated device without a PCI device.
echo "$alone" >/sys/devices/virtual/mtty/mtty/mdev_supported_types/mtty-1/create
for how in "container plain" "cdev plain"; do
    # shellcheck disable=SC2086
    hold $how "$alone"
    row "without a PCI device, $how: a device with mediated devices is not affected" \
        is_host_owned "$nic2"
    row "without a PCI device, $how: another device is not affected" is_free "$pair0"
    end_hold
done
hold device plain "$alone"
row "without a PCI device, held by its descriptor only: the owner is unknown" is_unknown "$nic2"
end_hold
row "no mediated device is in use at the end" is_host_owned "$nic2"
finish
