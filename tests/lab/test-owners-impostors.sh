#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# timeout: 240
#
# Processes that only look as if they had a device, as any local user can start them: none of them is believed, alone or beside
# the VM that really has it, and none can hide that VM or cause a conflict. Command lines count where their user could hold the
# device; what Proxmox noted counts while its VM lives.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"

modprobe -a vfio-pci e1000e
bind_devices "$pair0" "$pair1" "$nic2"

uuid=2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1
other_uuid=2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b2

# says_as UID ADDRESS COLUMNS WANTED: as another user.
says_as() {
    local said
    said=$(setpriv --reuid="$1" --clear-groups "$PCIPROBE" list -q --all -s "$2" -f raw --no-headings -o "$3")
    [ "$said" = "$4" ] || { echo "$said"; return 1; }
}
is_the_vms() { says "$nic2" ownership,conflict,vm_names,vm_uuids,claims "held no one-123 $uuid holds"; }

# Impostors, each alone.
for kind in opath file null none; do
    vmm_arguments one-42 "$other_uuid" "$nic2"
    hold "$kind:65534" plain "$nic2" "${vmm[@]}"
    row "$kind: not believed" is_free "$nic2"
    row "$kind: a request gets the device" is_offered "$nic2"
    row "$kind: nor believed by a user who may not look" says_as 1000 "$nic2" vm_names -
    let_go
done

# Each beside the VM, under another name and UUID, or under the VM's own.
vmm_arguments one-123 "$uuid" "$nic2"
hold container plain "$nic2" "${vmm[@]}"
vm=$holder
vm_pipe=$lab_holder
row "the VM has it" is_the_vms
for kind in opath file none; do
    vmm_arguments one-42 "$other_uuid" "$nic2"
    hold "$kind:65534" plain "$nic2" "${vmm[@]}"
    row "$kind: the VM has it" is_the_vms
    let_go
    vmm_arguments one-42 "$uuid" "$pair0"
    hold "$kind:65534" plain "$pair0" "${vmm[@]}"
    row "$kind with its UUID: the VM has it" is_the_vms
    row "$kind with its UUID: nothing else has it" is_free "$pair0"
    let_go
done

# A user who holds one device, which was lent to it, names another.
group=$(group_of "$pair0")
chown 65534 "/dev/vfio/$group"
vmm_arguments one-42 "$other_uuid" "$nic2"
hold group:65534 plain "$pair0" "${vmm[@]}"
row "what it holds is its own" is_not_free "$pair0"
row "what it only names is the VM's" is_the_vms
let_go
chown 0 "/dev/vfio/$group"

# Many processes with many descriptors.
hold crowd:65534 plain "$nic2"
begin=${EPOCHREALTIME/./}
said=$(show "$nic2" ownership)
took=$(((${EPOCHREALTIME/./} - begin) / 1000))
case $said in
held | unknown) echo "ok: in a crowd it is $said ($took ms)" ;;
*) echo "WRONG: in a crowd it is $said"; wrong=$((wrong + 1)) ;;
esac
row "which did not take long: $took ms" test "$took" -lt 12000
row "a crowd does not make it free" is_not_free "$nic2"
let_go

# The VM's owner is its user, whom another user's probe believes: root's VMs count for it.
row "for a user who may not look the VM has it" says_as 1000 "$nic2" ownership,vm_names "held one-123"
row "and what that user could not see is unknown" says_as 1000 "$pair0" ownership,vm_names "unknown -"

# Proxmox: a reservation whose process is another VM by now.
mkdir -p /run/qemu-server /etc/pve/qemu-server /etc/pve/mapping
echo "$pair0 100 pid:$vm" >/run/qemu-server/pci-id-reservations
row "a reservation with another VM's pid does not count" is_free "$pair0"
rm /run/qemu-server/pci-id-reservations

holder=$vm
lab_holder=$vm_pipe
lab_device=$nic2 lab_way=plain
let_go
row "without its VM it is free" is_free "$nic2"

# A VM's definition in Proxmox reserves.
reserved_is() {
    local said
    said=$(show "$1" ownership,available)
    [ "$said" = "reserved reserved" ] || { echo "$said"; return 1; }
    ! is_offered "$1" || { echo "request offers it"; return 1; }
}
printf 'name: web\nmemory: 512\nhostpci0: %s,pcie=1\n' "${nic2#0000:}" >/etc/pve/qemu-server/100.conf
row "a VM's definition in Proxmox reserves" reserved_is "$nic2"
printf 'hostpci0: %s\n' "${pair0%.?}" >/etc/pve/qemu-server/100.conf
row "all functions, where none is named" reserved_is "$pair1"
printf 'hostpci1: host=%s;%s,rombar=0\n' "$pair1" "${nic2#0000:}" >/etc/pve/qemu-server/100.conf
row "each of a list" reserved_is "$nic2"
printf 'hostpci0: mapping=nic,pcie=1\n' >/etc/pve/qemu-server/100.conf
printf 'nic\n\tmap id=8086:10d3,iommugroup=1,node=%s,path=%s\n' "$(hostname)" "$nic2" >/etc/pve/mapping/pci.cfg
row "by a mapping" reserved_is "$nic2"
rm -r /etc/pve
row "without them it is free" is_free "$nic2"

# A VM of a failover pair opens VFIO once its guest has negotiated: until then only its command line names the device.
qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -name guest=one-77 -machine q35 \
    -device pcie-root-port,id=r0,chassis=1 -device pcie-root-port,id=r1,chassis=2 -netdev hubport,id=n0,hubid=0 \
    -device virtio-net-pci,bus=r0,netdev=n0,id=standby,failover=on,mac=52:54:00:11:22:33 \
    -device "vfio-pci,bus=r1,host=$nic2,id=primary,failover_pair_id=standby" </dev/null >/run/qemu.said 2>&1 &
vm=$!
names_it() { says "$nic2" ownership,vm_names,claims "reserved one-77 reserves" >/run/said; }
wait_for 15 names_it || :
row "a failover pair reserves" says "$nic2" ownership,vm_names,claims "reserved one-77 reserves"
row "it is not offered" not_offered "$nic2"
check "its VM has not ended: $(cat /run/qemu.said)" kill -0 "$vm"
kill -9 "$vm"
finish
