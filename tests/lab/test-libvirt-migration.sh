#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# timeout: 300
#
# Runs the first commands of docs/migration.md and the README's line for libvirt: a VM's device is
# replaced by another one of the same alias, with a real libvirtd and QEMU. One machine is both
# source and target, so the migration itself is skipped (see test-libvirt-hosts.sh). After each step,
# the inventory, virsh and /proc match the document's table.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=libvirt.sh
. "$LAB_DIR/libvirt.sh"
prepare_libvirt

document=$LAB_DIR/../../docs/migration.md
# shellcheck source=document.sh
. "$LAB_DIR/document.sh"
PATH=$BUILD_DIR:$PATH
mkdir /run/work
cd /run/work

# Two devices of one alias, as in the document, but whole ones, which QEMU before 8.0 has, too

modprobe vfio-pci
# a request selects them in this order
old=$(address_of nic1)
new=$(address_of nic0)
for device in "$old" "$new"; do
    check "$device is bound to vfio-pci" bind_driver "$device" vfio-pci
done
install_document_config
sed -i "s/'8086:10ca', role: vf/'8086:10d3'/; s/'8086:10ca'/'8086:10d3'/" "$config"
check_same "the document's pci.conf matches both devices" "10GE 2" \
    "$("$PCIPROBE" -f aliases --no-headings | awk '{print $1, $2}')"

# A VM without a guest system: QEMU removes a device at once from a native port whose slot no guest
# has powered on, but not by ACPI.

check "libvirtd starts" start_libvirtd
check "the libvirt helper is installed" install_helper "$(helper_path)"
cat >web-first.xml <<END
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='pci' model='pcie-root'/>
    <controller type='pci' model='pcie-root-port'/><controller type='pci' model='pcie-root-port'/>
    <controller type='usb' model='none'/><memballoon model='none'/>
  </devices>
  <qemu:commandline>
    <qemu:arg value='-global'/><qemu:arg value='ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off'/>
  </qemu:commandline>
</domain>
END
check "the VM is defined" virsh -q define web-first.xml
check "the VM starts" virsh -q start --paused web
vm=$(cat /run/libvirt/qemu/web.pid)

# Owner of a device: each prints held, reserved or free, and the VM if there is one

by_pciprobe() { pciprobe -q -s "$1" -f raw --no-headings -o ownership,owners; }
by_virsh() {
    if virsh dumpxml web | sed -nE "$devices_in_xml" | grep -qx "$1"; then
        echo "held web"
    elif virsh dumpxml web --inactive | sed -nE "$devices_in_xml" | grep -qx "$1"; then
        echo "reserved web"
    else
        echo "free -"
    fi
}
by_proc() {
    if [ -n "$(find "/proc/$vm/fd" -lname "/dev/vfio/$(group_of "$1")")" ]; then
        echo held
    else
        echo "not held"
    fi
}

# check_device STEP NAME ADDRESS EXPECTED
check_device() {
    local owner=web proc="not held"
    [ "$4" != free ] || owner=-
    [ "$4" != held ] || proc=held
    check_same "after step $1, owner of the $2 device by virsh" "$4 $owner" "$(by_virsh "$3")"
    check_same "after step $1, owner of the $2 device by /proc" "$proc" "$(by_proc "$3")"
    # on an emulated processor, libvirt may need more than its two seconds
    check_becomes "after step $1, owner of the $2 device by pciprobe" "$4 $owner" by_pciprobe "$3"
}

# check_step STEP: compares with the document's table.
check_step() {
    local wanted
    read -ra wanted < <(grep "^| $1 |" "$document" | tr -d '|') || fail "the document's table has no step $1"
    check_device "$1" old "$old" "${wanted[1]}"
    check_device "$1" new "$new" "${wanted[2]}"
}

is_reserved() { ! pciprobe request "address=$new" 2>output && grep -qF "reserved for VM 'web'" output; }
# shows_guest_address ADDRESS: the document's command prints it.
shows_guest_address() { bash -c "$(commands "5 target" | tail -n 1)" | grep -q "^$new *held *web *$1\$"; }

# shellcheck disable=SC2016 # the quotes are Markdown's
line=$(sed -n 's/^| libvirt | `\(.*\)` | [^|]* |$/\1/p' "$LAB_DIR/../../README.md")
check "the README's command attaches the first device" wait_for 60 eval "${line:?}"
check "the first device is attached permanently" virsh -q attach-device web device.xml --config
check_step 0

through_step_3() {
    step "1 source"
    check_same "the VM's device is found" "$old" "$device"
    check_step 1
    patient_step "2 target"
    check_same "the other device is selected" "$new" "$(sed -n 's/^<!-- \([^ ]*\).*/\1/p' new.xml)"
    check_step 2
    check "the new device is reserved" wait_for 60 is_reserved
    step "3 source"
    check_step 3
}

through_step_3
step "off source"
step "off target"
check_step off

through_step_3
step "5 target"
check_step 5
guest=$(virsh dumpxml web | guest_addresses_in_xml)
check "the VM has one device, at $guest" test -n "$guest"
check "the guest address is shown" wait_for 60 shows_guest_address "$guest"
is_from_libvirt() {
    local columns=guest_addresses,owner_sources
    [ "$(pciprobe -q -s "$new" -f raw --no-headings -o "$columns")" = "$guest vfio+libvirt" ]
}
check "the guest address comes from libvirt" wait_for 60 is_from_libvirt
