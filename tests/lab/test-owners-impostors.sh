#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# machine: shared
# timeout: 240
#
# Processes that only pretend to hold a device, which any local user can start, are ignored, alone
# or together with the VM that holds it, and cannot hide that VM or cause a conflict. A command line
# counts if its user could hold the device; a Proxmox reservation counts while its VM is running.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"

modprobe -a vfio-pci e1000e
bind_devices "$pair0" "$pair1" "$nic2"

uuid=2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1
other_uuid=2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b2

# columns_are_as UID ADDRESS COLUMNS EXPECTED: as another user.
columns_are_as() {
    local output
    output=$(setpriv --reuid="$1" --clear-groups \
        "$PCIPROBE" list -q --all -s "$2" -f raw --no-headings -o "$3")
    [ "$output" = "$4" ] || { echo "$output"; return 1; }
}
is_held_by_vm() {
    columns_are "$nic2" ownership,conflict,vm_names,vm_uuids,claims "held no one-123 $uuid holds"
}

# Impostors alone.
for kind in opath file null none; do
    vmm_arguments one-42 "$other_uuid" "$nic2"
    hold "$kind:65534" plain "$nic2" "${vmm[@]}"
    row "impostor with $kind: ignored" is_free "$nic2"
    row "impostor with $kind: the device is offered" is_offered "$nic2"
    row "impostor with $kind: ignored without privileges" columns_are_as 1000 "$nic2" vm_names -
    end_hold
done

# Impostors with the VM, with another name and UUID, or with the VM's.
vmm_arguments one-123 "$uuid" "$nic2"
hold container plain "$nic2" "${vmm[@]}"
vm=$holder
vm_pipe=$lab_holder
row "the VM is the owner" is_held_by_vm
for kind in opath file none; do
    vmm_arguments one-42 "$other_uuid" "$nic2"
    hold "$kind:65534" plain "$nic2" "${vmm[@]}"
    row "impostor with $kind: the VM is the owner" is_held_by_vm
    end_hold
    vmm_arguments one-42 "$uuid" "$pair0"
    hold "$kind:65534" plain "$pair0" "${vmm[@]}"
    row "impostor with $kind and the VM's UUID: the VM is the owner" is_held_by_vm
    row "impostor with $kind and the VM's UUID: no other owner" is_free "$pair0"
    end_hold
done

# A user with access to one device names another.
group=$(group_of "$pair0")
chown 65534 "/dev/vfio/$group"
vmm_arguments one-42 "$other_uuid" "$nic2"
hold group:65534 plain "$pair0" "${vmm[@]}"
row "the device that it holds is not free" is_held_or_unknown "$pair0"
row "the VM owns the device that it only names" is_held_by_vm
end_hold
chown 0 "/dev/vfio/$group"

# Many processes with many descriptors.
hold load:65534 plain "$nic2"
start=${EPOCHREALTIME/./}
output=$(show "$nic2" ownership)
took=$(((${EPOCHREALTIME/./} - start) / 1000))
case $output in
held | unknown) echo "ok: with many processes the device is $output ($took ms)" ;;
*) echo "WRONG: with many processes the device is $output"; wrong=$((wrong + 1)) ;;
esac
row "with many processes listing is fast: $took ms" test "$took" -lt 12000
row "with many processes it is not free" is_held_or_unknown "$nic2"
end_hold

# Without privileges, command lines of root's processes count.
row "without privileges the VM is the owner" \
    columns_are_as 1000 "$nic2" ownership,vm_names "held one-123"
row "without privileges other devices are unknown" \
    columns_are_as 1000 "$pair0" ownership,vm_names "unknown -"

# Proxmox: a reservation whose pid now belongs to another VM.
mkdir -p /run/qemu-server /etc/pve/qemu-server /etc/pve/mapping
echo "$pair0 100 pid:$vm" >/run/qemu-server/pci-id-reservations
row "a reservation with another VM's pid is ignored" is_free "$pair0"
rm /run/qemu-server/pci-id-reservations

holder=$vm
lab_holder=$vm_pipe
lab_device=$nic2 lab_method=plain
end_hold
row "the device is free without its VM" is_free "$nic2"

# Proxmox: VM configurations.
reserved_is() {
    local output
    output=$(show "$1" ownership,available)
    [ "$output" = "reserved reserved" ] || { echo "$output"; return 1; }
    ! is_offered "$1" || { echo "request offers it"; return 1; }
}
printf 'name: web\nmemory: 512\nhostpci0: %s,pcie=1\n' "${nic2#0000:}" >/etc/pve/qemu-server/100.conf
row "a VM configuration in Proxmox reserves a device" reserved_is "$nic2"
printf 'hostpci0: %s\n' "${pair0%.?}" >/etc/pve/qemu-server/100.conf
row "an address without function reserves all functions" reserved_is "$pair1"
printf 'hostpci1: host=%s;%s,rombar=0\n' "$pair1" "${nic2#0000:}" >/etc/pve/qemu-server/100.conf
row "a list reserves each device" reserved_is "$nic2"
printf 'hostpci0: mapping=nic,pcie=1\n' >/etc/pve/qemu-server/100.conf
printf 'nic\n\tmap id=8086:10d3,iommugroup=1,node=%s,path=%s\n' "$(hostname)" "$nic2" >/etc/pve/mapping/pci.cfg
row "a mapping reserves its device" reserved_is "$nic2"
rm -r /etc/pve
row "without configurations the device is free" is_free "$nic2"

# QEMU opens the device of a failover pair once the guest has negotiated failover: until then only
# its command line names it.
qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -name guest=one-77 -machine q35 \
    -device pcie-root-port,id=r0,chassis=1 -device pcie-root-port,id=r1,chassis=2 -netdev hubport,id=n0,hubid=0 \
    -device virtio-net-pci,bus=r0,netdev=n0,id=standby,failover=on,mac=52:54:00:11:22:33 \
    -device "vfio-pci,bus=r1,host=$nic2,id=primary,failover_pair_id=standby" </dev/null >/run/qemu.output 2>&1 &
vm=$!
names_it() { columns_are "$nic2" ownership,vm_names,claims "reserved one-77 reserves" >/run/output; }
wait_for 15 names_it || :
row "a failover pair reserves its device" \
    columns_are "$nic2" ownership,vm_names,claims "reserved one-77 reserves"
row "the device of a failover pair is not offered" not_offered "$nic2"
check "the VM is still running: $(cat /run/qemu.output)" kill -0 "$vm"
kill -9 "$vm"
finish
