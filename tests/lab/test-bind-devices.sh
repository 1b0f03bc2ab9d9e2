#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# timeout: 300
#
# vfio-bind binds and releases devices, disks and virtual functions with a real kernel, refuses
# devices in use, and recovers from killed runs. Cross-checked with lspci, driverctl, sysfs and a
# QEMU VM.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e nvme
nic0=$(address_of nic0)
nic1=$(address_of nic1)
edu0=$(address_of edu0)
nvme0=$(address_of nvme0)
override_of() { attribute "$1" driver_override; }
# without overrides driverctl prints "Kernel too old?" and fails
overrides() { driverctl list-overrides 2>/dev/null || :; }
in_use() { lspci -ks "$1" | sed -n 's/.*driver in use: //p'; }
interface_of() { local path=("$devices/$1"/net/*); [ -e "${path[0]}" ] && echo "${path[0]##*/}"; }
has_interface() { [ -n "$(interface_of "$1")" ]; }
has_disk() { [ -b /dev/nvme0n1 ]; }
check "the disk appears" wait_for_disk has_disk

# bind and release one device
check "a dry run succeeds" exits 0 "$VFIO_BIND" bind -n "$nic0"
check_same "a dry run changes nothing" e1000e "$(driver_of "$nic0")"
check "a device is bound" exits 0 "$VFIO_BIND" bind "$nic0"
check_same "sysfs shows driver and override" \
    "vfio-pci vfio-pci" "$(driver_of "$nic0") $(override_of "$nic0")"
check_same "lspci shows the driver" vfio-pci "$(in_use "$nic0")"
check_same "driverctl shows the override" "$nic0 vfio-pci" "$(overrides)"
check "the group's node exists" test -c "/dev/vfio/$(group_of "$nic0")"
check "binding it again succeeds" exits 0 "$VFIO_BIND" bind "$nic0"
check "vfio-bind reports that it is already bound" grep -q "already bound to vfio-pci" /run/output

qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 -name guest=one-7 \
    -device "vfio-pci,host=$nic0" </dev/null &
vm=$!
held() { [ "$("$PCIPROBE" list --all -s "$nic0" -f raw --no-headings -o ownership)" = held ]; }
check "a VM starts with the device" wait_for 60 held
check "release is refused while the VM holds it" exits 3 "$VFIO_BIND" release "$nic0"
check "the holder is reported" grep -q "held by process $vm" /run/output
check "--allow held is not accepted" exits 2 "$VFIO_BIND" bind --allow held "$nic0"
check "status succeeds" exits 0 "$VFIO_BIND" status "$nic0"
check "status reports the VM's name" grep -q "one-7" /run/output
kill -9 "$vm"
wait "$vm" 2>/dev/null || :
check "nic0 is released after the VM has exited" exits 0 "$VFIO_BIND" release "$nic0"
check_same "nic0's driver and override are restored" \
    "e1000e (null)" "$(driver_of "$nic0") $(override_of "$nic0")"
check "nic0's interface is back" wait_for 60 has_interface "$nic0"
check_same "no override is left" "" "$(overrides)"

# devices in use by the host
eth0=$(interface_of "$nic0")
ip link set "$eth0" up
ip addr add 10.9.0.2/24 dev "$eth0"
ip route add default via 10.9.0.1 dev "$eth0"
check "a NIC that is up and has the default route is refused" exits 3 "$VFIO_BIND" bind "net:$eth0"
check "the interface state is given as reason" grep -q "net-up: $eth0 is up" /run/output
check "the default route is given as reason" \
    grep -q "default-route: the default route .* goes through $eth0" /run/output
check "a NIC with the caller's SSH connection is refused" \
    exits 3 env SSH_CONNECTION="192.0.2.1 5000 10.9.0.2 22" \
    "$VFIO_BIND" check --allow net-up,route,default-route "$nic0"
check "the SSH connection is given as reason" grep -q "ssh: your SSH connection (192.0.2.1" /run/output
check "nic0 is refused unless all checks are overridden" \
    exits 3 "$VFIO_BIND" bind --allow net-up,route "$nic0"
check "nic0's driver is unchanged" test "$(driver_of "$nic0")" = e1000e
check "nic0 is bound with all checks overridden" \
    exits 0 "$VFIO_BIND" bind --allow net-up,route,default-route "$nic0"
check "nic0 is released" exits 0 "$VFIO_BIND" release "$nic0"
check "nic0's interface is back again" wait_for 60 has_interface "$nic0"

mkfs.ext4 -q /dev/nvme0n1
mount /dev/nvme0n1 /mnt
check "a mounted disk is refused" exits 3 "$VFIO_BIND" bind block:nvme0n1
check "the mount is given as reason" grep -q "mounted: /dev/nvme0n1 is mounted on /mnt" /run/output
umount /mnt

# disks in use through a loop device, a file or another host, and disks with data
check "a disk with a file system is refused" exits 3 "$VFIO_BIND" bind "$nvme0"
check "the file system is given as reason" \
    grep -q "data: /dev/nvme0n1 contains ext4" /run/output
modprobe -a loop nvmet target_core_iblock
losetup /dev/loop0 /dev/nvme0n1
mount /dev/loop0 /mnt
dd if=/dev/zero of=/mnt/swap bs=1M count=2 status=none
chmod 600 /mnt/swap
mkswap -q /mnt/swap
swapon /mnt/swap
check "a disk below a mounted loop device is refused" exits 3 "$VFIO_BIND" bind "$nvme0"
for reason in "holders: loop0 is set up on /dev/nvme0n1" "mounted: /dev/loop0 is mounted on /mnt" \
    "swap: /mnt/swap is in use as swap"; do
    check "a reason is: $reason" grep -q "$reason" /run/output
done
swapoff /mnt/swap
umount /mnt
losetup -d /dev/loop0
unshare --mount sh -c 'mount /dev/nvme0n1 /mnt && exec sleep 1000' &
container=$!
mounted_in_container() { grep -q "/dev/nvme0n1" "/proc/$container/mountinfo"; }
check "a container mounts the disk" wait_for 60 mounted_in_container
check "a disk that a container uses is refused" exits 3 "$VFIO_BIND" bind "$nvme0"
check "the container's mount is given as reason" \
    grep -q "mounted: /dev/nvme0n1 is mounted on /mnt in the mount namespace of process $container" \
    /run/output
kill "$container"
wait "$container" 2>/dev/null || :
mount -t configfs none /sys/kernel/config 2>/dev/null || :
export=/sys/kernel/config/nvmet/subsystems/a/namespaces/1
mkdir "${export%/*/*}" "$export"
printf /dev/nvme0n1 >"$export/device_path"
echo 1 >"$export/enable"
check "an exported disk is refused" exits 3 "$VFIO_BIND" bind --allow data "$nvme0"
check "the export is given as reason" \
    grep -q "exported: nvmet exports /dev/nvme0n1 as a/namespaces/1" /run/output
echo 0 >"$export/enable"
rmdir "$export" "${export%/*/*}"
export=/sys/kernel/config/target/core/iblock_0/disk
mkdir "${export%/*}" "$export"
echo udev_path=/dev/nvme0n1 >"$export/control"
echo /dev/nvme0n1 >"$export/udev_path"
echo 1 >"$export/enable"
check "a disk that LIO exports is refused" exits 3 "$VFIO_BIND" bind --allow data "$nvme0"
check "LIO's export is given as reason" \
    grep -q "exported: LIO exports /dev/nvme0n1 as iblock_0/disk" /run/output
rmdir "$export" "${export%/*}"
monitor "block_set_io_throttle disk0 20000 0 0 0 0 0"
echo 1 >/proc/sys/vm/drop_caches
check "a disk that does not answer is refused" exits 3 "$VFIO_BIND" bind --timeout 2 "$nvme0"
check "that it does not answer is given as reason" \
    grep -q "unknown: /dev/nvme0n1 does not answer within 2 seconds" /run/output
monitor "block_set_io_throttle disk0 0 0 0 0 0 0"

# what blocks in the kernel: the disk answers no request from now on, except the first
monitor "block_set_io_throttle disk0 1 0 0 0 0 0"
echo 1 >/proc/sys/vm/drop_caches
dd if=/dev/nvme0n1 of=/dev/null bs=4096 count=1 iflag=direct status=none
blockdev --rereadpt /dev/nvme0n1 &
reader=$!
# exits_within SECONDS STATUS COMMAND...: like exits, for a program that no signal ends if it blocks.
exits_within() {
    local program status=0
    "${@:3}" >/run/output 2>&1 &
    program=$!
    wait_for "$1" not kill -0 "$program" 2>/dev/null || return
    wait "$program" || status=$?
    [ "$status" = "$2" ] || { cat /run/output >&2; echo "status $status" >&2; return 1; }
}
is_blocked() { local state; read -r _ _ state _ <"/proc/$reader/stat" && [ "$state" = D ]; }
check "reading the partition table blocks" wait_for 60 is_blocked
check "a disk that cannot be opened meanwhile is refused" \
    exits_within 20 3 "$VFIO_BIND" bind --timeout 2 "$nvme0"
check "that is given as reason" \
    grep -q "unknown: /dev/nvme0n1 does not answer within 2 seconds" /run/output
check "the partition table is still being read" is_blocked
monitor "block_set_io_throttle disk0 0 0 0 0 0 0"
check "it is read" wait "$reader"
monitor "block_set_io_throttle disk0 1 0 0 0 0 0"
echo 1 >/proc/sys/vm/drop_caches
dd if=/dev/nvme0n1 of=/dev/null bs=4096 count=1 iflag=direct status=none
is_stuck() { grep -qslx with-stuck-envi /proc/[0-9]*/comm; }
check "a NIC is refused if the caller's environment and command line cannot be read" \
    exits_within 60 3 "$LAB_DIR/with-stuck-environment" /dev/nvme0n1 "$VFIO_BIND" bind "$nic0"
check "that the SSH connection is not known is given as reason" \
    grep -q "unknown: cannot determine your SSH connection: Connection timed out" /run/output
check "they still cannot be read" is_stuck
monitor "block_set_io_throttle disk0 0 0 0 0 0 0"
check "they can be read again" wait_for 60 not is_stuck
check "a disk with data is bound if that is allowed" exits 0 "$VFIO_BIND" bind --allow data "$nvme0"
check "the disk with data is released" exits 0 "$VFIO_BIND" release "$nvme0"
check "the disk with data is back" wait_for_disk has_disk

mkswap -q /dev/nvme0n1
swapon /dev/nvme0n1
check "a disk with swap is refused" exits 3 "$VFIO_BIND" bind "$nvme0"
check "swap is given as reason" grep -q "swap: /dev/nvme0n1 is in use as swap" /run/output
swapoff /dev/nvme0n1
exec {disk}</dev/nvme0n1
check "an open disk is refused" exits 3 "$VFIO_BIND" bind "$nvme0"
check "the open file is given as reason" \
    grep -q "open: process $$ .* has /dev/nvme0n1 open" /run/output
exec {disk}<&- {disk}</dev/ng0n1
check "a disk with an open character device is refused" exits 3 "$VFIO_BIND" bind "$nvme0"
check "the open file is given as reason" \
    grep -q "open: process $$ .* has /dev/ng0n1 open" /run/output
exec {disk}<&-

# refuses_with TEXT REASON...: bind refuses the disk for these reasons.
refuses_with() {
    local reason
    check "$1 is refused" exits 3 "$VFIO_BIND" bind "$nvme0"
    for reason in "${@:2}"; do
        check "a reason is: $reason" grep -q "$reason" /run/output
    done
}
wipefs -qa /dev/nvme0n1
modprobe bcache
truncate -s 16M /dev/shm/cached
losetup /dev/loop0 /dev/shm/cached
make-bcache --bucket 64k --cache /dev/nvme0n1 --bdev /dev/loop0 >/dev/null
echo /dev/nvme0n1 >/sys/fs/bcache/register
echo /dev/loop0 >/sys/fs/bcache/register
is_cached() { [ -e /sys/block/bcache0 ] && [ -e /sys/block/nvme0n1/bcache/set/bdev0 ]; }
check "a device is cached on the disk" wait_for 60 is_cached
mkfs.ext4 -q /dev/bcache0
mount /dev/bcache0 /mnt
refuses_with "a disk with the cache of a mounted device" \
    "holders: nvme0n1 is a cache of bcache" "mounted: /dev/bcache0 is mounted on /mnt"
umount /mnt
echo 1 | tee /sys/block/bcache0/bcache/stop /sys/fs/bcache/*-*/stop >/dev/null
check "bcache releases the disk" wait_for 60 test ! -e /sys/block/nvme0n1/bcache
losetup -d /dev/loop0
wipefs -qa /dev/nvme0n1
modprobe drbd
check "the disk gets DRBD's metadata" \
    exits 0 drbdmeta --force 0 v08 /dev/nvme0n1 internal create-md
drbdsetup new-resource r0
drbdsetup new-minor r0 0 0
drbdsetup attach 0 /dev/nvme0n1 /dev/nvme0n1 internal
drbdsetup primary 0 --force
mkfs.ext4 -q /dev/drbd0
mount /dev/drbd0 /mnt
refuses_with "a disk below a mounted DRBD device" \
    "holders: nvme0n1 is part of drbd0" "mounted: /dev/drbd0 is mounted on /mnt"
umount /mnt
drbdsetup down r0
drbdmeta --force 0 v08 /dev/nvme0n1 internal wipe-md >/dev/null
wipefs -qa /dev/nvme0n1
check "an unused disk is bound" exits 0 "$VFIO_BIND" bind "$nvme0"
check "the disk is released" exits 0 "$VFIO_BIND" release "$nvme0"
check "the block device is back" wait_for_disk has_disk

# virtual functions
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
check "virtual functions are enabled" exits 0 "$VFIO_BIND" vfs "$nvme0" 2
check_same "sysfs shows their number" 2 "$(attribute "$nvme0" sriov_numvfs)"
function0=$(link_name "$devices/$nvme0/virtfn0")
check "a virtual function is bound" exits 0 "$VFIO_BIND" bind "$function0"
check_same "lspci shows its driver" vfio-pci "$(in_use "$function0")"
check "the physical function is refused" exits 3 "$VFIO_BIND" bind "$nvme0"
check "their number is not changed while one is bound to vfio-pci" exits 3 "$VFIO_BIND" vfs "$nvme0" 4
check "the reason is reported" grep -q "$function0: vf-settings: bound to vfio-pci" /run/output
check "the number of virtual functions is changed" \
    exits 0 "$VFIO_BIND" vfs --allow vf-settings "$nvme0" 4
check_same "sysfs shows the new number" 4 "$(attribute "$nvme0" sriov_numvfs)"
check "a new virtual function is bound" exits 0 "$VFIO_BIND" bind "$function0"
check "a virtual function is released" exits 0 "$VFIO_BIND" release "$function0"
check_same "the virtual function has no driver and no override" \
    " (null)" "$(driver_of "$function0") $(override_of "$function0")"
check "too many virtual functions are refused" exits 2 "$VFIO_BIND" vfs "$nvme0" 5
check "virtual functions are disabled" exits 0 "$VFIO_BIND" vfs "$nvme0" 0
check "their devices are gone" test ! -e "$devices/$function0"

# virtual functions of a physical function that is bound to vfio-pci vanish when it is released
echo Y >/sys/module/vfio_pci/parameters/enable_sriov
check "the physical function is bound" exits 0 "$VFIO_BIND" bind "$nvme0"
check "it gets a virtual function" exits 0 "$VFIO_BIND" vfs "$nvme0" 1
check_same "the kernel binds that to vfio-pci, too" vfio-pci "$(driver_of "$function0")"
check "bind has nothing to do for it" exits 0 "$VFIO_BIND" bind "$function0"
check "a required VF token is reported" \
    grep -q "vf-token: its PF $nvme0 is bound to vfio-pci: .*host=$function0,vf-token=UUID" /run/output
check "a VM without the token does not start" exits 1 timeout 20 qemu-system-x86_64 -accel tcg -S \
    -m 64 -nodefaults -display none -machine q35 -device "vfio-pci,host=$function0"
check "release of the physical function is refused" exits 3 "$VFIO_BIND" release "$nvme0"
check "its virtual function is given as reason" \
    grep -q "vfs: virtual functions are enabled: 1" /run/output
exec {group}<>"/dev/vfio/$(group_of "$function0")"
check "release is refused while the virtual function is held" exits 3 "$VFIO_BIND" release "$nvme0"
check "the holder is reported" grep -q "held: $function0 is held by process $$" /run/output
check "disabling it is refused as well" exits 3 "$VFIO_BIND" vfs "$nvme0" 0
exec {group}>&-
check "it is disabled" exits 0 "$VFIO_BIND" vfs --allow vf-settings "$nvme0" 0
check "the physical function is released" exits 0 "$VFIO_BIND" release "$nvme0"
check "its block device is back" wait_for_disk has_disk

# permissions
check "bind without privileges fails" \
    exits 77 setpriv --reuid=65534 --clear-groups "$VFIO_BIND" bind "$nic1"
check_same "the driver is unchanged" e1000e "$(driver_of "$nic1")"

# killed at any time: changes are completed or rolled back, and no device is lost
orderly() {
    case "$(driver_of "$1") $(override_of "$1")" in
    "$2 (null)" | "vfio-pci vfio-pci") return 0 ;;
    *) echo "$1: $(driver_of "$1") $(override_of "$1")" >&2; return 1 ;;
    esac
}
for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
    for subcommand in bind release; do
        "$VFIO_BIND" $subcommand -q "$nic0" "$nic1" "$edu0" 2>/dev/null &
        victim=$!
        printf -v moment '0.%03d' $((RANDOM % 400))
        pause "$moment"
        kill -9 "$victim" 2>/dev/null || :
        wait "$victim" 2>/dev/null || :
        check "recover succeeds ($subcommand, $round, $moment s)" exits 0 "$VFIO_BIND" recover
        if ! { orderly "$nic0" e1000e && orderly "$nic1" e1000e && orderly "$edu0" ''; }; then
            fail "inconsistent state after $subcommand"
        fi
    done
done
check "all devices are released" exits 0 "$VFIO_BIND" release "$nic0" "$nic1" "$edu0"
check_same "their drivers are restored" \
    "e1000e e1000e " "$(driver_of "$nic0") $(driver_of "$nic1") $(driver_of "$edu0")"
check_same "no override is left" "" "$(overrides)"

# concurrent runs
"$VFIO_BIND" bind -q "$nic0" "$nic1" &
first=$!
"$VFIO_BIND" bind -q "$nic1" "$nic0" &
second=$!
check "the first of two concurrent runs succeeds" wait "$first"
check "the second one succeeds" wait "$second"
check_same "both devices are bound" "vfio-pci vfio-pci" "$(driver_of "$nic0") $(driver_of "$nic1")"

# host drivers that were unloaded, and devices that another program has moved
modprobe -r e1000e
check "both devices are released" exits 0 "$VFIO_BIND" release "$nic0" "$nic1"
check_same "their driver was loaded again" "e1000e e1000e" "$(driver_of "$nic0") $(driver_of "$nic1")"
check "nic0 is bound" exits 0 "$VFIO_BIND" bind "$nic0"
rm /run/vfio-bind/journal
modprobe -r e1000e
check "nic0 is released without a journal" exits 0 "$VFIO_BIND" release "$nic0"
check_same "its driver was found by its modalias" e1000e "$(driver_of "$nic0")"
check "nic0 is bound again" exits 0 "$VFIO_BIND" bind "$nic0"
modprobe pci-stub
echo pci-stub >"$devices/$nic0/driver_override"
unbind_driver "$nic0"
echo "$nic0" >/sys/bus/pci/drivers/pci-stub/bind
check "a device that was moved is released" exits 0 "$VFIO_BIND" release "$nic0"
check "the move is reported" grep -q "another program has changed" /run/output
check_same "the kernel chose its driver" e1000e "$(driver_of "$nic0")"
check "nic0 is unplugged" unplug nic0
check "a USB controller is plugged" plug qemu-xhci,id=usb0,bus=port0
modprobe xhci_pci
check_same "its driver has another name than its module" xhci_hcd "$(driver_of "$nic0")"
check "it is bound to vfio-pci" exits 0 "$VFIO_BIND" bind "$nic0"
check "its former driver is reported" grep -qx "$nic0: bound to vfio-pci (was xhci_hcd)" /run/output
modprobe -r xhci_pci
check "it is released" exits 0 "$VFIO_BIND" release "$nic0"
check_same "its driver was loaded again" xhci_hcd "$(driver_of "$nic0")"
check "it is unplugged" unplug usb0
check "nic0 is plugged again" plug e1000e,id=nic0,bus=port0,romfile=

# apply at boot, and bind without a subcommand
mkdir -p /etc/default
echo "DEVICES=\"$nic0 0000:77:00.0 $nvme0\"" >/etc/default/vfio-bind
check "apply reports an absent device" exits 4 "$VFIO_BIND" apply
check_same "the other devices are bound" \
    "vfio-pci vfio-pci" "$(driver_of "$nic0") $(driver_of "$nvme0")"
check "bind without a subcommand succeeds" exits 0 "$VFIO_BIND" "$nic0" "$nic1"
check_same "the device is bound" vfio-pci "$(driver_of "$nic1")"
