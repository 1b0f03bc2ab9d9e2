#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# timeout: 300
#
# Devices, disks and virtual functions handed to VFIO and given back, with a real kernel; what must not be taken; runs that are killed.
# Second opinions: lspci, driverctl, /sys by hand, and a QEMU that gets the device.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e nvme
nic0=$(address_of nic0)
nic1=$(address_of nic1)
edu0=$(address_of edu0)
nvme0=$(address_of nvme0)
override_of() { attribute "$1" driver_override; }
# where there is none driverctl says "Kernel too old?" and fails
overrides() { driverctl list-overrides 2>/dev/null || :; }
in_use() { lspci -ks "$1" | sed -n 's/.*driver in use: //p'; }
interface_of() { local path=("$devices/$1"/net/*); [ -e "${path[0]}" ] && echo "${path[0]##*/}"; }
has_interface() { [ -n "$(interface_of "$1")" ]; }
has_disk() { [ -b /dev/nvme0n1 ]; }
check "the disk appears" wait_for 10 has_disk

# one device, there and back
check "what would be done is shown" ends 0 "$VFIO_BIND" bind -n "$nic0"
check_same "and isn't done" e1000e "$(driver_of "$nic0")"
check "a device is bound" ends 0 "$VFIO_BIND" bind "$nic0"
check_same "the kernel says so" "vfio-pci vfio-pci" "$(driver_of "$nic0") $(override_of "$nic0")"
check_same "so does lspci" vfio-pci "$(in_use "$nic0")"
check_same "so does driverctl" "$nic0 vfio-pci" "$(overrides)"
check "its node is there" test -c "/dev/vfio/$(group_of "$nic0")"
check "once more changes nothing" ends 0 "$VFIO_BIND" bind "$nic0"
check "it is said so" grep -q "already bound to vfio-pci" /run/said

qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 -name guest=one-7 \
    -device "vfio-pci,host=$nic0" </dev/null &
vm=$!
held() { [ "$("$PCIPROBE" list --all -s "$nic0" -f raw --no-headings -o ownership)" = held ]; }
check "a VM starts with it" wait_for 30 held
check "what the VM has isn't taken from it" ends 3 "$VFIO_BIND" release "$nic0"
check "who has it is told" grep -q "held by process $vm" /run/said
check "not with any permission" ends 2 "$VFIO_BIND" bind --allow held "$nic0"
check "status tells it too" ends 0 "$VFIO_BIND" status "$nic0"
check "with the VM's name" grep -q "one-7" /run/said
kill -9 "$vm"
wait "$vm" 2>/dev/null || :
check "it is given back" ends 0 "$VFIO_BIND" release "$nic0"
check_same "to the driver it had" "e1000e (null)" "$(driver_of "$nic0") $(override_of "$nic0")"
check "which makes it work again" wait_for 10 has_interface "$nic0"
check_same "nothing is left behind" "" "$(overrides)"

# what the host lives by
eth0=$(interface_of "$nic0")
ip link set "$eth0" up
ip addr add 10.9.0.2/24 dev "$eth0"
ip route add default via 10.9.0.1 dev "$eth0"
check "a NIC that is up, with the default route, is refused" ends 3 "$VFIO_BIND" bind "net:$eth0"
check "because it is up" grep -q "net-up: $eth0 is up" /run/said
check "because of the route" grep -q "default-route: the default route .* goes through $eth0" /run/said
check "one with the connection of who asks is as well" \
    ends 3 env SSH_CONNECTION="192.0.2.1 5000 10.9.0.2 22" "$VFIO_BIND" check --allow net-up,route,default-route "$nic0"
check "because of that" grep -q "ssh: the answers to 192.0.2.1" /run/said
check "one thing allowed isn't all" ends 3 "$VFIO_BIND" bind --allow net-up,route "$nic0"
check "it has its driver still" test "$(driver_of "$nic0")" = e1000e
check "who means it can have it" ends 0 "$VFIO_BIND" bind --allow net-up,route,default-route "$nic0"
check "it is given back" ends 0 "$VFIO_BIND" release "$nic0"
check "with its driver" wait_for 10 has_interface "$nic0"

mkfs.ext4 -q /dev/nvme0n1
mount /dev/nvme0n1 /mnt
check "a mounted disk is refused" ends 3 "$VFIO_BIND" bind block:nvme0n1
check "because it is mounted" grep -q "mounted: /dev/nvme0n1 is mounted on /mnt" /run/said
umount /mnt
mkswap -q /dev/nvme0n1
swapon /dev/nvme0n1
check "one with swap is refused" ends 3 "$VFIO_BIND" bind "$nvme0"
check "because of the swap" grep -q "swap: /dev/nvme0n1 is in use as swap" /run/said
swapoff /dev/nvme0n1
exec {disk}</dev/nvme0n1
check "one that is open is refused" ends 3 "$VFIO_BIND" bind "$nvme0"
check "because it is open" grep -q "open: process $$ .* has /dev/nvme0n1 open" /run/said
exec {disk}<&-
check "one that nobody uses is bound" ends 0 "$VFIO_BIND" bind "$nvme0"
check "and given back" ends 0 "$VFIO_BIND" release "$nvme0"
check "with the disk" wait_for 10 has_disk

# virtual functions
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
check "they are made" ends 0 "$VFIO_BIND" vfs "$nvme0" 2
check_same "as many" 2 "$(attribute "$nvme0" sriov_numvfs)"
function0=$(link_name "$devices/$nvme0/virtfn0")
check "one is bound" ends 0 "$VFIO_BIND" bind "$function0"
check_same "lspci sees it" vfio-pci "$(in_use "$function0")"
check "the physical one is refused" ends 3 "$VFIO_BIND" bind "$nvme0"
check "another number is set" ends 0 "$VFIO_BIND" vfs "$nvme0" 4
check_same "it is that many" 4 "$(attribute "$nvme0" sriov_numvfs)"
check "one is bound" ends 0 "$VFIO_BIND" bind "$function0"
check "and given back, to none" ends 0 "$VFIO_BIND" release "$function0"
check_same "as before" " (null)" "$(driver_of "$function0") $(override_of "$function0")"
check "too many are refused" ends 2 "$VFIO_BIND" vfs "$nvme0" 5
check "they are taken away" ends 0 "$VFIO_BIND" vfs "$nvme0" 0
check "and are gone" test ! -e "$devices/$function0"

# who may not
check "nobody may not" ends 77 setpriv --reuid=65534 --clear-groups "$VFIO_BIND" bind "$nic1"
check_same "and has not" e1000e "$(driver_of "$nic1")"

# killed at any moment: what was begun is undone or done, and no device lost
orderly() {
    case "$(driver_of "$1") $(override_of "$1")" in
    "$2 (null)" | "vfio-pci vfio-pci") return 0 ;;
    *) echo "$1: $(driver_of "$1") $(override_of "$1")" >&2; return 1 ;;
    esac
}
for round in 1 2 3 4 5 6 7 8 9 10 11 12; do
    for verb in bind release; do
        "$VFIO_BIND" $verb -q "$nic0" "$nic1" "$edu0" 2>/dev/null &
        victim=$!
        printf -v moment '0.%03d' $((RANDOM % 400))
        pause "$moment"
        kill -9 "$victim" 2>/dev/null || :
        wait "$victim" 2>/dev/null || :
        check "recovered ($verb, $round, $moment s)" ends 0 "$VFIO_BIND" recover
        if ! { orderly "$nic0" e1000e && orderly "$nic1" e1000e && orderly "$edu0" ''; }; then
            fail "not in order after $verb"
        fi
    done
done
check "all are given back" ends 0 "$VFIO_BIND" release "$nic0" "$nic1" "$edu0"
check_same "with their drivers" "e1000e e1000e " "$(driver_of "$nic0") $(driver_of "$nic1") $(driver_of "$edu0")"
check_same "nothing is left behind" "" "$(overrides)"

# two at once
"$VFIO_BIND" bind -q "$nic0" "$nic1" &
first=$!
"$VFIO_BIND" bind -q "$nic1" "$nic0" &
second=$!
check "of two at once the one is told success" wait "$first"
check "and the other" wait "$second"
check_same "both devices are bound" "vfio-pci vfio-pci" "$(driver_of "$nic0") $(driver_of "$nic1")"

# at boot, and as the script that this takes the place of
check "they are given back" ends 0 "$VFIO_BIND" release "$nic0" "$nic1"
mkdir -p /etc/default
echo "DEVICES=\"$nic0 0000:77:00.0 $nvme0\"" >/etc/default/vfio-bind
check "at boot one that isn't there is told" ends 4 "$VFIO_BIND" apply
check_same "and costs no other" "vfio-pci vfio-pci" "$(driver_of "$nic0") $(driver_of "$nvme0")"
check "the script's way" ends 0 "$VFIO_BIND" "$nic0" "$nic1"
check_same "binds as well" vfio-pci "$(driver_of "$nic1")"
