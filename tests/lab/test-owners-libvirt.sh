#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# timeout: 300
#
# Who has a device, with a real libvirtd: a VM that runs, devices that are only defined, each way of giving a device away, two
# definitions of one device, and a libvirtd that hangs, that died and that was ended. virsh and /proc say the same, by hand.

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

# show ADDRESS COLUMNS: what pciprobe says of it, on one line.
show() { "$PCIPROBE" list -q --all -s "$1" -f raw --no-headings -o "$2"; }
shows() { [ "$(show "$1" "$2")" = "$3" ]; }
# check_shows TEXT ADDRESS COLUMNS WANTED: an emulated processor has moments in which libvirt's time isn't enough.
check_shows() {
    wait_for 60 shows "${@:2}" || check_same "$1" "$4" "$(show "$2" "$3")"
    echo "ok: $1"
}

# libvirt

socket=/run/libvirt/libvirt-sock-ro

libvirtd_pid() { cat /run/libvirtd.pid; }

# domain NAME UUID DEVICES [METADATA]: defines it. NAME is XML.
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
# These write a device as libvirt's XML has it.
address() {
    local domain bus slot function
    IFS=:. read -r domain bus slot function <<<"$1"
    echo "domain='0x$domain' bus='0x$bus' slot='0x$slot' function='0x$function'"
}
hostdev() {
    echo "<hostdev mode='subsystem' type='pci' managed='yes'><source><address $(address "$1")/></source></hostdev>"
}
interface() {
    echo "<interface type='hostdev' managed='yes'><source><address type='pci' $(address "$1")/></source></interface>"
}
disk() {
    echo "<disk type='nvme' device='disk'><source type='pci' managed='yes' namespace='1'><address $(address "$1")/></source>" \
        "<target dev='vda' bus='virtio'/></disk>"
}
mediated() {
    echo "<hostdev mode='subsystem' type='mdev' model='vfio-pci'><source><address uuid='$1'/></source></hostdev>"
}
# attach NAME DEVICE ARGUMENT
attach() {
    echo "$2" >/run/device.xml
    virsh -q attach-device "$1" /run/device.xml "$3"
}

# by_virsh, by_pciprobe: a line for each device of each domain: address, UUID, and whether that holds or reserves it.
by_virsh() {
    local active uuid commands=
    active=$(virsh -q list --uuid)
    for uuid in $(virsh -q list --all --uuid); do
        [[ $active != *"$uuid"* ]] || commands+="echo $uuid holds; dumpxml $uuid; "
        commands+="echo $uuid reserves; dumpxml --inactive $uuid; "
    done
    # echo ends no line
    virsh -q "$commands" | sed -nE -e 's/^([-0-9a-f]{36} (holds|reserves)).*/\1/p' -e "$devices_in_xml" |
        devices_of_domains | sort
}
devices_of_domains() {
    local word claim domain='' how='' seen=''
    while read -r word claim; do
        if [ -n "$claim" ]; then
            domain=$word how=$claim
        elif [[ $seen != *"$word $domain"* ]]; then
            seen+="$word $domain;"
            echo "$word $domain $how"
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
agree() { [ "$(by_pciprobe)" = "$said_by_virsh" ]; }
# check_agree TEXT COUNT: pciprobe and virsh tell the same of all devices, COUNT of them.
check_agree() {
    said_by_virsh=$(by_virsh)
    check_same "virsh knows of $2" "$2" "$(wc -l <<<"$said_by_virsh")"
    wait_for 60 agree || check_same "$1" "$said_by_virsh" "$(by_pciprobe)"
    echo "ok: $1"
}

running=11111111-2222-3333-4444-000000000001
stopped=11111111-2222-3333-4444-000000000002
first=11111111-2222-3333-4444-000000000003
second=11111111-2222-3333-4444-000000000004
mdev=4b20d080-1b54-4048-85b3-a6a62d165c01

# Where there is no libvirt, or the helper isn't installed

check "without libvirt nobody is asked" libvirt_is absent
check_same "a device without a driver is free" free "$(show "$edu0" ownership)"

check "libvirtd starts" start_libvirtd

installed=$(helper_place)
check "a helper that isn't installed is told" test -n "$installed"
check "libvirt was not asked" libvirt_is failed
check_same "so nothing is known to be free" unknown "$(show "$edu0" ownership)"
install_helper "$installed"
check "installed, it is asked" wait_for 60 libvirt_is ok
check_shows "no domain, no reservation" "$edu0" ownership free

# Definitions

domain one-123 "$running" "$(hostdev "$nic0")"
domain 'a "b" &lt;c&gt; ]]&gt; 100%' "$stopped" "$(hostdev "$nic1")$(interface "${functions[0]}")$(disk "${functions[1]}")"
domain web "$first" "$(hostdev "$edu0")" "<one:vm xmlns:one='http://opennebula.org/xmlns/libvirt/1.0'>
    <one:system_datastore>/var/lib/one//datastores/0/77</one:system_datastore></one:vm>"
domain web2 "$second" "$(hostdev "$edu0")$(mediated "$mdev")" "<nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'/>"
check_agree "what is defined is reserved" 6
check_shows "on its native driver or not" "$nic0" driver,ownership,claims,owner_sources,pids "e1000e reserved reserves libvirt -"
check_shows "a stopped domain, by its name" "$nic1" ownership,vm_names 'reserved a\x20"b"\x20<c>\x20]]>\x20100%'
check_shows "an interface of type hostdev" "${functions[0]}" ownership,vm_uuids "reserved $stopped"
check_shows "an NVMe disk, which is no device in the VM" "${functions[1]}" ownership,vm_uuids,guest_addresses "reserved $stopped -"
check_shows "two definitions of one device, by their frontends' words" "$edu0" ownership,vm_names,frontends,vm_ids \
    "reserved web,web2 opennebula,nova 77,$second"
check "a mediated device, which no device of this machine has" grep -q "^defined mdev $mdev .* web2 nova $second\$" \
    <("$installed" "$socket")

# A domain that runs

check "a domain starts" virsh -q start --paused one-123
vm=$(cat /run/libvirt/qemu/one-123.pid)
guest=$(virsh dumpxml one-123 | guest_addresses_in_xml)
check "it has the group open, by /proc" test -n "$(find "/proc/$vm/fd" -lname "/dev/vfio/$(group_of "$nic0")")"
check_shows "all that is known of it is one claim" "$nic0" \
    driver,ownership,claims,vm_ids,vm_names,vm_uuids,frontends,pids,owner_sources,guest_addresses \
    "vfio-pci held holds 123 one-123 $running opennebula $vm vfio+cmdline+libvirt $guest"
check "a device is plugged in" attach one-123 "$(hostdev "${functions[3]}")" --live
check "another one for its next start" attach one-123 "$(hostdev "${functions[2]}")" --config
check_agree "of what runs the two definitions are told apart" 8
check_shows "what was plugged in libvirt alone tells in full" "${functions[3]}" ownership,owner_sources,claims "held vfio+libvirt holds"
check_shows "what it will have is reserved" "${functions[2]}" ownership,vm_uuids "reserved $running"

# A libvirtd that hangs

# timed: what only libvirt could know, and how long that took, in milliseconds.
timed() {
    local start=${EPOCHREALTIME/./}
    state=$(show "$edu0" ownership)
    took=$(((${EPOCHREALTIME/./} - start) / 1000))
}
kill -STOP "$(libvirtd_pid)"
timed
check_same "what only libvirt could know is unknown" unknown "$state"
check "libvirt had its two seconds, and no more ($took ms)" test "$took" -ge 2000 -a "$took" -lt 4500
check_same "what /proc shows is held" "held vfio+cmdline" "$(show "$nic0" ownership,owner_sources)"
"$PCIPROBE" list --all >/dev/null 2>/run/said
check "it is told" grep -qF "$socket: no answer in time" /run/said
check_same "nobody is left waiting" "" "$(pgrep -f "$installed" || :)"
kill -CONT "$(libvirtd_pid)"
check_agree "when it goes on, all is as before" 8

# One that died leaves its socket, one that ends takes it along

kill -KILL "$(libvirtd_pid)"
wait_for 10 test ! -e "/proc/$(libvirtd_pid)"
check "the socket is still there" test -S "$socket"
check_same "what only libvirt could know is unknown" unknown "$(show "$edu0" ownership)"
# the helper may need all of its two seconds on an emulated processor
why_is_reported() {
    "$PCIPROBE" list --all >/dev/null 2>/run/said
    grep -qF "Connection refused" /run/said
}
check "why is reported" wait_for 60 why_is_reported
check "the VM runs on" test -d "/proc/$vm"
check "libvirtd comes back" start_libvirtd
check_agree "with all that it had" 8
check "the domain ends" virsh -q destroy one-123
check_shows "its device goes back to its driver, and stays reserved" "$nic0" driver,ownership "e1000e reserved"
kill "$(libvirtd_pid)"
check "libvirtd ends" wait_for 20 test ! -e "$socket"
check "then there is no libvirt to ask" libvirt_is absent
check_same "nor any reservation" free "$(show "$edu0" ownership)"
