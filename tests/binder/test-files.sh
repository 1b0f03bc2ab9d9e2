#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# vfio-bind check and config. The output of config is passed to the programs that read such files, and so is the installed unit.
# Prints TAP. VFIO_BIND is the program, SOURCES the top of the source tree, BUILD that of the build.
set -u
VFIO_BIND=${VFIO_BIND:-vfio-bind}
SOURCES=$(realpath "${SOURCES:-.}")
BUILD=$(realpath "${BUILD:-.}")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
chmod 755 "$work"
# shellcheck source=../tap.sh
. "$SOURCES/tests/tap.sh"

same() { echo "expected: $2" >wrong; [ "$(cat "$1")" = "$2" ]; result $? "$3" wrong "$1"; }

# device ADDRESS VENDOR:DEVICE GROUP CLASS
device() {
	local directory=machine/sys/devices/pci0000:00/$1 vendor=${2%:*} device=${2#*:}
	mkdir -p "$directory" machine/sys/bus/pci/devices "machine/sys/kernel/iommu_groups/$3/devices"
	ln -s "../../../devices/pci0000:00/$1" "machine/sys/bus/pci/devices/$1"
	ln -s "../../../kernel/iommu_groups/$3" "$directory/iommu_group"
	ln -s "../../../../devices/pci0000:00/$1" "machine/sys/kernel/iommu_groups/$3/devices/$1"
	echo "pci:v0000${vendor}d0000${device}sv00000000sd00000000bc${4:0:2}sc${4:2:2}i00" >"$directory/modalias"
}

# ---- a machine: Debian 12, Intel, two identical GPUs and a network card ----
modules=machine/lib/modules/6.1.0-56-amd64
mkdir -p machine/proc/sys/kernel machine/proc/self machine/proc/1/fd $modules machine/sys/firmware/acpi/tables machine/sys/class/iommu/dmar0
echo 6.1.0-56-amd64 >machine/proc/sys/kernel/osrelease
echo "ro intel_iommu=on" >machine/proc/cmdline
printf 'vendor_id\t: GenuineIntel\n' >machine/proc/cpuinfo
echo ' 8: 0 IR-IO-APIC 8-edge rtc0' >machine/proc/interrupts
echo 'Max locked memory unlimited unlimited bytes' >machine/proc/self/limits
: >machine/proc/1/cmdline
: >machine/sys/firmware/acpi/tables/DMAR
: >$modules/modules.builtin
printf 'kernel/%s.ko:\n' vfio vfio_virqfd vfio_iommu_type1 vfio-pci >$modules/modules.dep
printf 'alias pci:v000010DEd*sv*sd*bc03sc00i00* nouveau\nalias pci:v00008086d000010D3sv*sd*bc*sc*i* e1000e\n' >$modules/modules.alias
device 0000:01:00.0 10DE:2204 17 0300
device 0000:02:00.0 10DE:2204 18 0300
device 0000:03:00.0 8086:10D3 19 0200
device 0000:00:00.0 8086:29C0 0 0600
vfio_bind() { "$VFIO_BIND" "$@" --sysroot machine; }

# ---- check ----
expect 0 "check" vfio_bind check
says out "PASS    iommu             Intel VT-d enabled: 4 groups" "one finding per line"
says out "this host can assign devices to VMs: " "and a summary"
expect 0 "check --json" vfio_bind check --json
python3 -c 'import json; d = json.load(open("out")); assert d["status"] == 0 and d["findings"][0] == {
	"name": "iommu", "result": "PASS", "observed": "Intel VT-d enabled: 4 groups in /sys/kernel/iommu_groups, 1 unit (dmar0)"}, d' 2>err
result $? "the findings in JSON" err out
printf 'intel_iommu=on,\033[2J\xff\n' >machine/proc/cmdline
expect 0 "a hostile command line" vfio_bind check
! LC_ALL=C grep -q "$(printf '\033')" out
result $? "is printed without control characters" out
expect 1 "a full disk" sh -c "'$VFIO_BIND' check --sysroot machine >/dev/full"
says err "standard output" "is reported"
mv machine/sys/kernel/iommu_groups groups
expect 69 "a host without IOMMU" vfio_bind check
says out "FAIL    iommu" "fails the check"
mv groups machine/sys/kernel/iommu_groups
echo "ro intel_iommu=on" >machine/proc/cmdline
"$VFIO_BIND" check --sysroot machine >out 2>err
before=$?
{ sleep 0.3; "$VFIO_BIND" check --sysroot machine 2>err; echo $? >status; } | :
[ "$(cat status)" -eq $((before ? before : 141)) ] && [ ! -s err ]; result $? "a closed pipe ends the program with SIGPIPE" status err
{ sleep 0.3; (trap '' PIPE; "$VFIO_BIND" --help 2>err; echo $? >status); } | :
[ "$(cat status)" -eq 1 ] && grep -q "standard output: Broken pipe" err; result $? "or is an error if SIGPIPE is ignored" status err
{ sleep 0.3; "$VFIO_BIND" --help 2>err; echo $? >status; } | :
[ "$(cat status)" -eq 141 ] && [ ! -s err ]; result $? "and also for --help" status err
expect 1 "a missing root" "$VFIO_BIND" check --sysroot nowhere
says err "nowhere: No such file" "is reported"

# ---- usage errors ----
expect 2 "vfs with an invalid number" vfio_bind vfs -n 01:00.0 x
[ ! -s out ]
result $? "prints no result" out

# ---- config ----
expect 0 "config help" vfio_bind config help
for kind in service udev initramfs dracut modprobe kernel qemu; do
	says out "$kind" "the help lists $kind"
done
expect 2 "config alone" vfio_bind config
expect 2 "an unknown kind" vfio_bind config grub 01:00.0
expect 2 "no device" vfio_bind config udev
expect 2 "an invalid address" vfio_bind config udev 99:zz.0
expect 4 "a missing device" vfio_bind config udev 09:00.0
expect 3 "a bridge" vfio_bind config udev 00:00.0
[ ! -s out ]
result $? "without any output" out

expect 0 "config modprobe" vfio_bind config modprobe 01:00.0 02:00.0
mkdir -p modprobe.d
cp out modprobe.d/vfio-bind.conf
modprobe --showconfig -C modprobe.d >config 2>err
grep -E '^(options|softdep) (vfio_pci|nouveau|e1000e) ' config >got
same got "options vfio_pci ids=10de:2204
softdep nouveau pre: vfio_pci" "modprobe reads it"
[ ! -s err ]
result $? "without warnings" err
expect 3 "config modprobe with ids that match another device" vfio_bind config modprobe 01:00.0
says err "ids= would also bind 0000:02:00.0" "which is reported"
says out "# SKIPPED: 10de:2204" "and noted in the file"

expect 0 "config dracut" vfio_bind config dracut 01:00.0
# shellcheck disable=SC2016  # that shell expands it
bash -euc 'force_drivers="a" install_items="b"; . ./out; echo "$force_drivers|$install_items"' >got 2>err
same got "a vfio vfio_iommu_type1 vfio_virqfd vfio_pci |b /etc/udev/rules.d/10-vfio-bind.rules " "dracut's shell reads it"

expect 0 "config initramfs" vfio_bind config initramfs 01:00.0
sh -n out 2>err
result $? "has valid shell syntax" err out
shellcheck -s sh -e SC1091,SC2154 out >err 2>&1
result $? "passes shellcheck" err
sh out prereqs >got 2>err
same got "" "it has no prerequisites"

expect 0 "config kernel" vfio_bind config kernel 01:00.0
# shellcheck disable=SC2016
sh -euc 'GRUB_CMDLINE_LINUX="quiet"; . ./out; echo "$GRUB_CMDLINE_LINUX"' >got 2>err
same got "quiet intel_iommu=on iommu=pt" "GRUB's shell reads it"

expect 0 "config qemu" vfio_bind config qemu 01:00.0 03:00.0
says out '"/dev/vfio/17",' "the groups are in it"
expect 0 "config udev" vfio_bind config udev 01:00.0 02:00.0 # the lab loads it with udev

# ---- bind --persist, as far as a dry run shows it ----
mkdir -p machine/etc/udev/rules.d machine/etc/dracut.conf.d
echo "(null)" >machine/sys/devices/pci0000:00/0000:03:00.0/driver_override
expect 0 "bind --persist in a dry run" vfio_bind bind -n --persist 03:00.0
says out "write the file /etc/udev/rules.d/10-vfio-bind-0000_03_00.0.rules" "shows the udev rules"
says out "write the file /etc/dracut.conf.d/vfio-bind-0000_03_00.0.conf" "and the file for dracut, which this host has"
! grep -q initramfs-tools out
result $? "and no hook for initramfs-tools, which it does not have" out
[ -z "$(ls machine/etc/udev/rules.d machine/etc/dracut.conf.d | grep vfio)" ]
result $? "but writes neither"
expect 2 "bind --persist of a recording" vfio_bind bind --persist 03:00.0
expect 0 "release --forget in a dry run" vfio_bind release -n --forget 03:00.0
expect 2 "check with --persist" vfio_bind check --persist 03:00.0

# ---- config of a device that bind would refuse ----
device 0000:04:00.0 1B36:0010 20 0108
disk=machine/sys/devices/pci0000:00/0000:04:00.0
mkdir -p machine/sys/block machine/sys/bus/pci/drivers/nvme "$disk/nvme/nvme0/nvme0n1"
ln -s ../../../bus/pci/drivers/nvme "$disk/driver"
ln -s ../devices/pci0000:00/0000:04:00.0/nvme/nvme0/nvme0n1 machine/sys/block/nvme0n1
echo 259:0 >"$disk/nvme/nvme0/nvme0n1/dev"
mkdir -p machine/sys/class/block
ln -s ../../devices/pci0000:00/0000:04:00.0/nvme/nvme0/nvme0n1 machine/sys/class/block/nvme0n1
printf '22 1 259:0 / / rw - ext4 /dev/nvme0n1 rw\n' >machine/proc/self/mountinfo
echo Filename >machine/proc/swaps
for kind in service udev initramfs dracut modprobe; do
	expect 3 "config $kind of the system disk" vfio_bind config $kind 04:00.0
	says out "#   WARNING: 'vfio-bind bind' refuses this device: /dev/nvme0n1 is mounted on /" "says so in the file"
	says err "0000:04:00.0: system-disk: /dev/nvme0n1 is mounted on /; " "and on standard error"
done
expect 0 "config kernel binds nothing" vfio_bind config kernel 04:00.0
printf '22 1 259:0 / /srv rw - ext4 /dev/nvme0n1 rw\n' >machine/proc/self/mountinfo
expect 3 "config udev of a mounted disk" vfio_bind config udev 04:00.0
expect 0 "config udev with --allow" vfio_bind config udev --allow mounted 04:00.0
says out "#   WARNING: /dev/nvme0n1 is mounted on /srv; " "still has the warning"
says err "warning: 0000:04:00.0: mounted:" "on standard error as well"

# ---- an unreadable journal ----
mkdir -p machine/run/vfio-bind
echo nonsense >machine/run/vfio-bind/journal
expect 1 "status with an invalid journal" vfio_bind status
says err "machine/run/vfio-bind/journal:1: invalid journal; check by hand" "reports it"
says out "0000:01:00.0 10de:2204" "and lists the devices"
expect 0 "config with an invalid journal" vfio_bind config udev 01:00.0
rm -r machine/run

# ---- advice to run as root ----
rm machine/proc/self/mountinfo
expect 3 "check of a disk without mountinfo" vfio_bind check 04:00.0
says err "/proc/self/mountinfo: No such file or directory; a check could not be completed" "names what failed"
if [ "$(id -u)" -eq 0 ]; then
	! grep -q "run as root" err
	result $? "root is not advised to run as root" err
	cp "$VFIO_BIND" vfio-bind
	chmod -R go+rX machine vfio-bind
	expect 3 "check without privileges" setpriv --reuid=65534 --clear-groups ./vfio-bind check 04:00.0 --sysroot machine
fi
says err "could not be completed; run as root" "other users are advised to run as root"

# ---- the unit ----
if command -v systemd-analyze >/dev/null; then
	# the program isn't installed yet
	sed "s|^ExecStart=[^ ]*|ExecStart=$(realpath "$VFIO_BIND")|" "$BUILD/etc/systemd/vfio-bind.service" >vfio-bind.service
	expect 0 "systemd-analyze verify" systemd-analyze verify --man=no ./vfio-bind.service
	[ ! -s err ]
	result $? "without warnings" err
else
	skip "systemd-analyze verify" "systemd is not installed"
fi
echo "1..$number"
