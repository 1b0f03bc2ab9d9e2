#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The commands in the README's table "Supported systems", run unchanged as the respective system
# would, with the installed files, on a test machine mounted over /sys, and with virsh, qm, kubectl,
# incus, onehost and systemctl replaced by scripts that log their arguments (the lab runs the line for libvirt with
# the real virsh). Prints TAP. PCIPROBE is the program in the build directory, SOURCES the top of
# the source tree.
set -u
build=$(dirname "$(realpath "$(command -v "${PCIPROBE:-pciprobe}")")")
SOURCES=$(realpath "${SOURCES:-.}")
if [ "$(id -u)" -ne 0 ] || ! unshare -mpf --mount-proc true 2>/dev/null; then
	echo "1..0 # SKIP requires root and namespaces"
	exit 0
fi

# Namespaces hide all changes from the system and discard them. They also hide other processes,
# which root in a container may not be allowed to inspect.
if [ "${1-}" != inside ]; then
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
	prefix=$(sed -n 's/^prefix = //p' "$build/Makefile")
	# in an unpacked source package the prefix may not exist yet
	created=$(mkdir -pv "$prefix" | sed -n "1s/.* '\(.*\)'$/\1/p")
	unshare -mpf --mount-proc "$0" inside "$work" "$prefix"
	status=$?
	[ -z "$created" ] || find "$created" -depth -type d -empty -delete
	exit $status
fi
work=$2 prefix=$3
cd "$work" || exit 1
# shellcheck source=../tap.sh
. "$SOURCES/tests/tap.sh"
same() { cmp -s "$2" "$3"; result $? "$1" "$2" "$3"; }

# must COMMAND...: exits on failure, as later commands would write to the real system.
must() { "$@" || { echo "Bail out! $*"; exit 1; }; }

# command_of SYSTEM: prints the second column of its line without Markdown's quotes and escapes,
# with this build's prefix and build directory.
command_of() {
	sed -n "s/^| $1 | \`\(.*\)\` | [^|]* |\$/\1/p" "$SOURCES/README.md" |
		sed "s/\\\\|/|/g; s|/usr/local|$prefix|g; s|-C build |-C $build |"
}

# cover DIRECTORY: mounts an overlay in memory on it.
cover() {
	local scratch=scratch/${1//\//_}
	mkdir -p "$scratch.upper" "$scratch.work"
	must mount -t overlay -o "lowerdir=$1,upperdir=$scratch.upper,workdir=$scratch.work" none "$1"
}

# ---- installation ----
unset MAKEFLAGS MFLAGS MAKELEVEL
make -s -C "$build" install DESTDIR="$work/root" >make.log 2>&1
result $? "make install succeeds" make.log
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
# sources of VM owners and the monitor's state belong to the test machine, too
for directory in /run /var/lib /var/tmp; do must mount -t tmpfs none "$directory"; done
mkdir -p /run/qemu-server
echo "0000:00:02.0 100 time:$(($(date +%s) + 1000))" >/run/qemu-server/pci-id-reservations
printf ":filter:\n:alias:\n  - {name: 10GE, filter: '8086:10d3'}\n" >"$prefix/etc/pciprobe/pci.conf"
mkdir tools scratch
must mount -t tmpfs none scratch
cover /etc
for tool in virsh qm kubectl incus onehost systemctl; do
	printf '#!/bin/sh\necho %s "$@" >>"%s/log"\n' "$tool" "$work" >"tools/$tool"
	chmod +x "tools/$tool"
done
PATH=$work/tools:$prefix/bin:$PATH

# run SYSTEM COMMAND...: runs the README's line with COMMAND LINE; writes out, err and log (commands
# run).
run() {
	local line status
	line=$(command_of "$1")
	: >log
	shift
	"$@" "$line" >out 2>err </dev/null
	status=$?
	[ -n "$line" ] && [ "$status" -eq 0 ]
}

# ---- the systems ----
printf '0000:00:02.0 vfio-pci 100\n0000:00:03.0 vfio-pci -\n0000:00:04.0 e1000e -\n' >devices
pciprobe -f raw --no-headings -o address,driver,vm_ids >out
same "the test machine is listed" devices out

remotes=/var/lib/one/remotes
mkdir -p $remotes/im/kvm-probes.d/host/system $remotes/etc/im/kvm-probes.d
printf ":filter: '*:*'\n" >$remotes/etc/im/kvm-probes.d/pci.conf
run OpenNebula sh -c; result $? "OpenNebula: the probe is installed" err
echo "onehost sync -f" >wanted; same "OpenNebula: the probe is synchronized" wanted log
echo '<xml/>' | env -i PATH=/usr/bin:/bin $remotes/im/kvm-probes.d/host/system/pci.rb kvm /ds 4124 0 host1 >out 2>err
result $? "OpenNebula: the monitor runs the probe" err
pciprobe -f opennebula --usage >wanted; same "OpenNebula: the monitor gets the devices" wanted out
grep -q ' SHORT_ADDRESS = "00:04.0" ,' out; result $? "OpenNebula: the monitor gets all devices" out

run libvirt bash -c; result $? "libvirt: a device is attached to a VM" err
echo "virsh attach-device web device.xml --live" >wanted; same "libvirt: virsh is run" wanted log
grep -qF "<address domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>" device.xml; result $? "libvirt: the free device is attached" device.xml

run "Proxmox VE" bash -c; result $? "Proxmox: a device is assigned to a VM" err
echo "qm set 101 --hostpci0 0000:00:03.0" >wanted; same "Proxmox: the free device is assigned" wanted log

mkdir -p /etc/pve/mapping
run "Proxmox VE cluster" bash -c; result $? "Proxmox cluster: a mapping is assigned to a VM" err
echo "qm set 101 --hostpci0 mapping=pci-10GE" >wanted; same "Proxmox cluster: qm is run" wanted log
pciprobe -f proxmox-mapping >wanted; same "Proxmox cluster: the mapping is written" wanted /etc/pve/mapping/pci.cfg
grep -q '^pci-10GE$' wanted && grep -q ',path=0000:00:03.0,' wanted; result $? "Proxmox cluster: the mapping has the device" wanted
rm -r /etc/pve

run KubeVirt bash -c; result $? "KubeVirt: the devices are offered" err
echo "kubectl patch kubevirt kubevirt -n kubevirt --type merge --patch-file devices.yaml" >wanted
same "KubeVirt: the resource is patched" wanted log
pciprobe -f kubevirt >wanted; same "KubeVirt: the patch has the devices" wanted devices.yaml
grep -qF 'resourceName: "pciprobe/10GE"' devices.yaml; result $? "KubeVirt: the alias is a resource" devices.yaml

run Incus bash -c; result $? "Incus: a VM is created with a device" err
echo "incus create images:debian/13 web --vm" >wanted; same "Incus: incus is run" wanted log
grep -qF 'address: "0000:00:03.0"' device.yaml; result $? "Incus: the VM gets the free device" device.yaml

if [ -d /usr/lib/collectd ] && [ -e "$build/.libs/pciprobe.so" ]; then
	cover /usr/lib/collectd
	mkdir -p /etc/collectd/collectd.conf.d
	in_sources() { (cd "$SOURCES" && sh -c "$1"); }
	run collectd in_sources; result $? "collectd: the plugin is installed" err
	echo "systemctl restart collectd" >wanted; same "collectd: collectd is restarted" wanted log
	printf 'Hostname host1\nInterval 1\nLoadPlugin csv\n<Plugin csv>\n DataDir "%s/csv"\n</Plugin>\nInclude "%s"\n' "$work" \
		/etc/collectd/collectd.conf.d >collectd.conf
	if grep -q __asan_init /usr/lib/collectd/pciprobe.so; then
		number=$((number + 1))
		echo "ok $number - collectd: values are written # SKIP the plugin is built with sanitizers"
	else
		timeout 30 collectd -f -C collectd.conf -P collectd.pid >out 2>err &
		for ((i = 0; i < 100; i++)); do [ -d csv/host1/pciprobe-0000:00:03.0 ] && break; sleep 0.1; done
		kill %1
		wait
		[ -d csv/host1/pciprobe-0000:00:03.0 ]; result $? "collectd: values are written" out err
	fi
else
	number=$((number + 1))
	echo "ok $number - collectd # SKIP no collectd or no plugin (Debian packages collectd-core and collectd-dev)"
fi

run Prometheus sh -c; result $? "Prometheus: the units are installed" err
echo "systemctl enable --now pciprobe-textfile.timer" >wanted; same "Prometheus: the timer is started" wanted log
unit=/etc/systemd/system/pciprobe-textfile.service
mkdir -p "$(sed -n 's/^WorkingDirectory=//p' $unit)"
# systemd's escape for $ is $$
eval "set -- $(sed -n 's/^ExecStart=//p' $unit | sed 's/\$\$/$/g')"
(cd "$(sed -n 's/^WorkingDirectory=//p' $unit)" && env -i PATH=/usr/bin:/bin "$@") >out 2>err
result $? "Prometheus: the timer's service succeeds" out err
pciprobe -f prometheus | grep -c '^pciprobe_' >wanted
grep -c '^pciprobe_' /var/lib/prometheus/node-exporter/pciprobe.prom >out
same "Prometheus: the file has all series" wanted out

mkdir -p /etc/nagios4/conf.d /etc/icinga2/conf.d /etc/nagios/nrpe.d /etc/sudoers.d
for row in "Nagios nagios4 nagios4/conf.d/pciprobe.cfg" "Icinga icinga2 icinga2/conf.d/pciprobe.conf" \
	"NRPE nagios-nrpe-server nagios/nrpe.d/pciprobe.cfg"; do
	# shellcheck disable=SC2086  # words
	set -- $row
	rm -f /etc/sudoers.d/pciprobe-nagios
	run "$1" sh -c; result $? "$1: the definition is installed" err
	echo "systemctl reload $2" >wanted; same "$1: the daemon is reloaded" wanted log
	grep -qF "$prefix/bin/pciprobe" "/etc/$3"; result $? "$1: the definition has the path of pciprobe" "/etc/$3"
	[ "$(stat -c %a /etc/sudoers.d/pciprobe-nagios)" = 440 ]; result $? "$1: sudo accepts the mode of its file" /etc/sudoers.d/pciprobe-nagios
done
if command -v visudo >/dev/null && id nagios >/dev/null 2>&1; then
	visudo -cf /etc/sudoers.d/pciprobe-nagios >out 2>&1; result $? "NRPE: sudo accepts its file" out
	command=$(sed -n 's/^command\[pciprobe\]=//p' /etc/nagios/nrpe.d/pciprobe.cfg)
	setpriv --reuid nagios --regid nagios --clear-groups sh -c "$command" >out 2>err </dev/null
	grep -q "^PCI OK - 3 devices, 1 free, 1 reserved, 1 host | " out; result $? "NRPE: its user sees the owners of devices" out err
	setpriv --reuid nagios --regid nagios --clear-groups sh -c "$command -w free=5:" >out 2>err </dev/null
	grep -q "^PCI WARNING - 1 free device (" out; result $? "NRPE: its user can pass options" out err
	! setpriv --reuid nagios --regid nagios --clear-groups sudo -n "$prefix/bin/pciprobe" list >out 2>err </dev/null
	result $? "NRPE: its user can run nothing else" out
else
	skip "NRPE: its user sees the owners of devices" "no sudo or no user nagios (Debian packages sudo and nagios-nrpe-server)"
fi
cover /usr/lib
mkdir -p /usr/lib/check_mk_agent/local
run Checkmk sh -c; result $? "Checkmk: the local check is installed" err
/usr/lib/check_mk_agent/local/pciprobe >out 2>err
grep -q '^0 "PCI devices" devices=3;;;0|.* 3 devices, 1 free, 1 reserved, 1 host$' out; result $? "Checkmk: the agent gets a line" out err

mkdir -p /etc/telegraf/telegraf.d
run Telegraf sh -c; result $? "Telegraf: the input is installed" err
echo "systemctl restart telegraf" >wanted; same "Telegraf: it is restarted" wanted log
python3 - /etc/telegraf/telegraf.d/pciprobe.conf >out 2>err <<'END'
import subprocess, sys
try:
    import tomllib
    with open(sys.argv[1], "rb") as file:
        command = tomllib.load(file)["inputs"]["execd"][0]["command"]
except ImportError:  # before Python 3.11
    import json, re
    with open(sys.argv[1]) as file:
        command = json.loads(re.search("command = (.*)", file.read()).group(1))
with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
    line = process.stdout.readline()
    process.terminate()
count = subprocess.run(["pciprobe", "-f", "raw", "--no-headings"], stdout=subprocess.PIPE, text=True, check=True).stdout.count("\n")
assert line.startswith("pciprobe_event,host=") and ",event=state," in line and ",devices=%di " % count in line, line
END
result $? "Telegraf: its command prints the state" out err
run systemd sh -c; result $? "systemd: the unit is started" err
echo "systemctl enable --now pciprobe-watch" >wanted; same "systemd: it is the installed unit" wanted log
unit=$(find "$prefix/lib/systemd" -name pciprobe-watch.service)
(eval "exec $(sed -n 's/^ExecStart=//p' "$unit")") >out 2>err &
for ((i = 0; i < 300; i++)); do grep -q '"event": "state"' out && break; sleep 0.1; done
kill %1
wait %1; result $? "systemd: the unit's command prints the state, and ends with SIGTERM" out err
mkdir -p /etc/zabbix/zabbix_agentd.conf.d /etc/sudoers.d
run Zabbix sh -c; result $? "Zabbix: the agent's keys are installed" err
echo "systemctl restart zabbix-agent" >wanted; same "Zabbix: the agent is restarted" wanted log
[ "$(stat -c %a /etc/sudoers.d/pciprobe)" = 440 ]; result $? "Zabbix: the file for sudo has the mode that sudo wants"
printf '#!/bin/sh\n[ "$1" = -n ] && shift && exec "$@"\n' >tools/sudo
chmod +x tools/sudo
for key in pciprobe.json pciprobe.lld; do
	sh -c "$(sed -n "s/^UserParameter=$key,//p" /etc/zabbix/zabbix_agentd.conf.d/pciprobe.conf)" >out 2>err
	result $? "Zabbix: the command of $key succeeds" out err
	[ "$(python3 -c 'import json; print(open("out").read().count("\"0000:00:0"))')" -ge 3 ]
	result $? "Zabbix: $key has the devices" out
done
rm tools/sudo

# without cron's own fields, and with cron's minimal environment
cron() { env -i HOME=/root LOGNAME=root PATH=/usr/bin:/bin SHELL=/bin/sh sh -c "${1#"* * * * * root "}"; }
run cron cron; result $? "cron: the job succeeds" err
[ ! -s out ] && [ ! -s err ]; result $? "cron: the job prints nothing" out err
python3 -c 'import json; print(*(device["address"] for device in json.load(open("/run/pci.json"))["devices"]), sep="\n")' >out
cut -d' ' -f1 devices >wanted; same "cron: the file has the devices" wanted out
must mount -t tmpfs none /sys/bus
cp /run/pci.json wanted
! run cron cron; result $? "cron: the job fails if nothing can be listed" out
same "cron: the file is kept if nothing can be listed" wanted /run/pci.json
umount /sys/bus
# program SCRIPT: replaces the installed program until restore
program() { printf '#!/bin/sh\n%s\n' "$1" >program; chmod +x program; must mount --bind program "$prefix/bin/pciprobe"; }
restore() { must umount "$prefix/bin/pciprobe"; }
program 'echo part; exit 3'
run cron cron; result $? "cron: the job succeeds with incomplete output" err
echo part >part; same "cron: incomplete output replaces the file" part /run/pci.json
restore
cp wanted /run/pci.json
for script in 'exit 2' 'exit 127' 'echo half; kill -9 $$' 'echo half; exit 1'; do
	program "$script"
	! run cron cron; result $? "cron: the job fails after '$script'" out
	same "cron: the file is kept after '$script'" wanted /run/pci.json
	restore
done
mv "$prefix/bin/pciprobe" "$prefix/bin/pciprobe.moved"
! run cron cron; result $? "cron: the job fails without the program" out
same "cron: the file is kept without the program" wanted /run/pci.json
mv "$prefix/bin/pciprobe.moved" "$prefix/bin/pciprobe"

for shell in sh bash; do
	run scripts $shell -c; result $? "scripts: the line succeeds in $shell" err
	printf '0000:00:02.0 100\n0000:00:03.0 -\n0000:00:04.0 -\n' >wanted; same "scripts: the line prints one device per line in $shell" wanted out
done

# directories that may not exist, and must not be modified
must cp -a /etc etc
must mount --bind etc /etc
mkdir -p /etc/nova/nova.conf.d misc
must mount --bind /usr/share/misc misc
must mount -t tmpfs none /usr/share
mkdir -p /usr/share/misc /usr/share/cloudstack-common/scripts/vm/hypervisor/kvm
must mount --bind misc /usr/share/misc

run CloudStack sh -c; result $? "CloudStack: the script is installed" err
env -i PATH=/usr/bin:/bin /usr/share/cloudstack-common/scripts/vm/hypervisor/kvm/gpudiscovery.sh >out 2>err
result $? "CloudStack: the agent runs the script" err
pciprobe -f cloudstack >wanted; same "CloudStack: the agent gets the devices" wanted out
python3 -c 'import json, sys; print(*(device["pci_address"] for device in json.load(sys.stdin)["gpus"]), sep="\n")' <out >addresses
printf '00:02.0\n00:03.0\n00:04.0\n' >wanted; same "CloudStack: the agent gets all devices" wanted addresses

run Nova sh -c; result $? "Nova: the configuration is installed and verified" err
pciprobe -f nova >wanted; same "Nova: the configuration has the devices" wanted /etc/nova/nova.conf.d/pci.conf
printf '[pci]\n%s\n%s\n' 'device_spec = {"vendor_id":"8086","product_id":"10d3","address":"0000:00:*.0"}' \
	'alias = {"name":"10GE","vendor_id":"8086","product_id":"10d3","device_type":"type-PCI"}' >wanted
same "Nova: the devices are in one line, with their alias" wanted /etc/nova/nova.conf.d/pci.conf
for script in 'exit 1' 'echo half; exit 3' 'echo half; kill -9 $$'; do
	program "$script"
	! run Nova sh -c; result $? "Nova: the line fails after '$script'" out
	same "Nova: the file is kept after '$script'" wanted /etc/nova/nova.conf.d/pci.conf
	restore
done

# ---- completeness ----
sed -n '/^## Supported systems/,/^## Documentation/s/^| \([A-Z a-z]*\) | `.*/\1/p' "$SOURCES/README.md" | sort >rows
printf '%s\n' OpenNebula CloudStack Nova libvirt "Proxmox VE" "Proxmox VE cluster" KubeVirt Incus collectd Prometheus Nagios Icinga NRPE Checkmk Telegraf systemd Zabbix cron scripts | sort >wanted
same "all lines of the table were run" wanted rows
echo "1..$number"
