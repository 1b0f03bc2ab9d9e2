#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# timeout: 240
#
# A libvirt domain with the two devices of one group, of which one is detached: libvirt takes the group's node from the VM's /dev
# with it, while the VM still has the group open. Beside it an impostor with the domain's UUID.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=libvirt.sh
. "$LAB_DIR/libvirt.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"
prepare_libvirt

modprobe vfio-pci
bind_devices "$pair0" "$pair1" "$nic2"
check "libvirtd starts" start_libvirtd
install_helper "$(helper_place)"

"$LAB_DIR/eject-guest" /run/eject.disk
chmod 666 /run/eject.disk
uuid=11111111-2222-3333-4444-000000000001
hostdev() {
    local domain bus slot function
    IFS=:. read -r domain bus slot function <<<"$1"
    echo "<hostdev mode='subsystem' type='pci' managed='no'><driver name='vfio'/><source><address domain='0x$domain'" \
        "bus='0x$bus' slot='0x$slot' function='0x$function'/></source><rom bar='off'/></hostdev>"
}
cat >/run/domain.xml <<END
<domain type='qemu'>
  <name>one-123</name><uuid>$uuid</uuid>
  <memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/><memballoon model='none'/>
    <disk type='file'><driver type='raw'/><source file='/run/eject.disk'/><target dev='hda' bus='ide'/></disk>
    $(hostdev "$pair0") $(hostdev "$pair1")
  </devices>
</domain>
END
check "the domain starts" virsh -q create /run/domain.xml
vm=$(cat /run/libvirt/qemu/one-123.pid)
group=$(group_of "$pair0")

# says ADDRESS COLUMNS WANTED [OPTION...]
says() {
    local said
    said=$("$PCIPROBE" list -q --all "${@:4}" -s "$1" -f raw --no-headings -o "$2")
    [ "$said" = "$3" ] || { echo "$said"; return 1; }
}
# libvirt has its two seconds to answer: an emulated processor has moments in which that is not enough.
wait_for 60 libvirt_is ok || :
row "the domain has the first" says "$pair0" ownership,vm_names,pids "held one-123 $vm"
row "the domain has the second" says "$pair1" ownership,vm_names,pids "held one-123 $vm"

hostdev "$pair1" >/run/device.xml
is_detached() {
    virsh -q detach-device one-123 /run/device.xml --live >/run/said 2>&1 || :
    ! virsh dumpxml one-123 | grep -q "slot='0x${pair1:8:2}' function='0x1'/>"
}
check "the second is detached" wait_for 60 is_detached
deleted() { find "/proc/$vm/fd" -lname "/dev/vfio/$group (deleted)" | grep -q .; }
check "the group's node is deleted for the VM" deleted
not_available() {
    local said
    said=$("$PCIPROBE" list -q --all --owners vfio,cmdline -s "$1" -f raw --no-headings -o available)
    [ "$said" != yes ] || { echo "available yes"; return 1; }
}

row "the domain has the first" says "$pair0" ownership,conflict,vm_names,pids "held no one-123 $vm"
row "nor is it offered" is_not_free "$pair0"
row "it is known without libvirt too" says "$pair0" ownership,vm_names "held one-123" --owners vfio,cmdline
row "and has not become available" says "$pair0" available held --owners vfio,cmdline
row "the second is not offered" not_offered "$pair1"
row "without libvirt neither" not_available "$pair1"
row "the first is not released" is_released_never "$pair0"

# An impostor with its UUID.
vmm_arguments one-42 "$uuid" "$nic2"
hold opath:65534 plain "$nic2" "${vmm[@]}"
row "an impostor takes no name from the domain" says "$pair0" ownership,conflict,vm_names,pids "held no one-123 $vm"
row "nor has it what it names" is_free "$nic2"
let_go
check "the domain ends" virsh -q destroy one-123
row "the first is free" is_free "$pair0"
row "the second is free" is_free "$pair1"
finish
