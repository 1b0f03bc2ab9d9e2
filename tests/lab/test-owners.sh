#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
#
# Who holds a device, with a real QEMU and real VFIO: a group that two devices share, a device that is a VM's, one that a program
# has which is no VMM, VMs that end by kill -9 between two readings, and what is known without rights.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

modprobe vfio-pci
pair0=$(address_of pair0)
pair1=$(address_of pair1)
nic2=$(address_of nic2)
for device in "$pair0" "$pair1" "$nic2"; do
    check "$device is on vfio-pci" bind_driver "$device" vfio-pci
done

check_same "the two of a group are each other's peers" "$pair1 -" \
    "$("$PCIPROBE" list --all -s "$pair0" -f raw --no-headings -o group_peers,nonviable_peers)"

# show ADDRESS COLUMN...: what pciprobe says of it, on one line.
show() { "$PCIPROBE" list --all -s "$1" -f raw --no-headings -o "$2"; }
state_is() { [ "$(show "$1" ownership)" = "$2" ]; }

# start NAME ADDRESS: a VM that has the device; its pid is in $vm.
start() {
    qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 -name "guest=$1,debug-threads=on" \
        -uuid 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 -device "vfio-pci,host=$2,bus=pcie.0,addr=0x5" </dev/null &
    vm=$!
}
kill_vm() { kill -9 "$vm"; wait "$vm" 2>/dev/null || :; }
# holds PID GROUP: what /proc says, read by hand.
holds() {
    local link
    for link in "/proc/$1/fd/"*; do
        [ "$(readlink "$link")" != "/dev/vfio/$2" ] || return 0
    done
    return 1
}

for device in "$pair0" "$pair1" "$nic2"; do
    check_same "$device is free" free "$(show "$device" ownership)"
done
check_same "OpenNebula is told of none" "PCI_USAGE = []" "$("$PCIPROBE" -a -f opennebula --usage | grep USAGE)"

start one-123 "$nic2"
check "the VM gets its device" wait_for 20 holds "$vm" "$(group_of "$nic2")"
started=$(sed 's/.*) //' "/proc/$vm/stat" | cut -d' ' -f20)
check_same "it is the VM's, with proof" \
    "held 123 one-123 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 opennebula qemu-system-x86_64 $vm $started vfio+cmdline 0000:00:05.0" \
    "$(show "$nic2" ownership,vm_ids,vm_names,vm_uuids,frontends,programs,pids,pid_starts,owner_sources,guest_addresses)"
check_same "the others are still free" "free free" "$(show "$pair0" ownership) $(show "$pair1" ownership)"
check_same "OpenNebula is told its own id" ' VM_ID = "123" ,' "$("$PCIPROBE" -a -f opennebula --usage | grep VM_ID)"
check_same "as onehost shows it" "123" "$("$PCIPROBE" -a -f onehost | awk -v device="${nic2#0000:}" '$2 == device {print $1}')"

# as nobody: the command line can be read, descriptors can't
nobody() { setpriv --reuid=65534 --clear-groups "$PCIPROBE" list -q --all -s "$1" -f raw --no-headings -o "$2"; }
check_same "without rights its command line tells" "held cmdline" "$(nobody "$nic2" ownership,owner_sources)"
check_same "and what nobody could see is unknown" unknown "$(nobody "$pair0" ownership)"
setpriv --reuid=65534 --clear-groups "$PCIPROBE" list --all >/dev/null 2>/run/said
check "which a person is told" grep -q "could not inspect .* processes" /run/said

for round in 1 2 3 4 5; do
    kill_vm
    check "it is free after kill -9 ($round)" wait_for 10 state_is "$nic2" free
    start "one-$round" "$nic2"
    check "and held again" wait_for 20 state_is "$nic2" held
done
kill_vm

# one group, two devices: the command line tells which; the group as a whole can be nobody else's
start i-2-34-VM "$pair1"
check "a VM gets one device of the group" wait_for 20 state_is "$pair1" held
check_same "CloudStack's name is known" "i-2-34-VM cloudstack" "$(show "$pair1" vm_ids,frontends)"
check_same "the other one of the group isn't the VM's" free "$(show "$pair0" ownership)"
check_same "but nobody else's either" held-group "$(show "$pair0" available)"
# serves REQUEST: the devices that it would take, or why not.
serves() { "$PCIPROBE" request -c /run/pci.conf "$@" 2>&1 || echo "exit $?"; }
cat >/run/pci.conf <<END
:filter:
:alias:
  - {name: pair, short_address: ['$pair0', '$pair1']}
  - {name: nic, short_address: '$nic2'}
END
check_same "so a request can't have it" 1 "$(serves "address=$pair0" | grep -c "a process holds its IOMMU group")"
check_same "nor by its alias" "exit 1" "$(serves pair | tail -n 1)"
check_same "it can have another" "$nic2" "$(serves nic)"
check_same "the alias is counted" "pair 2 0 1 1 0 0 0" \
    "$("$PCIPROBE" list -c /run/pci.conf -f aliases --no-headings | awk '$1 == "pair" {$1 = $1; print}')"
kill_vm
check "both are free again" wait_for 10 state_is "$pair1" free
check_same "and can be had together" "$pair0 $pair1" "$(serves pair:2 | tr '\n' ' ' | sed 's/ $//')"

# a program that is no VMM, and says nothing of devices on its command line
sleep 1000 <>"/dev/vfio/$(group_of "$nic2")" &
held=$!
is_sleeps() { [ "$(show "$nic2" ownership,programs,pids)" = "held sleep $held" ]; }
check "a program has it" wait_for 10 is_sleeps
kill "$held"
check "and gives it back" wait_for 10 state_is "$nic2" free

# a device whose neighbour a native driver has can be nobody's
modprobe e1000
check "the neighbour gets its driver" bind_driver "$pair1" e1000
check_same "it blocks the group" "$pair1" "$(show "$pair0" nonviable_peers)"
check "explain says so" \
    grep -qF "IOMMU group $(group_of "$pair0") is not viable: $pair1 is bound to a host driver" <("$PCIPROBE" explain "$pair0")
check_same "and a request can't have it" "exit 1" "$(serves "address=$pair0" | tail -n 1)"

# a device that goes back to its own driver is the host's
modprobe e1000e
check "back to its driver" bind_driver "$nic2" e1000e
check_same "it is the host's" host "$(show "$nic2" ownership)"
