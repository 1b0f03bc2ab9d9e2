#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: igb
# timeout: 300
#
# Network VFs of a real driver in VMs of a real libvirtd: what 'request -f libvirt' prints is started,
# as a single interface, as a pair with a virtio interface, and attached to a running VM. The VF's
# owner, its address in the VM and the MAC address that libvirt sets on it are listed.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=libvirt.sh
. "$LAB_DIR/libvirt.sh"
prepare_libvirt
mkdir /run/work
cd /run/work

modprobe -a vfio-pci igb macvtap tun
pf=$(address_of igb0)
interface=$(ls "$devices/$pf/net")
ip link set "$interface" up
echo 0 >"$devices/$pf/sriov_drivers_autoprobe"
echo 2 >"$devices/$pf/sriov_numvfs"
vfs=("$(basename "$(readlink "$devices/$pf/virtfn0")")" "$(basename "$(readlink "$devices/$pf/virtfn1")")")
for vf in "${vfs[@]}"; do
    check "$vf is bound to vfio-pci" bind_driver "$vf" vfio-pci
done
cat >pci.conf <<'END'
:filter: ['8086:10ca']
:alias:
  - {name: 10GE, filter: '8086:10ca', role: vf}
END

check "libvirtd starts" start_libvirtd
check "the libvirt helper is installed" install_helper "$(helper_path)"

# domain NAME [INTERFACES]: prints the XML of a VM without a guest system.
domain() {
    cat <<END
<domain type='qemu'>
  <name>$1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='pci' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>
    <controller type='pci' model='pcie-root-port'/>
    <controller type='usb' model='none'/><memballoon model='none'/>
    ${2-}
  </devices>
</domain>
END
}

# request [OPTION]: while libvirt needs more than its two seconds on an emulated processor, owners are
# unknown and it fails.
request() { "$PCIPROBE" request -q -c pci.conf -f libvirt "$@" 10GE; }
request_to() { wait_for 60 eval "request ${*:2} >$1"; }

show() { "$PCIPROBE" list -q --all -s "$1" -f raw --no-headings -o "$2"; }
shows() { [ "$(show "$1" "$2")" = "$3" ]; }
# check_shows NAME ADDRESS COLUMNS EXPECTED
check_shows() {
    wait_for 60 shows "$2" "$3" "$4" || :
    check_same "$1" "$4" "$(show "$2" "$3")"
}
mac_in() { sed -n "s/.*<mac address='\(.*\)'\/>.*/\1/p" "$1" | head -n 1; }

# A single interface

check "a VF is found" request_to single.xml
check_same "the first VF is selected" "${vfs[0]}" "$(sed -n 's/^<!-- \([^ ]*\).*/\1/p' single.xml)"
domain one-77 "$(cat single.xml)" >one-77.xml
check "a VM with it is defined" virsh -q define one-77.xml
check_shows "the VF is reserved" "${vfs[0]}" ownership,vm_ids "reserved 77"
check "the VM starts" virsh -q start --paused one-77
check_shows "the VF is held, by its address in the VM" "${vfs[0]}" \
    ownership,vm_ids,guest_addresses \
    "held 77 $(virsh dumpxml one-77 | sed -nE "/<interface/,/<\/interface/{/<source/,/<\/source/d;s/.*<address.* bus='0x(..)' slot='0x(..)' function='0x(.)'.*/0000:\1:\2.\3/p}")"
check_same "libvirt has set the MAC address" "$(mac_in single.xml)" "$(show "${vfs[0]}" vf_mac)"
check_shows "the other VF is free" "${vfs[1]}" ownership free
check "the VM is destroyed" virsh -q destroy one-77
check_shows "the VF is reserved again" "${vfs[0]}" ownership,vm_ids "reserved 77"
check "the VM is removed" virsh -q undefine one-77
check_shows "the VF is free again" "${vfs[0]}" ownership free

# A pair

check "a pair is found" request_to pair.xml --teaming
domain one-78 "$(cat pair.xml)" >one-78.xml
check "a VM with the pair is defined" virsh -q define one-78.xml
check "it starts" virsh -q start --paused one-78
# QEMU opens the VF of a pair when the guest has agreed to it: until then libvirt alone knows
check_shows "its VF is held" "${vfs[0]}" ownership,vm_ids "held 78"
check "the VM is destroyed" virsh -q destroy one-78
check "the VM is removed" virsh -q undefine one-78

# A running VM

domain one-79 >one-79.xml
check "a VM without interfaces is defined" virsh -q define one-79.xml
check "it starts" virsh -q start --paused one-79
check_shows "the VF is free" "${vfs[0]}" ownership free
check "the interface is attached" virsh -q attach-device one-79 single.xml --live
check_shows "the VF is held" "${vfs[0]}" ownership,vm_ids "held 79"
check "the VM is destroyed" virsh -q destroy one-79
check_shows "the VF is free after the VM has ended" "${vfs[0]}" ownership free
