#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: igb
# timeout: 300
#
# Network VFs of a real driver in VMs of a real libvirtd: the commands of docs/sriov.md; what
# 'request -f libvirt' prints is attached to a running VM, and started with one, alone and as a pair
# with a virtio interface. The VF's owner, its address in the VM and the MAC address and VLAN that
# libvirt sets on it are listed.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=libvirt.sh
. "$LAB_DIR/libvirt.sh"
prepare_libvirt
mkdir /run/work
cd /run/work

PATH=$BUILD_DIR:$PATH
document=$LAB_DIR/../../docs/sriov.md
# shellcheck source=document.sh
. "$LAB_DIR/document.sh"
install_document_config
modprobe -a vfio-pci igb macvtap tun
pf=$(address_of igb0)
interface=$(ls "$devices/$pf/net")
check "libvirtd starts" start_libvirtd
check "the libvirt helper is installed" install_helper "$(helper_path)"

# domain NAME [INTERFACES]: prints the XML of a VM without a guest system. QEMU removes a device at
# once from a native port whose slot no guest has powered on, but not by ACPI.
domain() {
    cat <<END
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
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
  <qemu:commandline>
    <qemu:arg value='-global'/><qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/>
  </qemu:commandline>
</domain>
END
}

# guest_address NAME: prints the address of the VM's interface in it.
guest_address() {
    virsh dumpxml "$1" | sed -n '/<interface/,/<\/interface/p' | sed '/<source/,/<\/source/d' |
        sed -nE "s/.*<address.* bus='0x(..)' slot='0x(..)' function='0x(.)'.*/0000:\1:\2.\3/p"
}

# request [OPTION]: while libvirt needs more than its two seconds on an emulated processor, owners are
# unknown and it fails.
request() { "$PCIPROBE" request -q -f libvirt "$@" 10GE; }
request_to() { wait_for 60 eval "request ${*:2} >$1"; }

show() { "$PCIPROBE" list -q --all -s "$1" -f raw --no-headings -o "$2"; }
# check_shows NAME ADDRESS COLUMNS EXPECTED
check_shows() { check_becomes "$1" "$4" show "$2" "$3"; }
mac_in() { sed -n "s/.*<mac address='\(.*\)'\/>.*/\1/p" "$1" | head -n 1; }

# The document

step enable
vfs=("$(basename "$(readlink "$devices/$pf/virtfn0")")" "$(basename "$(readlink "$devices/$pf/virtfn1")")")
domain web >web.xml
check "the VM is defined" virsh -q define web.xml
check "it starts" virsh -q start --paused web
patient_step settings
check_same "the settings are listed" "${vfs[0]} 0 100 yes yes
${vfs[1]} 1 0 yes no" "$("$PCIPROBE" -q -f raw --no-headings -o address,vf_index,vf_vlan,vf_spoof_check,vf_trust)"
step bind
for vf in "${vfs[@]}"; do
    check_same "$vf is bound to vfio-pci" vfio-pci "$(driver_of "$vf")"
done
patient_step attach
check_shows "the VM has the VF, with its VLAN" "${vfs[0]}" vf_mac,vf_vlan,vf_trust,ownership,owners \
    "$(mac_in vf.xml) 100 yes held web"
check_shows "its address in the VM is listed" "${vfs[0]}" guest_addresses "$(guest_address web)"
patient_step result
step detach
check_shows "the VF is free after it was detached" "${vfs[0]}" ownership free
check_same "it has its VLAN again, and is trusted" "100 yes" "$(show "${vfs[0]}" vf_vlan,vf_trust)"
check "the VM is destroyed" virsh -q destroy web
check "the VM is removed" virsh -q undefine web

# Started with a single interface in a VLAN

check "a VF is found" request_to single.xml
check_same "the first VF is selected" "${vfs[0]}" "$(sed -n 's/^<!-- \([^ ]*\).*/\1/p' single.xml)"
domain one-77 "$(cat single.xml)" >one-77.xml
check "a VM with it is defined" virsh -q define one-77.xml
check_shows "the VF is reserved" "${vfs[0]}" ownership,vm_ids "reserved 77"
check "the VM starts" virsh -q start --paused one-77
check_shows "the VF is held, by its address in the VM" "${vfs[0]}" \
    ownership,vm_ids,guest_addresses \
    "held 77 $(guest_address one-77)"
check_same "libvirt has set the MAC address, and the VLAN again" "$(mac_in single.xml) 100 yes" \
    "$(show "${vfs[0]}" vf_mac,vf_vlan,vf_trust)"
check_shows "its settings are those of its definition" "${vfs[0]}" has_drift no
ip link set "$interface" vf 0 mac 52:54:00:00:00:99
check_shows "another MAC address is drift" "${vfs[0]}" drift \
    "mac\x2052:54:00:00:00:99\x20instead\x20of\x20$(mac_in single.xml)"
check_shows "the other VF is free" "${vfs[1]}" ownership free
check "the VM is destroyed" virsh -q destroy one-77
check_shows "the VF is reserved again" "${vfs[0]}" ownership,vm_ids "reserved 77"
check_same "its VLAN is as before, and it is trusted" "100 yes" "$(show "${vfs[0]}" vf_vlan,vf_trust)"
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
