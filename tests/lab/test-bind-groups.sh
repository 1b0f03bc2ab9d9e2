#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group bridge framebuffer
#
# vfio-bind with devices that share a group, bridges, and the boot display.

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

check_same "both devices are bound to their host driver" \
    "e1000 e1000 " "$(drivers "$pair0" "$pair1")"
check "a device is refused while its peer has a host driver" exits 3 "$VFIO_BIND" bind "$pair0"
check "the peer is reported" \
    grep -q "group: $pair1 in the same IOMMU group .* is bound to e1000" /run/output
check "the whole group is bound" exits 0 "$VFIO_BIND" bind --group "$pair0"
check_same "both devices are bound to vfio-pci" "vfio-pci vfio-pci " "$(drivers "$pair0" "$pair1")"

qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 \
    -device "vfio-pci,host=$pair1" </dev/null &
vm=$!
held() { [ "$("$PCIPROBE" list --all -s "$pair1" -f raw --no-headings -o ownership)" = held ]; }
check "a VM starts with one device of the group" wait_for 60 held
check "release of its peer is refused" exits 3 "$VFIO_BIND" release "$pair0"
kill -9 "$vm"
wait "$vm" 2>/dev/null || :
check "both devices are released" exits 0 "$VFIO_BIND" release "$pair0" "$pair1"
check_same "their host drivers are restored" "e1000 e1000 " "$(drivers "$pair0" "$pair1")"

# a peer without a driver
echo "$pair1" >"$devices/$pair1/driver/unbind"
check "a device whose peer has no driver is bound" exits 0 "$VFIO_BIND" bind "$pair0"
check_same "the peer still has no driver" "vfio-pci  " "$(drivers "$pair0" "$pair1")"
check "the device is released" exits 0 "$VFIO_BIND" release "$pair0"

check "a bridge is refused" exits 3 "$VFIO_BIND" bind "$bridge0"
check "the reason is reported" grep -q "bridge: device is a bridge" /run/output
check "the group behind the bridge is bound" exits 0 "$VFIO_BIND" bind --group "$child0"
check_same "both devices are bound to vfio-pci" \
    "vfio-pci vfio-pci" "$(driver_of "$child0") $(driver_of "$child1")"
check "the group is released" exits 0 "$VFIO_BIND" release --group "$child1"
check_same "each device has its previous driver" \
    "e1000 " "$(driver_of "$child0") $(driver_of "$child1")"

# the boot display is in use by the firmware's framebuffer also without a driver
check_same "the boot display has no driver" "" "$(driver_of "$vga0")"
check "it is refused" exits 3 "$VFIO_BIND" bind "$vga0"
check "that it is the boot display is given as reason" \
    grep -q "boot-vga: boot_vga is 1" /run/output
check "the framebuffer is given as reason" \
    grep -q "boot-vga: it has the firmware's framebuffer (" /run/output
check "a second display is bound" exits 0 "$VFIO_BIND" bind --group "$vga1"
