#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
#
# vfio-bind check says of a host that can give devices away what can be seen by hand, and the files that vfio-bind config prints do
# what they are for when udev and modprobe read them.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
vfio_bind=$BUILD_DIR/vfio-bind
nic0=$(address_of nic0)
nic1=$(address_of nic1)
nvme0=$(address_of nvme0)

# found NAME: the line that check has of it, without the name.
found() { "$vfio_bind" check 2>/run/said | sed -n "s|^\\([A-Z]*\\) *$1  *|\\1 |p"; }

# ---- check ----
"$vfio_bind" check >/run/found || fail "check ends with $?"
check "nothing is wrong" not grep -qE '^(FAIL|WARN)' /run/found
groups=(/sys/kernel/iommu_groups/*)
check_same "the groups are counted" "PASS Intel VT-d enabled: ${#groups[@]} groups in /sys/kernel/iommu_groups, 1 unit (dmar0)" "$(found iommu)"
check "there is a table" test -e /sys/firmware/acpi/tables/DMAR
check_same "which is named" "PASS ACPI table DMAR declares an IOMMU" "$(found firmware)"
check_same "the parameters" "PASS /proc/cmdline: intel_iommu=on iommu=pt" "$(found parameters)"
check "interrupts are remapped" grep -q IR- /proc/interrupts
check_same "which it has seen" "PASS remapped (IR- in /proc/interrupts)" "$(found interrupts)"
check_same "a module to be had" "PASS available (/lib/modules/$(uname -r)/modules.dep)" "$(found vfio_pci)"
check_same "no node yet" "PASS not created yet: module vfio creates it" "$(found /dev/vfio/vfio)"
check_same "lockdown can't be seen" UNKNOWN "$(found lockdown | cut -d' ' -f1)"
mount -t securityfs securityfs /sys/kernel/security
check_same "now it can" "PASS $(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/security/lockdown)" "$(found lockdown)"
check "nobody may look too" setpriv --reuid=65534 --clear-groups "$vfio_bind" check >/run/found
check "and may lock little" grep -qE "^WARN +memlock +you may lock $(ulimit -l | awk '{print $1 * 1024}') bytes" /run/found

# ---- udev ----
mkdir -p /run/udev/rules.d
cp "$LAB_DIR/../../etc/udev/60-vfio-bind.rules" /run/udev/rules.d/
"$vfio_bind" config udev "$nic0" "$nvme0" >/run/udev/rules.d/10-vfio-bind.rules
/lib/systemd/systemd-udevd --daemon 2>/run/udev/said
appear() { udevadm trigger --action=add --settle "$devices/$1"; }
is_on() { [ "$(driver_of "$1")" = "$2" ]; }

appear "$nvme0"
check "a device appears, and is for VMs" is_on "$nvme0" vfio-pci
check "so is the other one, which vfio-pci took when it came" is_on "$nic0" vfio-pci
check "nobody asked for the third" is_on "$nic1" ""
check "one is taken out" unplug nic0
check "and put in again" plug e1000e,id=nic0,bus=port0,romfile=
check "it is for VMs, though vfio-pci was there before it" wait_for 20 is_on "$nic0" vfio-pci

# its neighbour's event loads the native driver of both, which this one's own event has loaded now
udevadm settle
modprobe -r e1000e
unbind_driver "$nic0"
echo >"$devices/$nic0/driver_override"
appear "$nic1"
check "the neighbour gets its native driver" is_on "$nic1" e1000e
check "which didn't take this one" is_on "$nic0" ""
appear "$nic0"
check "it is for VMs again" is_on "$nic0" vfio-pci

# what was given back stays with its driver
echo >"$devices/$nic0/driver_override"
unbind_driver "$nic0"
echo "$nic0" >/sys/bus/pci/drivers/e1000e/bind
appear "$nic1"
appear "$nic0"
check "a device that was given back stays so" is_on "$nic0" e1000e
check_same "without an override" "(null)" "$(attribute "$nic0" driver_override)"
check "udev had nothing to say of the rules" not grep -E "(10|60)-vfio-bind" /run/udev/said

node=/dev/vfio/$(group_of "$nvme0")
group_has_it() { [ "$(stat -c %G:%a "$node")" = kvm:660 ]; }
check "the group kvm may open it" wait_for 10 group_has_it
check_same "as check says" "PASS root:kvm 0660: ${node##*/}" "$(found "/dev/vfio groups")"
check_same "and the module is there" "PASS loaded (/sys/module/vfio_pci)" "$(found vfio_pci)"
udevadm control --exit

# ---- modprobe ----
unbind_driver "$nvme0"
echo >"$devices/$nvme0/driver_override"
modprobe -r vfio-pci nvme
"$vfio_bind" config modprobe "$nvme0" >/etc/modprobe.d/vfio-bind.conf
check_same "check names whom ids= take" \
    "PASS 1b36:0010 (/etc/modprobe.d/vfio-bind.conf:$(grep -n ids= /etc/modprobe.d/vfio-bind.conf | sed -n '$s/:.*//p')) takes $nvme0" \
    "$(found ids)"
modprobe nvme
check "vfio-pci comes before the native driver" is_on "$nvme0" vfio-pci
rm /etc/modprobe.d/vfio-bind.conf
status=0
"$vfio_bind" config modprobe "$nic0" >/run/found 2>/run/said || status=$?
check_same "an identical device is not taken along" 3 "$status"
check "and named" grep -q "ids= would also bind $nic1" /run/said
