#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# timeout: 300
#
# Owners of devices with a real libvirtd: running and defined domains, all ways to assign a device,
# two definitions of one device, and a libvirtd that hangs, also for pciprobe watch, was killed or was
# stopped. Cross-checked with virsh and /proc.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=libvirt.sh
. "$LAB_DIR/libvirt.sh"
prepare_libvirt

modprobe -a vfio-pci e1000e nvme
nic0=$(address_of nic0)
nic1=$(address_of nic1)
edu0=$(address_of edu0)
nvme0=$(address_of nvme0)
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
echo 4 >"$devices/$nvme0/sriov_numvfs"
functions=("${nvme0%.0}.1" "${nvme0%.0}.2" "${nvme0%.0}.3" "${nvme0%.0}.4")

# show ADDRESS COLUMNS: prints these columns on one line.
show() { "$PCIPROBE" list -q --all -s "$1" -f raw --no-headings -o "$2"; }
# check_shows TITLE ADDRESS COLUMNS EXPECTED: retries, as an emulated libvirt may need more than its
# two seconds.
check_shows() { check_becomes "$1" "$4" show "$2" "$3"; }

# libvirt

socket=/run/libvirt/libvirt-sock-ro

libvirtd_pid() { cat /run/libvirtd.pid; }

# domain NAME UUID DEVICES [METADATA]: defines a domain. NAME is XML text.
domain() {
    cat >/run/domain.xml <<END
<domain type='qemu'>
  <name>$1</name><uuid>$2</uuid><metadata>${4-}</metadata>
  <memory unit='MiB'>64</memory><vcpu>1</vcpu>
  <os><type arch='x86_64' machine='q35'>hvm</type></os>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <controller type='usb' model='none'/><memballoon model='none'/>
    $3
  </devices>
</domain>
END
    virsh -q define /run/domain.xml
}
# These print a device as libvirt XML.
address() {
    local domain bus slot function
    IFS=:. read -r domain bus slot function <<<"$1"
    echo "domain='0x$domain' bus='0x$bus' slot='0x$slot' function='0x$function'"
}
hostdev() {
    echo "<hostdev mode='subsystem' type='pci' managed='yes'><source>" \
        "<address $(address "$1")/></source></hostdev>"
}
interface() {
    echo "<interface type='hostdev' managed='yes'><source>" \
        "<address type='pci' $(address "$1")/></source></interface>"
}
disk() {
    echo "<disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'>" \
        "<address $(address "$1")/></source><target dev='vda' bus='virtio'/></disk>"
}
mediated() {
    echo "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source>" \
        "<address uuid='$1'/></source></hostdev>"
}
# attach NAME DEVICE ARGUMENT
attach() {
    echo "$2" >/run/device.xml
    virsh -q attach-device "$1" /run/device.xml "$3"
}

# by_virsh, by_pciprobe: print a line for each device of each domain: address, UUID, and holds or
# reserves.
by_virsh() {
    local active uuid commands=
    active=$(virsh -q list --uuid)
    for uuid in $(virsh -q list --all --uuid); do
        [[ $active != *"$uuid"* ]] || commands+="echo $uuid holds; dumpxml $uuid; "
        commands+="echo $uuid reserves; dumpxml --inactive $uuid; "
    done
    # virsh's echo prints no newline
    virsh -q "$commands" | sed -nE -e 's/^([-0-9a-f]{36} (holds|reserves)).*/\1/p' -e "$devices_in_xml" |
        devices_of_domains | sort
}
devices_of_domains() {
    local id claim domain='' current_claim='' seen=''
    while read -r id claim; do
        if [ -n "$claim" ]; then
            domain=$id current_claim=$claim
        elif [[ $seen != *"$id $domain"* ]]; then
            seen+="$id $domain;"
            echo "$id $domain $current_claim"
        fi
    done
}
by_pciprobe() {
    "$PCIPROBE" list -q --all -f raw --no-headings -o address,vm_uuids,claims | awk '$2 != "-" {
        count = split($2, uuids, ",")
        split($3, claims, ",")
        for (i = 1; i <= count; i++)
            print $1, uuids[i], claims[i]
    }' | sort
}
# check_agree TITLE COUNT: pciprobe and virsh agree on the COUNT claims of domains.
check_agree() {
    virsh_output=$(by_virsh)
    check_same "virsh lists $2 claims" "$2" "$(wc -l <<<"$virsh_output")"
    check_becomes "$1" "$virsh_output" by_pciprobe
}

running=11111111-2222-3333-4444-000000000001
stopped=11111111-2222-3333-4444-000000000002
first=11111111-2222-3333-4444-000000000003
second=11111111-2222-3333-4444-000000000004
mdev=4b20d080-1b54-4048-85b3-a6a62d165c01

# Without libvirt, and without the helper

check "libvirt is absent" libvirt_source_is absent
check_same "a device without a driver is free" free "$(show "$edu0" ownership)"

check "libvirtd starts" start_libvirtd

installed=$(helper_path)
check "a missing helper is reported" test -n "$installed"
check "the source libvirt has failed" libvirt_source_is failed
check_same "without the helper the owner is unknown" unknown "$(show "$edu0" ownership)"
install_helper "$installed"
check "with the helper the source libvirt succeeds" wait_for 60 libvirt_source_is ok
check_shows "the device is free without a domain" "$edu0" ownership free

# Definitions

domain one-123 "$running" "$(hostdev "$nic0")"
domain 'a "b" &lt;c&gt; ]]&gt; 100%' "$stopped" \
    "$(hostdev "$nic1")$(interface "${functions[0]}")$(disk "${functions[1]}")"
domain web "$first" "$(hostdev "$edu0")" "<one:vm xmlns:one='http://opennebula.org/xmlns/libvirt/1.0'>
    <one:system_datastore>/var/lib/one//datastores/0/77</one:system_datastore></one:vm>"
domain web2 "$second" "$(hostdev "$edu0")$(mediated "$mdev")" \
    "<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/>"
check_agree "defined domains reserve their devices" 6
check_shows "a device on its host driver is reserved" "$nic0" \
    driver,ownership,claims,owner_sources,pids "e1000e reserved reserves libvirt -"
check_shows "the name of a stopped domain is listed" "$nic1" \
    ownership,vm_names 'reserved a\x20"b"\x20<c>\x20]]>\x20100%'
check_shows "an interface of type hostdev is reserved" "${functions[0]}" \
    ownership,vm_uuids "reserved $stopped"
check_shows "an NVMe disk is reserved, without a guest address" "${functions[1]}" \
    ownership,vm_uuids,guest_addresses "reserved $stopped -"
check_shows "two definitions of one device are listed with their frontends" "$edu0" \
    ownership,vm_names,frontends,vm_ids "reserved web,web2 opennebula,nova 77,$second"
check "the helper reports a mediated device that does not exist" \
    grep -q "^defined mdev $mdev .* web2 nova $second\$" <("$installed" "$socket")

# A running domain

check "a domain starts" virsh -q start --paused one-123
vm=$(cat /run/libvirt/qemu/one-123.pid)
guest=$(virsh dumpxml one-123 | guest_addresses_in_xml)
check "the VM has the group open" \
    test -n "$(find "/proc/$vm/fd" -lname "/dev/vfio/$(group_of "$nic0")")"
check_shows "all sources are merged into one claim" "$nic0" \
    driver,ownership,claims,vm_ids,vm_names,vm_uuids,frontends,pids,owner_sources,guest_addresses \
    "vfio-pci held holds 123 one-123 $running opennebula $vm vfio+cmdline+libvirt $guest"
check "a device is plugged in" attach one-123 "$(hostdev "${functions[3]}")" --live
check "another device is attached for the next start" \
    attach one-123 "$(hostdev "${functions[2]}")" --config
check_agree "live and persistent definitions are distinguished" 8
check_shows "the hot-plugged device is reported by vfio and libvirt" "${functions[3]}" \
    ownership,owner_sources,claims "held vfio+libvirt holds"
check_shows "the device for the next start is reserved" "${functions[2]}" \
    ownership,vm_uuids "reserved $running"

# The XML that virsh prints, as records: edu0 is in two definitions, and the plugged device is only in
# the live XML.

# xml OPTION...: prints the XML of all domains.
xml() { for uuid in $(virsh -q list --all --uuid); do virsh dumpxml "$@" "$uuid"; done; }
# differences_are EXPECTED: the records in /run/domains.xml differ in these devices and kinds.
differences_are() {
    "$PCIPROBE" verify -q libvirt /run/domains.xml >/run/differences || true
    [ "$(sed -E 's/^([^ ]*): ([a-z-]*): .*/\1 \2/' /run/differences | sort)" = "$(sort <<<"$1")" ]
}
xml >/run/domains.xml
xml --inactive >>/run/domains.xml
check "the XML of all domains agrees, but for a device in two definitions" \
    wait_for 60 differences_are "$edu0 two-vms"
xml --inactive >/run/domains.xml
check "the inactive XML lacks the plugged device" \
    wait_for 60 differences_are "$edu0 two-vms"$'\n'"${functions[3]} not-recorded"
check "the command is one of libvirt's" \
    grep -q "^${functions[3]}: .*held by VM 'one-123'.*; to correct: virsh dumpxml one-123\$" /run/differences

# A libvirtd that hangs

# timed: sets state to the ownership of a device that only libvirt claims, and took to milliseconds.
timed() {
    local start=${EPOCHREALTIME/./}
    state=$(show "$edu0" ownership)
    took=$(((${EPOCHREALTIME/./} - start) / 1000))
}
"$PCIPROBE" watch --all >/run/events 2>/run/watch.errors &
watch=$!
# ownerships ADDRESS: prints those that watch has printed, from the first to the last.
ownerships() { sed -n "s/.*\"device\": { \"address\": \"$1\".*\"after\": {.*\"ownership\": \"\([a-z]*\)\".*/\1/p" /run/events; }
# watch_shows ADDRESS OWNERSHIP: if not yet, has it read again, as libvirt may have been too slow.
watch_shows() {
    [ "$(ownerships "$1" | tail -n 1)" = "$2" ] || { date -s "+1 second" >/dev/null; pause 3; false; }
}
check "watch shows a reservation" wait_for 60 watch_shows "$edu0" reserved
kill -STOP "$(libvirtd_pid)"
timed
check_same "a device that only libvirt claims is unknown" unknown "$state"
check "the timeout of two seconds is observed ($took ms)" test "$took" -ge 2000 -a "$took" -lt 4500
check_same "the VM's device is still held" \
    "held vfio+cmdline" "$(show "$nic0" ownership,owner_sources)"
"$PCIPROBE" list --all >/dev/null 2>/run/output
check "the timeout is reported" grep -qF "$socket: no answer in time" /run/output
check_same "no helper process is left" "" "$(pgrep -f "$installed" || :)"

changes() { grep -F '"event": "driver_changed"' /run/events | grep -qF "\"device\": { \"address\": \"$nic1\""; }
# Each reading takes as long as the deadline, and less than the helper would hang by itself.
began=${EPOCHREALTIME/./}
unbind_driver "$nic1"
check "watch prints a change of another device" wait_for 60 changes
took=$(((${EPOCHREALTIME/./} - began) / 1000))
check "in time ($took ms)" test "$took" -lt 9000
check "the owner that libvirt knows is unknown for watch" wait_for 60 watch_shows "$edu0" unknown
reason_is_printed() { grep -F '"event": "owner_unknown"' /run/events | grep -F "\"address\": \"$edu0\"" | grep -qF "no answer in time"; }
check "with the reason" reason_is_printed
kill -CONT "$(libvirtd_pid)"
check_agree "all claims are back when libvirtd continues" 8
check "watch knows the owner again" wait_for 60 watch_shows "$edu0" reserved
check "it was never free" not grep -qx free <(ownerships "$edu0")
check_same "the VM's device was always held" held "$(ownerships "$nic0" | sort -u)"
kill "$watch"
check "watch ends" wait "$watch"
echo "$nic1" >/sys/bus/pci/drivers/e1000e/bind

# A killed libvirtd leaves its socket, a stopped one removes it

kill -KILL "$(libvirtd_pid)"
wait_for 60 test ! -e "/proc/$(libvirtd_pid)"
check "the socket still exists" test -S "$socket"
check_same "a device that only libvirt claims is unknown again" unknown "$(show "$edu0" ownership)"
# on an emulated processor the helper may time out first
refusal_is_reported() {
    "$PCIPROBE" list --all >/dev/null 2>/run/output
    grep -qF "Connection refused" /run/output
}
check "the refused connection is reported" wait_for 60 refusal_is_reported
check "the VM is still running" test -d "/proc/$vm"
check "libvirtd restarts" start_libvirtd
check_agree "all claims are back after the restart" 8
check "the domain is stopped" virsh -q destroy one-123
check_shows "its device has its host driver and is still reserved" "$nic0" \
    driver,ownership "e1000e reserved"
kill "$(libvirtd_pid)"
check "libvirtd stops" wait_for 60 test ! -e "$socket"
check "libvirt is absent again" libvirt_source_is absent
check_same "there are no reservations" free "$(show "$edu0" ownership)"
