#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# machine: shared
#
# Owners of devices with QEMU and VFIO: two devices in one group, a device held by a VM, one held by
# another program, VMs that are killed between two readings, and listing without privileges.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

modprobe vfio-pci
pair0=$(address_of pair0)
pair1=$(address_of pair1)
nic2=$(address_of nic2)
for device in "$pair0" "$pair1" "$nic2"; do
    check "$device is bound to vfio-pci" bind_driver "$device" vfio-pci
done

check_same "two devices of a group are peers" "$pair1 -" \
    "$("$PCIPROBE" list --all -s "$pair0" -f raw --no-headings -o group_peers,nonviable_peers)"

# show ADDRESS COLUMNS: prints these columns on one line.
show() { "$PCIPROBE" list --all -s "$1" -f raw --no-headings -o "$2"; }
state_is() { [ "$(show "$1" ownership)" = "$2" ]; }

# start NAME ADDRESS: starts a VM with the device; sets vm to its pid.
start() {
    qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 \
        -name "guest=$1,debug-threads=on" -uuid 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 \
        -device "vfio-pci,host=$2,bus=pcie.0,addr=0x5" </dev/null &
    vm=$!
}
kill_vm() { kill -9 "$vm"; wait "$vm" 2>/dev/null || :; }
# holds PID GROUP: the process has the group open, by /proc.
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
check_same "OpenNebula gets no usage" "PCI_USAGE = []" \
    "$("$PCIPROBE" -a -f opennebula --usage | grep USAGE)"

start one-123 "$nic2"
check "the VM holds its device" wait_for 60 holds "$vm" "$(group_of "$nic2")"
started=$(sed 's/.*) //' "/proc/$vm/stat" | cut -d' ' -f20)
uuid=2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1
columns=ownership,vm_ids,vm_names,vm_uuids,frontends,programs,pids,pid_starts,owner_sources
check_same "all properties of the owner are listed" \
    "held 123 one-123 $uuid opennebula qemu-system-x86_64 $vm $started vfio+cmdline 0000:00:05.0" \
    "$(show "$nic2" "$columns,guest_addresses")"
check_same "the other devices are still free" "free free" \
    "$(show "$pair0" ownership) $(show "$pair1" ownership)"
check_same "OpenNebula gets its VM id" ' VM_ID = "123" ,' \
    "$("$PCIPROBE" -a -f opennebula --usage | grep VM_ID)"
check_same "the format onehost has the VM id" "123" \
    "$("$PCIPROBE" -a -f onehost | awk -v device="${nic2#0000:}" '$2 == device {print $1}')"

# without privileges: command lines are readable, descriptors are not
unprivileged() {
    setpriv --reuid=65534 --clear-groups \
        "$PCIPROBE" list -q --all -s "$1" -f raw --no-headings -o "$2"
}
check_same "without privileges the owner is known by its command line" "held cmdline" \
    "$(unprivileged "$nic2" ownership,owner_sources)"
check_same "without privileges other owners are unknown" \
    unknown "$(unprivileged "$pair0" ownership)"
setpriv --reuid=65534 --clear-groups "$PCIPROBE" list --all >/dev/null 2>/run/output
check "without privileges a warning is logged" \
    grep -q "could not inspect .* processes" /run/output

check "without privileges conflicts are unknown to the check" \
    grep -q "^PCI UNKNOWN - unknown number of conflicts (" \
    <(setpriv --reuid=65534 --clear-groups "$PCIPROBE" check conflicts --all)

for round in 1 2 3 4 5; do
    kill_vm
    check "nic2 is free after kill -9 ($round)" wait_for 60 state_is "$nic2" free
    start "one-$round" "$nic2"
    check "nic2 is held by the next VM ($round)" wait_for 60 state_is "$nic2" held
done
kill_vm

# two devices of one group: the command line names the held one; the other one cannot be used
start i-2-34-VM "$pair1"
check "a VM holds one device of the group" wait_for 60 state_is "$pair1" held
check_same "the VM's name is recognized as CloudStack's" \
    "i-2-34-VM cloudstack" "$(show "$pair1" vm_ids,frontends)"
check_same "the other device of the group is free" free "$(show "$pair0" ownership)"
check_same "the other device of the group is not available" held-group "$(show "$pair0" available)"
# serves REQUEST...: prints the devices of a request, or the error and exit status.
serves() { "$PCIPROBE" request -c /run/pci.conf "$@" 2>&1 || echo "exit $?"; }
cat >/run/pci.conf <<END
:filter:
:alias:
  - {name: pair, short_address: ['$pair0', '$pair1']}
  - {name: nic, short_address: '$nic2'}
END
check_same "a request for it fails with the reason" 1 \
    "$(serves "address=$pair0" | grep -c "a process holds its IOMMU group")"
check_same "a request for its alias fails" "exit 1" "$(serves pair | tail -n 1)"
check_same "a request for another device succeeds" "$nic2" "$(serves nic)"
check_same "the devices of the alias are counted" "pair 2 0 1 1 0 0 0" \
    "$("$PCIPROBE" list -c /run/pci.conf -f aliases --no-headings | awk '$1 == "pair" {$1 = $1; print}')"
# state: prints the state of a check of the alias
state() { "$PCIPROBE" check conflicts --config /run/pci.conf -c available:pair=2: | sed 's/ (.*//; q'; }
check_same "a check of the alias is critical" "PCI CRITICAL - 0 available devices of pair" "$(state)"
kill_vm
check "pair0 and pair1 are free after the VM was killed" wait_for 60 state_is "$pair1" free
check_same "the check is OK again" "PCI OK" "$(state | sed 's/ - .*//')"
check_same "a request for both succeeds" \
    "$pair0 $pair1" "$(serves pair:2 | tr '\n' ' ' | sed 's/ $//')"

# a program that is not a VMM, without devices on its command line
sleep 1000 <>"/dev/vfio/$(group_of "$nic2")" &
program=$!
is_held_by_program() { [ "$(show "$nic2" ownership,programs,pids)" = "held sleep $program" ]; }
check "a program holds the device" wait_for 60 is_held_by_program
kill "$program"
check "the device is free after the program has exited" wait_for 60 state_is "$nic2" free

# a device whose peer is bound to a host driver cannot be assigned
modprobe e1000
check "the peer is bound to its host driver" bind_driver "$pair1" e1000
check_same "the peer makes the group non-viable" "$pair1" "$(show "$pair0" nonviable_peers)"
check "explain gives the reason" \
    grep -qF "IOMMU group $(group_of "$pair0") is not viable: $pair1 is bound to a host driver" \
    <("$PCIPROBE" explain "$pair0")
check_same "a request for it fails" "exit 1" "$(serves "address=$pair0" | tail -n 1)"

# a device bound to its host driver is owned by the host
modprobe e1000e
check "nic2 is bound to its host driver" bind_driver "$nic2" e1000e
check_same "the owner of nic2 is the host" host "$(show "$nic2" ownership)"
