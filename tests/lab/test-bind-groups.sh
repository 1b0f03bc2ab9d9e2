#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group bridge display
#
# Devices that belong together, bridges, and the screen of the host.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000 vfio-pci
pair0=$(address_of pair0)
pair1=$(address_of pair1)
bridge0=$(address_of bridge0)
child0=$(address_of child0)
child1=$(address_of child1)
vga0=$(address_of vga0)
vga1=$(address_of vga1)
drivers() { local device; for device; do printf '%s ' "$(driver_of "$device")"; done; }

check_same "both are with their driver" "e1000 e1000 " "$(drivers "$pair0" "$pair1")"
check "one of two is refused" ends 3 "$VFIO_BIND" bind "$pair0"
check "the other is named" grep -q "group: $pair1 in the same IOMMU group .* is bound to e1000" /run/said
check "the group as a whole is bound" ends 0 "$VFIO_BIND" bind --group "$pair0"
check_same "both are" "vfio-pci vfio-pci " "$(drivers "$pair0" "$pair1")"

qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 -device "vfio-pci,host=$pair1" </dev/null &
vm=$!
held() { [ "$("$PCIPROBE" list --all -s "$pair1" -f raw --no-headings -o ownership)" = held ]; }
check "the group is viable: a VM gets one of it" wait_for 30 held
check "the other, of its group, stays" ends 3 "$VFIO_BIND" release "$pair0"
kill -9 "$vm"
wait "$vm" 2>/dev/null || :
check "both are given back" ends 0 "$VFIO_BIND" release "$pair0" "$pair1"
check_same "to their driver" "e1000 e1000 " "$(drivers "$pair0" "$pair1")"

# the kernel's own refusal, of a driver that must not have the device, is told and undone
echo "$pair1" >"$devices/$pair1/driver/unbind"
check "a peer without a driver is no hindrance" ends 0 "$VFIO_BIND" bind "$pair0"
check_same "and stays without" "vfio-pci  " "$(drivers "$pair0" "$pair1")"
check "it is given back" ends 0 "$VFIO_BIND" release "$pair0"

check "a bridge is refused" ends 3 "$VFIO_BIND" bind "$bridge0"
check "as such" grep -q "bridge: device is a bridge" /run/said
check "what is behind it is one group, the bridge not counted" ends 0 "$VFIO_BIND" bind --group "$child0"
check_same "both are bound, the bridge isn't" "vfio-pci vfio-pci" "$(driver_of "$child0") $(driver_of "$child1")"
check "they are given back" ends 0 "$VFIO_BIND" release --group "$child1"
check_same "each to what it had" "e1000 " "$(driver_of "$child0") $(driver_of "$child1")"

# the firmware's screen has a driver: else there is nothing to lose
modprobe -q bochs || :
if [ -n "$(driver_of "$vga0")" ]; then
    check "the host's own screen is refused" ends 3 "$VFIO_BIND" bind "$vga0"
    check "as such" grep -q "boot-vga: boot_vga is 1" /run/said
fi
check "another screen isn't" ends 0 "$VFIO_BIND" bind --group "$vga1"
