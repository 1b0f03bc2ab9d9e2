#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
#
# The unit under a real systemd, which is the first process of a namespace of its own here: it binds at boot what the file names, a
# device in use costs only itself, and stopping it takes no device from anybody. So its hardening leaves it all that it needs.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
nic0=$(address_of nic0)
nic1=$(address_of nic1)
nvme0=$(address_of nvme0)
unit=vfio-bind.service

modprobe -a e1000e nvme
check "the disk comes" wait_for 20 test -b /dev/nvme0n1
mkfs.ext4 -q /dev/nvme0n1
mkdir -p /run/disk
mount /dev/nvme0n1 /run/disk

sed "s|^ExecStart=[^ ]*|ExecStart=$BUILD_DIR/vfio-bind|" "$BUILD_DIR/etc/systemd/$unit" >"/etc/systemd/system/$unit"
mkdir "/etc/systemd/system/$unit.d"
printf '[Service]\nStandardOutput=append:/run/said\nStandardError=append:/run/said\n' >"/etc/systemd/system/$unit.d/said.conf"
printf 'DEVICES="%s"\nOPTIONS="--owner nobody:kvm"\n' "$nic0" >/etc/default/vfio-bind

container=lab unshare --pid --mount --fork --mount-proc /lib/systemd/systemd --system --unit="$unit" >/run/systemd.log 2>&1 &
outer=$!
check "systemd begins" wait_for 60 test -S /run/systemd/private
read -r systemd <"/proc/$outer/task/$outer/children" || : # no newline is behind it
# property NAME
property() { nsenter -t "$systemd" -p -m systemctl show -P "$1" "$unit" 2>/dev/null; }
has_ended() { [[ $(property ActiveState) =~ ^(active|failed)$ ]]; }
# ends_as STATE STATUS
ends_as() {
    wait_for 60 has_ended || :
    [ "$(property ActiveState) $(property ExecMainStatus)" = "$1 $2" ] || { cat /run/said; return 1; }
}
restart() { nsenter -t "$systemd" -p -m systemctl restart "$unit" || :; }
is_on() { [ "$(driver_of "$1")" = "$2" ]; }

check "the unit is done" ends_as active 0
check_same "the device is on VFIO" vfio-pci "$(driver_of "$nic0")"
check_same "its node is whose it shall be" nobody:kvm "$(stat -c %U:%G "/dev/vfio/$(group_of "$nic0")")"
check "which was told" grep -q "^$nic0: bound to vfio-pci" /run/said

printf 'DEVICES="%s %s"\n' "$nvme0" "$nic0" >/etc/default/vfio-bind
restart
check "a disk in use is refused" ends_as failed 3
check_same "it stays where it is" nvme "$(driver_of "$nvme0")"
check "and is named" grep -qE "$nvme0.*mounted" /run/said
check_same "the other device too" vfio-pci "$(driver_of "$nic0")"

umount /run/disk
nsenter -t "$systemd" -m umount /run/disk
restart
check "from inside a PID namespace it is unknown who has the disk open" ends_as failed 3
check "which is said" grep -q "$nvme0.*processes could not be inspected" /run/said

printf 'DEVICES="%s %s"\n' "$nic1" "$nic0" >/etc/default/vfio-bind
restart
check "a device that is not in use goes too" ends_as active 0
check_same "to VFIO" vfio-pci "$(driver_of "$nic1")"

nsenter -t "$systemd" -p -m systemctl stop "$unit"
check_same "the unit is stopped" inactive "$(property ActiveState)"
check_same "no device was taken" "vfio-pci vfio-pci" "$(driver_of "$nic0") $(driver_of "$nic1")"
check "what there was before is still known" "$BUILD_DIR/vfio-bind" release "$nic0" "$nic1"
check_same "and comes back" "e1000e e1000e" "$(driver_of "$nic0") $(driver_of "$nic1")"
