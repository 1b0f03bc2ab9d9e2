#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
#
# The systemd unit, run by a systemd that is PID 1 of a PID namespace: it binds the configured
# devices at boot, a device in use does not affect the others, and stopping the unit releases
# nothing. This shows that its sandboxing permits all that is required. After the buses were
# renumbered it binds the same device by its path, and no other by its former address.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
nic0=$(address_of nic0)
nic1=$(address_of nic1)
nvme0=$(address_of nvme0)
unit=vfio-bind.service

modprobe -a e1000e nvme
# In a PID namespace the processes that have a device's nodes open are not all visible; a NIC with a
# clock has one, too (/dev/ptp0). Without a driver it has none.
unbind() { echo "$1" >"/sys/bus/pci/devices/$1/driver/unbind"; }
unbind "$nic0"
check "the disk appears" wait_for_disk test -b /dev/nvme0n1
mkfs.ext4 -q /dev/nvme0n1
mkdir -p /run/disk
mount /dev/nvme0n1 /run/disk

sed "s|^ExecStart=[^ ]*|ExecStart=$BUILD_DIR/vfio-bind|" "$BUILD_DIR/etc/systemd/$unit" >"/etc/systemd/system/$unit"
mkdir "/etc/systemd/system/$unit.d"
printf '[Service]\nStandardOutput=append:/run/output\nStandardError=append:/run/output\n' \
    >"/etc/systemd/system/$unit.d/log.conf"
printf 'DEVICES="%s"\nOPTIONS="--owner nobody:kvm"\n' "$nic0" >/etc/default/vfio-bind

container=lab unshare --pid --mount --fork --mount-proc \
    /lib/systemd/systemd --system --unit="$unit" >/run/systemd.log 2>&1 &
outer=$!
check "systemd starts" wait_for 60 test -S /run/systemd/private
read -r systemd <"/proc/$outer/task/$outer/children" || : # the line has no newline
# property NAME
property() { nsenter -t "$systemd" -p -m systemctl show -P "$1" "$unit" 2>/dev/null; }
has_ended() { [[ $(property ActiveState) =~ ^(active|failed)$ ]]; }
# ends_as STATE STATUS
ends_as() {
    wait_for 60 has_ended || :
    [ "$(property ActiveState) $(property ExecMainStatus)" = "$1 $2" ] || { cat /run/output; return 1; }
}
restart() { nsenter -t "$systemd" -p -m systemctl restart "$unit" || :; }
is_on() { [ "$(driver_of "$1")" = "$2" ]; }

check "the unit succeeds" ends_as active 0
check_same "the device is bound to vfio-pci" vfio-pci "$(driver_of "$nic0")"
check "systemd rates its exposure 3.0 or better" \
    nsenter -t "$systemd" -p -m systemd-analyze security --no-pager --threshold=30 "$unit"
check_same "the group's node has the configured owner" \
    nobody:kvm "$(stat -c %U:%G "/dev/vfio/$(group_of "$nic0")")"
check "the device is logged" grep -q "^$nic0: bound to vfio-pci" /run/output

printf 'DEVICES="%s %s"\n' "$nvme0" "$nic0" >/etc/default/vfio-bind
restart
check "the unit fails with a disk in use" ends_as failed 3
check_same "the disk keeps its driver" nvme "$(driver_of "$nvme0")"
check "the disk is logged" grep -qE "$nvme0.*mounted" /run/output
check_same "the other device stays bound" vfio-pci "$(driver_of "$nic0")"

umount /run/disk
nsenter -t "$systemd" -m umount /run/disk
restart
check "the unit fails because it cannot see who uses the disk" ends_as failed 3
check "the reason is logged" grep -q "$nvme0.*processes that may have it open could not be inspected" /run/output
check "the sandbox permits reading the disk" grep -q "$nvme0.*/dev/nvme0n1 contains ext4" /run/output

printf 'DEVICES="%s %s"\n' "$nic1" "$nic0" >/etc/default/vfio-bind
: >/run/output
restart
check "the unit fails because it cannot see who uses the NIC" ends_as failed 3
check_same "the sandbox permits all other checks of a NIC" 1 "$(grep -c "^vfio-bind: .*: unknown: " /run/output)"
unbind "$nic1"
restart
check "the unit succeeds with an unused device" ends_as active 0
check_same "that device is bound to vfio-pci" vfio-pci "$(driver_of "$nic1")"

# The unit of the textfile collector finds a process of another user with its two capabilities.
textfile=pciprobe-textfile.service
mkdir -p /var/lib/prometheus/node-exporter
cp -- "$PCIPROBE" /run/pciprobe
sed "s|[^ ]*/pciprobe -f|/run/pciprobe -f|" "$BUILD_DIR/etc/prometheus/$textfile" >"/etc/systemd/system/$textfile"
node=/dev/vfio/$(group_of "$nic0")
chmod 666 "$node"
nsenter -t "$systemd" -p -m setpriv --reuid nobody --clear-groups bash -c "exec sleep 600 <>$node" &
sleeper=$!
holds() { nsenter -t "$systemd" -p -m sh -c "ls -l /proc/[0-9]*/fd/0" 2>/dev/null | grep -q " $node\$"; }
check "a process of another user holds a device" wait_for 60 holds
check "the textfile unit succeeds" nsenter -t "$systemd" -p -m systemctl start "$textfile"
check "it finds the holder" grep -qF "ownership_info{address=\"$nic0\",ownership=\"held\"}" \
    /var/lib/prometheus/node-exporter/pciprobe.prom
pkill -x sleep
wait "$sleeper" || :

nsenter -t "$systemd" -p -m systemctl stop "$unit"
check_same "the unit is stopped" inactive "$(property ActiveState)"
check_same "the devices stay bound" "vfio-pci vfio-pci" "$(driver_of "$nic0") $(driver_of "$nic1")"
check "the devices are released" "$BUILD_DIR/vfio-bind" release "$nic0" "$nic1"
check_same "they have no driver again" " " "$(driver_of "$nic0") $(driver_of "$nic1")"

# as after a boot with one more device: the disk now has the address of the device
"$BUILD_DIR/vfio-bind" config service "$nic0" >/etc/default/vfio-bind
port0=$(port_of "$nic0")
port1=$(port_of "$nvme0")
setpci -s "$port0" SECONDARY_BUS=40 SUBORDINATE_BUS=40
setpci -s "$port1" SECONDARY_BUS="${nic0:5:2}" SUBORDINATE_BUS="${nic0:5:2}"
echo 1 >"$devices/$port0/remove"
echo 1 >"$devices/$port1/remove"
echo 1 >/sys/bus/pci/rescan
moved=0000:40:00.0
check "the device has another address" wait_for 60 is_on "$moved" e1000e
unbind "$moved"
check "the disk has the former address" wait_for 60 is_on "$nic0" nvme
restart
check "the unit succeeds with the path" ends_as active 0
check_same "the device is bound at its new address" vfio-pci "$(driver_of "$moved")"
check_same "the disk keeps its driver" nvme "$(driver_of "$nic0")"

: >/run/output
printf 'DEVICES="%s=8086:10d3"\n' "$nic0" >/etc/default/vfio-bind
restart
check "the unit fails with the former address" ends_as failed 3
check "the other device is logged" \
    grep -q "$nic0 is 1b36:0010, expected 8086:10d3; 2 other devices are 8086:10d3" /run/output
check_same "the disk keeps its driver" nvme "$(driver_of "$nic0")"
