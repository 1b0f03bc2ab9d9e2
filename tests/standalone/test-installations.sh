#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The README's table "Supported systems": what is installed, and each line's command just as it stands there, run as its system
# would run it: on a made machine in place of /sys, with virsh, qm, onehost and systemctl that only note what they are told (in the lab the
# real virsh gets the same line). Prints TAP. PCIPROBE is the program as it was built, SOURCES the top of the source tree.
set -u
build=$(dirname "$(realpath "$(command -v "${PCIPROBE:-pciprobe}")")")
SOURCES=$(realpath "${SOURCES:-.}")
if [ "$(id -u)" -ne 0 ] || ! unshare -mpf --mount-proc true 2>/dev/null; then
	echo "1..0 # SKIP it takes root and namespaces to install without installing"
	exit 0
fi

# In namespaces of its own nothing of this is seen outside, and nothing of it stays; nor are other processes seen in it, of
# which not every root may look at all.
if [ "${1-}" != inside ]; then
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
	# in the tests of a package that was unpacked the prefix is a directory that make install is yet to make
	made=$(mkdir -pv "$prefix" | sed -n "1s/.* '\(.*\)'$/\1/p")
	unshare -mpf --mount-proc "$0" inside "$work" "$prefix"
	status=$?
	[ -z "$made" ] || find "$made" -depth -type d -empty -delete
	exit $status
fi
work=$2 prefix=$3
cd "$work" || exit 1
# shellcheck source=../tap.sh
. "$SOURCES/tests/tap.sh"
same() { cmp -s "$2" "$3"; result $? "$1" "$2" "$3"; }

# must COMMAND...: what comes after it would otherwise write to the real system.
must() { "$@" || { echo "Bail out! $*"; exit 1; }; }

# command_of SYSTEM: the second column of its line, without the quotes and escapes of Markdown; /usr/local is what configure
# was told, and build where it was built.
command_of() {
	sed -n "s/^| $1 | \`\(.*\)\` | [^|]* |\$/\1/p" "$SOURCES/README.md" |
		sed "s/\\\\|/|/g; s|/usr/local|$prefix|g; s|-C build |-C $build |"
}

# cover DIRECTORY: what is written there from here on stays in memory.
cover() {
	local scratch=scratch/${1//\//_}
	mkdir -p "$scratch.upper" "$scratch.work"
	must mount -t overlay -o "lowerdir=$1,upperdir=$scratch.upper,workdir=$scratch.work" none "$1"
}

# ---- installed ----
unset MAKEFLAGS MFLAGS MAKELEVEL
make -s -C "$build" install DESTDIR="$work/root" >make.log 2>&1
result $? "make install" make.log
must mount --bind "$work/root$prefix" "$prefix"

# ---- the machine ----
# device ADDRESS VENDOR:DEVICE CLASS GROUP DRIVER
device() {
	local directory=machine/devices/pci0000:00/$1
	mkdir -p "$directory" machine/bus/pci/devices "machine/bus/pci/drivers/$5" "machine/kernel/iommu_groups/$4/devices"
	ln -s "../../../devices/pci0000:00/$1" "machine/bus/pci/devices/$1"
	ln -s "../../../../devices/pci0000:00/$1" "machine/kernel/iommu_groups/$4/devices/$1"
	ln -s "../../../kernel/iommu_groups/$4" "$directory/iommu_group"
	ln -s "../../../bus/pci/drivers/$5" "$directory/driver"
	printf 'pci:v0000%sd0000%ssv00000000sd00000000bc%ssc%si00\n' "${2%:*}" "${2#*:}" "${3%??}" "${3#??}" >"$directory/modalias"
}
device 0000:00:02.0 8086:10D3 0200 1 vfio-pci
device 0000:00:03.0 8086:10D3 0200 2 vfio-pci
device 0000:00:04.0 8086:10D3 0200 3 e1000e
must mount --bind machine /sys
# what is asked for VMs, and where the monitor keeps its notes, is this machine's own too
for directory in /run /var/lib /var/tmp; do must mount -t tmpfs none "$directory"; done
mkdir -p /run/qemu-server
echo "0000:00:02.0 100 time:$(($(date +%s) + 1000))" >/run/qemu-server/pci-id-reservations
printf ":filter:\n:alias:\n  - {name: 10GE, filter: '8086:10d3'}\n" >"$prefix/etc/pciprobe/pci.conf"
mkdir tools scratch
must mount -t tmpfs none scratch
cover /etc
for tool in virsh qm onehost systemctl; do
	printf '#!/bin/sh\necho %s "$@" >>"%s/told"\n' "$tool" "$work" >"tools/$tool"
	chmod +x "tools/$tool"
done
PATH=$work/tools:$prefix/bin:$PATH

# run SYSTEM COMMAND...: as that system would; COMMAND gets the line as its last argument. In out, err and told is what comes of it.
run() {
	local line status
	line=$(command_of "$1")
	: >told
	shift
	"$@" "$line" >out 2>err </dev/null
	status=$?
	[ -n "$line" ] && [ "$status" -eq 0 ]
}

# ---- the systems ----
printf '0000:00:02.0 vfio-pci 100\n0000:00:03.0 vfio-pci -\n0000:00:04.0 e1000e -\n' >devices
pciprobe -f raw --no-headings -o address,driver,vm_ids >out
same "the machine is as it was made" devices out

remotes=/var/lib/one/remotes
mkdir -p $remotes/im/kvm-probes.d/host/system $remotes/etc/im/kvm-probes.d
printf ":filter: '*:*'\n" >$remotes/etc/im/kvm-probes.d/pci.conf
run OpenNebula sh -c; result $? "OpenNebula: put in place" err
echo "onehost sync -f" >wanted; same "OpenNebula: and spread" wanted told
echo '<xml/>' | env -i PATH=/usr/bin:/bin $remotes/im/kvm-probes.d/host/system/pci.rb kvm /ds 4124 0 host1 >out 2>err
result $? "OpenNebula: the monitor calls it" err
pciprobe -f opennebula --usage >wanted; same "OpenNebula: and is told of the devices" wanted out
grep -q ' SHORT_ADDRESS = "00:04.0" ,' out; result $? "OpenNebula: of all of them" out

run libvirt bash -c; result $? "libvirt: a device for a VM" err
echo "virsh attach-device web device.xml --live" >wanted; same "libvirt: virsh is given" wanted told
grep -qF "<address domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>" device.xml; result $? "libvirt: the free one" device.xml

run "Proxmox VE" bash -c; result $? "Proxmox: a device for a VM" err
echo "qm set 101 --hostpci0 0000:00:03.0" >wanted; same "Proxmox: the one that no other VM has" wanted told

if [ -d /usr/lib/collectd ] && [ -e "$build/.libs/pciprobe.so" ]; then
	cover /usr/lib/collectd
	mkdir -p /etc/collectd/collectd.conf.d
	in_sources() { (cd "$SOURCES" && sh -c "$1"); }
	run collectd in_sources; result $? "collectd: installed" err
	echo "systemctl restart collectd" >wanted; same "collectd: and started anew" wanted told
	printf 'Hostname host1\nInterval 1\nLoadPlugin csv\n<Plugin csv>\n DataDir "%s/csv"\n</Plugin>\nInclude "%s"\n' "$work" \
		/etc/collectd/collectd.conf.d >collectd.conf
	if ldd /usr/lib/collectd/pciprobe.so | grep -q libasan; then
		number=$((number + 1))
		echo "ok $number - collectd: it reads # SKIP collectd has no sanitizer in it"
	else
		timeout 30 collectd -f -C collectd.conf -P collectd.pid >out 2>err &
		for ((i = 0; i < 100; i++)); do [ -d csv/host1/pciprobe-0000:00:03.0 ] && break; sleep 0.1; done
		kill %1
		wait
		[ -d csv/host1/pciprobe-0000:00:03.0 ]; result $? "collectd: it reads" out err
	fi
else
	number=$((number + 1))
	echo "ok $number - collectd # SKIP no collectd here, or pciprobe was built without it (Debian packages collectd-core and collectd-dev)"
fi

run Prometheus sh -c; result $? "Prometheus: put in place" err
echo "systemctl enable --now pciprobe-textfile.timer" >wanted; same "Prometheus: and started" wanted told
unit=/etc/systemd/system/pciprobe-textfile.service
mkdir -p "$(sed -n 's/^WorkingDirectory=//p' $unit)"
# systemd writes $$ for a $
eval "set -- $(sed -n 's/^ExecStart=//p' $unit | sed 's/\$\$/$/g')"
(cd "$(sed -n 's/^WorkingDirectory=//p' $unit)" && env -i PATH=/usr/bin:/bin "$@") >out 2>err
result $? "Prometheus: the timer's job" out err
pciprobe -f prometheus | grep -c '^pciprobe_' >wanted
grep -c '^pciprobe_' /var/lib/prometheus/node-exporter/pciprobe.prom >out
same "Prometheus: the file has all that there is" wanted out

# cron's own words are not for the shell, and its environment is small
cron() { env -i HOME=/root LOGNAME=root PATH=/usr/bin:/bin SHELL=/bin/sh sh -c "${1#"* * * * * root "}"; }
run cron cron; result $? "cron: its job" err
[ ! -s out ] && [ ! -s err ]; result $? "cron: has nothing to write a mail of" out err
python3 -c 'import json; print(*(device["address"] for device in json.load(open("/run/pci.json"))["devices"]), sep="\n")' >out
cut -d' ' -f1 devices >wanted; same "cron: the file has the devices" wanted out
must mount -t tmpfs none /sys/bus
cp /run/pci.json wanted
! run cron cron; result $? "cron: when nothing can be listed, the job fails" out
same "cron: and the file stays" wanted /run/pci.json
umount /sys/bus
# program SCRIPT: another program in place of the installed one, until restore
program() { printf '#!/bin/sh\n%s\n' "$1" >program; chmod +x program; must mount --bind program "$prefix/bin/pciprobe"; }
restore() { must umount "$prefix/bin/pciprobe"; }
program 'echo part; exit 3'
run cron cron; result $? "cron: an answer that is incomplete" err
echo part >part; same "cron: is better than an old one" part /run/pci.json
restore
cp wanted /run/pci.json
for script in 'exit 2' 'exit 127' 'echo half; kill -9 $$' 'echo half; exit 1'; do
	program "$script"
	! run cron cron; result $? "cron: when the program says '$script', the job fails" out
	same "cron: and the file stays, after '$script'" wanted /run/pci.json
	restore
done
mv "$prefix/bin/pciprobe" "$prefix/bin/pciprobe.moved"
! run cron cron; result $? "cron: without the program the job fails" out
same "cron: and the file stays, without the program" wanted /run/pci.json
mv "$prefix/bin/pciprobe.moved" "$prefix/bin/pciprobe"

for shell in sh bash; do
	run scripts $shell -c; result $? "scripts: in a pipe of $shell" err
	printf '0000:00:02.0 100\n0000:00:03.0 -\n0000:00:04.0 -\n' >wanted; same "scripts: a device a line, in $shell" wanted out
done

# directories that this machine may not have, and that nothing of it may come into
must cp -a /etc etc
must mount --bind etc /etc
mkdir -p /etc/nova/nova.conf.d misc
must mount --bind /usr/share/misc misc
must mount -t tmpfs none /usr/share
mkdir -p /usr/share/misc /usr/share/cloudstack-common/scripts/vm/hypervisor/kvm
must mount --bind misc /usr/share/misc

run CloudStack sh -c; result $? "CloudStack: put in place" err
env -i PATH=/usr/bin:/bin /usr/share/cloudstack-common/scripts/vm/hypervisor/kvm/gpudiscovery.sh >out 2>err
result $? "CloudStack: the agent calls it" err
pciprobe -f cloudstack >wanted; same "CloudStack: and is told of the devices" wanted out
python3 -c 'import json, sys; print(*(device["pci_address"] for device in json.load(sys.stdin)["gpus"]), sep="\n")' <out >addresses
printf '00:02.0\n00:03.0\n00:04.0\n' >wanted; same "CloudStack: of all of them" wanted addresses

run Nova sh -c; result $? "Nova: put in place, and verified" err
pciprobe -f nova >wanted; same "Nova: what it includes" wanted /etc/nova/nova.conf.d/pci.conf
printf '[pci]\n%s\n%s\n' 'device_spec = {"vendor_id":"8086","product_id":"10d3","address":"0000:00:*.0"}' \
	'alias = {"name":"10GE","vendor_id":"8086","product_id":"10d3","device_type":"type-PCI"}' >wanted
same "Nova: the devices in one line, and their alias" wanted /etc/nova/nova.conf.d/pci.conf
for script in 'exit 1' 'echo half; exit 3' 'echo half; kill -9 $$'; do
	program "$script"
	! run Nova sh -c; result $? "Nova: when the program says '$script', the line fails" out
	same "Nova: and the file stays, after '$script'" wanted /etc/nova/nova.conf.d/pci.conf
	restore
done

# ---- all of them ----
sed -n '/^## Supported systems/,/^## Documentation/s/^| \([A-Z a-z]*\) | `.*/\1/p' "$SOURCES/README.md" | sort >rows
printf '%s\n' OpenNebula CloudStack Nova libvirt "Proxmox VE" collectd Prometheus cron scripts | sort >wanted
same "each line of the table has had its turn" wanted rows
echo "1..$number"
