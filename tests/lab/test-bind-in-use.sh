#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: peripherals virtiofs
# outside: share-folder
#
# vfio-bind refuses devices that the host uses by what is below them: an armed watchdog, serial ports,
# a kernel console, a USB NIC, USB disks, and shared folders.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a i6300esb xhci-pci usb-storage sd_mod sg cdc_ether ftdi_sio virtio_console vfio-pci
watchdog0=$(address_of watchdog0)
serial0=$(address_of serial0)
console0=$(address_of console0)
usb0=$(address_of usb0)
reports() { grep -q -- "$1" /run/output; }

# watchdog
exec {watchdog}>/dev/watchdog
check "an armed watchdog is refused" exits 3 "$VFIO_BIND" bind "$watchdog0"
check "its program is reported" reports "watchdog: process $$ .* has /dev/watchdog open"
check "it cannot be overridden" exits 2 "$VFIO_BIND" bind --allow watchdog "$watchdog0"
exec {watchdog}>&-
check "a watchdog that is still armed is refused" exits 3 "$VFIO_BIND" bind "$watchdog0"
check "it is reported" reports "watchdog: watchdog0 is armed"
printf V >/dev/watchdog0 # disarms it, see Documentation/watchdog/watchdog-api.rst
check "a disarmed watchdog is bound" exits 0 "$VFIO_BIND" bind "$watchdog0"

# serial ports
check "a kernel console is refused" exits 3 "$VFIO_BIND" bind "$serial0"
check "it is reported" reports "console: the kernel console is on ttyS5"
echo N >/sys/class/tty/ttyS5/console
exec {port}<>/dev/ttyS4
check "an open serial port is refused" exits 3 "$VFIO_BIND" bind "$serial0"
check "its program is reported" reports "open: process $$ .* has /dev/ttyS4 open"
exec {port}>&-
check "a serial device without a console is bound" exits 0 "$VFIO_BIND" bind "$serial0"

exec {port}<>/dev/hvc0
check "an open virtio console is refused" exits 3 "$VFIO_BIND" bind "$console0"
check "its program is reported" reports "open: process $$ .* has /dev/hvc0 open"
exec {port}>&-
check "a virtio console that is closed could be bound" exits 0 "$VFIO_BIND" check "$console0"

# USB
find_nic() { nic=$(cd /sys/class/net && echo [!l]*) && [ -e "/sys/class/net/$nic" ]; }
check "the USB NIC appears" wait_for 60 find_nic
check "the USB disk appears" wait_for 60 test -b /dev/sda
check "the USB serial port appears" wait_for 60 test -c /dev/ttyUSB0
check "the disk has a character device" wait_for 60 test -c /dev/sg0
check "a USB controller of idle devices could be bound" exits 0 "$VFIO_BIND" check "$usb0"
usb_devices=(/dev/bus/usb/*/002)
exec {usb}<"${usb_devices[0]}" {disk}</dev/sda {generic}<>/dev/sg0 {port}<>/dev/ttyUSB0
check "a USB controller of open devices is refused" exits 3 "$VFIO_BIND" bind "$usb0"
check "the USB device is reported" reports "open: process $$ .* has ${usb_devices[0]} open"
check "the disk is reported" reports "open: process $$ .* has /dev/sda open"
check "its character device is reported" reports "open: process $$ .* has /dev/sg0 open"
check "the serial port is reported" reports "open: process $$ .* has /dev/ttyUSB0 open"
exec {usb}<&- {disk}<&- {generic}>&- {port}>&-
mkswap -q /dev/sda
check "a USB controller of a disk with data is refused" exits 3 "$VFIO_BIND" bind "$usb0"
check "the data is reported" reports "data: /dev/sda contains swap"

ip link set "$nic" up
ip addr add 10.9.0.2/24 dev "$nic"
ip route add default via 10.9.0.1 dev "$nic"
check "a USB controller of a NIC in use is refused" exits 3 \
    env SSH_CONNECTION="192.0.2.1 5000 10.9.0.2 22" "$VFIO_BIND" bind "$usb0"
check "the NIC's state is reported" reports "net-up: $nic is up"
check "the default route is reported" reports "default-route: "
check "the SSH connection is reported" reports "ssh: your SSH connection (192.0.2.1"

# shared folders
share=0000:00:1d.0
check "a device with a mounted folder is refused" exits 3 "$VFIO_BIND" bind "$share"
check "the mount is reported" reports "mounted: share is mounted on /run/lab"

daemon_is_ready() { [ -e "$LAB_SHARE/virtiofs" ] || [ -e "$LAB_SHARE/no-virtiofsd" ]; }
check "virtiofsd is ready or cannot run" wait_for 60 daemon_is_ready
if [ -e "$LAB_SHARE/no-virtiofsd" ]; then
    echo "# no virtiofsd, or no root: the mount of a virtiofs device is not tested"
    exit 0
fi
modprobe virtiofs
monitor "chardev-add socket,id=folder0,path=share/virtiofs"
check "a virtiofs device is plugged" plug vhost-user-fs-pci,chardev=folder0,tag=folder,id=folder,bus=port4
folder=$(address_of folder)
mount -t virtiofs folder /mnt
check "a virtiofs device with a mounted folder is refused" exits 3 "$VFIO_BIND" bind "$folder"
check "the mount is reported" reports "mounted: folder is mounted on /mnt"
umount /mnt
check "without the mount it could be bound" exits 0 "$VFIO_BIND" check "$folder"
