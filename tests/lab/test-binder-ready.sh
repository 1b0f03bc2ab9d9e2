#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
#
# vfio-bind check matches the state of a host that can assign devices, and udev and modprobe bind
# the devices by the files that vfio-bind config prints.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
vfio_bind=$BUILD_DIR/vfio-bind
nic0=$(address_of nic0)
nic1=$(address_of nic1)
nvme0=$(address_of nvme0)

# found NAME: prints the result of a check, without its name.
found() { "$vfio_bind" check 2>/run/output | sed -n "s|^\\([A-Z]*\\) *$1  *|\\1 |p"; }

# ---- check ----
"$vfio_bind" check >/run/found || fail "check exits with $?"
check "there are no failures or warnings" not grep -qE '^(FAIL|WARN)' /run/found
groups=(/sys/kernel/iommu_groups/*)
check_same "the IOMMU groups are counted" \
    "PASS Intel VT-d enabled: ${#groups[@]} groups in /sys/kernel/iommu_groups, 1 unit (dmar0)" "$(found iommu)"
check "there is a DMAR table" test -e /sys/firmware/acpi/tables/DMAR
check_same "the table is reported" "PASS ACPI table DMAR declares an IOMMU" "$(found firmware)"
check_same "the kernel parameters are reported" \
    "PASS /proc/cmdline: intel_iommu=on iommu=pt" "$(found parameters)"
check "interrupts are remapped" grep -q IR- /proc/interrupts
check_same "interrupt remapping is reported" \
    "PASS remapped (IR- in /proc/interrupts)" "$(found interrupts)"
check_same "the available module is reported" \
    "PASS available (/lib/modules/$(uname -r)/modules.dep)" "$(found vfio_pci)"
check_same "the missing node is reported" \
    "PASS not created yet: module vfio creates it" "$(found /dev/vfio/vfio)"
check_same "lockdown is unknown without securityfs" UNKNOWN "$(found lockdown | cut -d' ' -f1)"
mount -t securityfs securityfs /sys/kernel/security
check_same "lockdown is reported with securityfs" \
    "PASS $(sed 's/.*\[\(.*\)\].*/\1/' /sys/kernel/security/lockdown)" "$(found lockdown)"
check "check succeeds without privileges" \
    setpriv --reuid=65534 --clear-groups "$vfio_bind" check >/run/found
check "the memory lock limit is reported" \
    grep -qE "^WARN +memlock +you may lock $(ulimit -l | awk '{print $1 * 1024}') bytes" /run/found

# ---- udev ----
mkdir -p /run/udev/rules.d
cp "$LAB_DIR/../../etc/udev/60-vfio-bind.rules" /run/udev/rules.d/
"$vfio_bind" config udev "$nic0" "$nvme0" >/run/udev/rules.d/10-vfio-bind.rules
/lib/systemd/systemd-udevd --daemon 2>/run/udev/output
appear() { udevadm trigger --action=add --settle "$devices/$1"; }
is_on() { [ "$(driver_of "$1")" = "$2" ]; }

appear "$nvme0"
check "nvme0 is bound to vfio-pci when it appears" is_on "$nvme0" vfio-pci
check "nic0 is bound to vfio-pci when that is loaded" is_on "$nic0" vfio-pci
check "a device that is not configured stays unbound" is_on "$nic1" ""
check "nic0 is unplugged" unplug nic0
check "nic0 is plugged again" plug e1000e,id=nic0,bus=port0,romfile=
check "nic0 is bound to vfio-pci, which is already loaded" wait_for 60 is_on "$nic0" vfio-pci

# the host driver, which this device's event has loaded, is now loaded by the other device's event
udevadm settle
modprobe -r e1000e
unbind_driver "$nic0"
echo >"$devices/$nic0/driver_override"
appear "$nic1"
check "nic1 is bound to its host driver" is_on "$nic1" e1000e
check "nic0 is not bound to the host driver" is_on "$nic0" ""
appear "$nic0"
check "nic0 is bound to vfio-pci again" is_on "$nic0" vfio-pci

# released devices keep their host driver
echo >"$devices/$nic0/driver_override"
unbind_driver "$nic0"
echo "$nic0" >/sys/bus/pci/drivers/e1000e/bind
appear "$nic1"
appear "$nic0"
check "a released device keeps its host driver" is_on "$nic0" e1000e
check_same "a released device has no override" "(null)" "$(attribute "$nic0" driver_override)"

# the rules yield to a change in progress
while :; do
    echo add >"$devices/$nic1/uevent"
    pause 0.1
done &
storm=$!
failures=''
: >/run/output
for round in 1 2 3 4 5 6 7 8; do
    "$vfio_bind" bind "$nic0" >>/run/output 2>&1 || failures+=" bind-$round"
    "$vfio_bind" release "$nic0" >>/run/output 2>&1 || failures+=" release-$round"
    if ! is_on "$nic0" e1000e || [ "$(attribute "$nic0" driver_override)" != "(null)" ]; then
        failures+=" state-$round"
    fi
done
kill "$storm"
wait "$storm" 2>/dev/null || :
[ -z "$failures" ] || cat /run/output
check_same "no bind or release fails while events of another device arrive" "" "$failures"
check "no override was changed meanwhile" not grep -q "another program has changed" /run/output
check "no marker is left" not compgen -G "/run/vfio-bind/changing-*"
check "udev logs no errors about the rules" not grep -E "(10|60)-vfio-bind" /run/udev/output

node=/dev/vfio/$(group_of "$nvme0")
group_has_access() { [ "$(stat -c %G:%a "$node")" = kvm:660 ]; }
check "the group kvm can open the node" wait_for 60 group_has_access
check_same "check reports the node's permissions" \
    "PASS root:kvm 0660: ${node##*/}" "$(found "/dev/vfio groups")"
check_same "check reports the loaded module" \
    "PASS loaded (/sys/module/vfio_pci)" "$(found vfio_pci)"

# ---- bind --persist and release --forget ----
mkdir -p /etc/udev/rules.d /etc/initramfs-tools/hooks
rules=/etc/udev/rules.d/10-vfio-bind-${nic1//:/_}.rules
hook=/etc/initramfs-tools/hooks/vfio-bind-${nic1//:/_}
before=$(ls -AR /etc/udev /etc/initramfs-tools)
check "bind --persist binds the device" "$vfio_bind" bind --persist "$nic1"
check "it is bound to vfio-pci" is_on "$nic1" vfio-pci
check "there are rules for it" test -s "$rules"
check "the hook for the initramfs can be run" test -x "$hook"
check "and is a valid script" sh -n "$hook"
! udevadm verify --help >/dev/null 2>&1 || check "udevadm verify accepts the rules" udevadm verify "$rules"
check "status shows it" grep -q "^  persistent $rules" <("$vfio_bind" status "$nic1")
# as after a reboot, with the host driver loaded first
udevadm control --reload
unbind_driver "$nic1"
echo >"$devices/$nic1/driver_override"
appear "$nic1"
check "the rules bind it when it appears" is_on "$nic1" vfio-pci
check "release --forget returns it" "$vfio_bind" release --forget "$nic1"
check_same "/etc is as it was before" "$before" "$(ls -AR /etc/udev /etc/initramfs-tools)"
udevadm control --reload
unbind_driver "$nic1"
appear "$nic1"
check "it is not bound to vfio-pci when it appears again" is_on "$nic1" ""
check "udev logs no errors about its rules" not grep -F vfio-bind-0000 /run/udev/output
udevadm control --exit

# ---- modprobe ----
unbind_driver "$nvme0"
echo >"$devices/$nvme0/driver_override"
modprobe -r vfio-pci nvme
"$vfio_bind" config modprobe "$nvme0" >/etc/modprobe.d/vfio-bind.conf
line=$(grep -n ids= /etc/modprobe.d/vfio-bind.conf | sed -n '$s/:.*//p')
check_same "check reports the devices matched by ids=" \
    "PASS 1b36:0010 (/etc/modprobe.d/vfio-bind.conf:$line) matches $nvme0" "$(found ids)"
modprobe nvme
check "vfio-pci is loaded before the host driver" is_on "$nvme0" vfio-pci
rm /etc/modprobe.d/vfio-bind.conf
status=0
"$vfio_bind" config modprobe "$nic0" >/run/found 2>/run/output || status=$?
check_same "config modprobe fails if an identical device would match" 3 "$status"
check "the identical device is reported" grep -q "ids= would also bind $nic1" /run/output

# ---- a disk in use, and an invalid journal ----
unbind_driver "$nvme0"
echo "$nvme0" >/sys/bus/pci/drivers/nvme/bind
check "the disk appears" wait_for_disk test -b /dev/nvme0n1
mkfs.ext4 -q /dev/nvme0n1
mkdir -p /run/disk
mount /dev/nvme0n1 /run/disk
status=0
"$vfio_bind" config udev "$nvme0" >/run/found 2>/run/output || status=$?
check_same "config udev of a mounted disk has the status of a refused bind" 3 "$status"
check "the reason is a comment in the file" grep -q "^#   WARNING: .*/dev/nvme0n1 is mounted on /run/disk" /run/found
umount /run/disk
echo nonsense >/run/vfio-bind/journal
status=0
"$vfio_bind" status >/run/found 2>/run/output || status=$?
check_same "status fails with an invalid journal" 1 "$status"
check "the journal is reported" grep -q "/run/vfio-bind/journal:1: invalid journal" /run/output
check "the devices are listed" grep -q "^$nvme0 1b36:0010 nvme" /run/found
rm /run/vfio-bind/journal
check_same "recover has a JSON report" 0 \
    "$("$vfio_bind" recover --json | sed -n 's/^  "status": \([0-9]*\),$/\1/p')"
