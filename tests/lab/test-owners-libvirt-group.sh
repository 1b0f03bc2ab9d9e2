#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# machine: shared
# timeout: 240
#
# One of two devices of a group is detached from a libvirt domain: libvirt also deletes the group's
# node in the VM's /dev, although the VM still has the group open. Then an impostor with the
# domain's UUID.

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
install_helper "$(helper_path)"

"$LAB_DIR/eject-guest" /run/eject.disk
chmod 666 /run/eject.disk
uuid=11111111-2222-3333-4444-000000000001
hostdev() {
    local domain bus slot function
    IFS=:. read -r domain bus slot function <<<"$1"
    echo "<hostdev mode='subsystem' type='pci' managed='no'><driver name='vfio'/>" \
        "<source><address domain='0x$domain' bus='0x$bus' slot='0x$slot'" \
        "function='0x$function'/></source><rom bar='off'/></hostdev>"
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

# columns_are ADDRESS COLUMNS EXPECTED [OPTION...]: retries, as an emulated libvirt may need more than
# its two seconds.
columns_are() {
    local found
    wait_for 60 lab_prints "$3" \
        "$PCIPROBE" list -q --all "${@:4}" -s "$1" -f raw --no-headings -o "$2" && return
    echo "$found"
    return 1
}
row "the domain owns the first device" \
    columns_are "$pair0" ownership,vm_names,pids "held one-123 $vm"
row "the domain owns the second device" \
    columns_are "$pair1" ownership,vm_names,pids "held one-123 $vm"

hostdev "$pair1" >/run/device.xml
is_detached() {
    virsh -q detach-device one-123 /run/device.xml --live >/run/output 2>&1 || :
    ! virsh dumpxml one-123 | grep -q "slot='0x${pair1:8:2}' function='0x1'/>"
}
check "the second device is detached" wait_for 60 is_detached
deleted() { find "/proc/$vm/fd" -lname "/dev/vfio/$group (deleted)" | grep -q .; }
check "the group's node is deleted for the VM" deleted
not_available() {
    local output
    output=$("$PCIPROBE" list -q --all --owners vfio,cmdline -s "$1" -f raw --no-headings \
        -o available)
    [ "$output" != yes ] || { echo "available yes"; return 1; }
}

row "the domain still owns the first device" \
    columns_are "$pair0" ownership,conflict,vm_names,pids "held no one-123 $vm"
row "the first device is not offered" is_held_or_unknown "$pair0"
row "the domain owns the first device without libvirt, too" \
    columns_are "$pair0" ownership,vm_names "held one-123" --owners vfio,cmdline
row "the first device is not available without libvirt" \
    columns_are "$pair0" available held --owners vfio,cmdline
row "the second device is not offered" not_offered "$pair1"
row "the second device is not available without libvirt" not_available "$pair1"
row "release of the first device is refused" release_is_refused "$pair0"

# An impostor with its UUID.
vmm_arguments one-42 "$uuid" "$nic2"
hold opath:65534 plain "$nic2" "${vmm[@]}"
row "an impostor does not change the domain's name" \
    columns_are "$pair0" ownership,conflict,vm_names,pids "held no one-123 $vm"
row "an impostor does not own the device that it names" is_free "$nic2"
end_hold
check "the domain ends" virsh -q destroy one-123
row "the first device is free" is_free "$pair0"
row "the second device is free" is_free "$pair1"
finish
