#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The program as users run it: at a terminal, in a pipe, from cron, without privileges, with a full
# disk, with wrong arguments. Prints TAP. PCIPROBE is the program, SOURCES the top of the source
# tree.
set -u
umask 022
PCIPROBE=${PCIPROBE:-pciprobe}
SOURCES=$(realpath "${SOURCES:-.}")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
chmod 755 "$work"
# shellcheck source=../tap.sh
. "$SOURCES/tests/tap.sh"

# silent FILE TITLE: FILE is empty.
silent() { [ ! -s "$1" ]; result $? "$2" "$1"; }

# device ROOT ADDRESS VENDOR:DEVICE CLASS [DRIVER]
device() {
	local directory=$1/sys/devices/pci0000:00/$2
	mkdir -p "$directory" "$1/sys/bus/pci/devices"
	ln -s "../../../devices/pci0000:00/$2" "$1/sys/bus/pci/devices/$2"
	printf '%sPCI_CLASS=%s\nPCI_ID=%s\nPCI_SUBSYS_ID=0000:0000\nPCI_SLOT_NAME=%s\nMODALIAS=pci:x\n' \
		"${5:+DRIVER=$5
}" "$4" "$3" "$2" >"$directory/uevent"
}

mkdir -p machine/proc/sys/kernel
echo host1 >machine/proc/sys/kernel/hostname
device machine 0000:00:02.0 8086:10D3 20000 e1000e
device machine 0000:00:03.0 10DE:2204 30000 vfio-pci
device machine 0000:00:1f.3 8086:9C22 C0500
mkdir -p machine/sys/devices/pci0000:00/0000:00:02.0/net/enx525400123456
echo 52:54:00:12:34:56 >machine/sys/devices/pci0000:00/0000:00:02.0/net/enx525400123456/address
p() { "$PCIPROBE" --sysroot machine "$@"; }

# ---- help and version ----
expect 0 "--help succeeds" "$PCIPROBE" --help
says out "explain [ADDRESS...]" "--help lists the subcommands"
says out "opennebula" "--help lists the formats"
"$PCIPROBE" --help >help
expect 0 "help succeeds" "$PCIPROBE" help
cmp -s out help; result $? "help prints the same as --help" out help
expect 0 "help of a subcommand succeeds" "$PCIPROBE" help explain
says out "Usage: pciprobe explain [ADDRESS...] [OPTION...]" "help of a subcommand prints its usage"
says out "--device FILTER" "help of a subcommand lists its options"
! grep -q -e --format out; result $? "help of a subcommand lists no other options" out
cp out help
for arguments in "explain --help" "--help explain" "explain 00:99 -h"; do
	# shellcheck disable=SC2086  # words
	expect 0 "$arguments succeeds" "$PCIPROBE" $arguments
	cmp -s out help; result $? "$arguments prints the help of explain" out help
done
for subcommand in $("$PCIPROBE" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	expect 0 "help $subcommand succeeds" "$PCIPROBE" help "$subcommand"
done
expect 0 "--version succeeds" "$PCIPROBE" --version
expect 0 "-f help succeeds" "$PCIPROBE" -f help
cut -d' ' -f1 out | sort >formats
sed -n '/^\.SH FORMATS/,/^\.SH COLUMNS/{/^\.TP/{n;s/^\.B //p}}' "$SOURCES/man/pciprobe.1" | sort >paragraphs
cmp -s formats paragraphs
result $? "the manual page documents exactly the formats" formats paragraphs
expect 0 "-o help succeeds" "$PCIPROBE" -o help
says out "iommu_group" "-o help lists the columns"

# ---- wrong usage ----
for wrong in "--nonsense" "nonsense" "-f nonsense" "-o nonsense" "-o ," "-d" "-d 10de" "-s zz" "--name (" "list more" \
	"-f opennebula -o address" "-f cloudstack -o address" "--teaming" "-f json --teaming" "explain --teaming" "--iommufd" "-f incus --iommufd" "--owners nobody" \
	"--owners vfio,x" "--state x" "--state held," "--state" "--owner" "--driver" "--sort x" "--sort ," "-f nova --sort driver" \
	"explain --state held" "request a --no-bridges" "record --sort driver x" "help nonsense" "help list more" "nonsense --help" \
	"request" "request a:b" "request vendor=" "verify" "verify nova" "verify other x" "verify nova a b" \
	"verify nova x --release" "verify nova x --release 2027.1" "--release 2025.1" \
	"verify nova machine/nova.conf -a" "verify nova machine/nova.conf --json" "verify opennebula" "verify opennebula a b" \
	"verify cloudstack a -f table" "verify opennebula -c - -" "verify proxmox -a" "verify libvirt" "verify libvirt -c x a" \
	"verify help nova" "explain -f json" "explain 00:99" "record" "record a b"; do
	# shellcheck disable=SC2086  # words
	expect 2 "wrong usage: $wrong" p $wrong
	silent out "wrong usage prints nothing: $wrong"
done

# suggests NAME ARGUMENT...: the error message suggests NAME.
suggests() {
	local name=$1
	shift
	expect 2 "mistyped: $*" "$PCIPROBE" "$@"
	says err "(did you mean '$name'?)" "the error for $* suggests $name"
}
suggests list lst
suggests request requets a
suggests explain help explian
suggests json -f jsn
suggests iommu_group -o address,iommugroup
suggests NETDEV -o NETDVE
suggests driver --sort drvier
suggests held --state free,hedl
says err "valid states: unknown, free, host, reserved, held" \
	"the error for an unknown state lists all states"
expect 2 "an unknown subcommand that resembles no other is rejected" p nonsense
! grep -q "did you mean" err; result $? "the error for an unrelated name suggests nothing" err

# ---- listing ----
expect 0 "the default format succeeds" p
says out "82574L Gigabit Network Connection" "the table has names"
expect 0 "options are accepted in any order" p list -f raw -o address -d 10de: --no-headings
[ "$(cat out)" = 0000:00:03.0 ]; result $? "-d selects devices" out
expect 0 "-s is accepted" p -s 1f.3 -f raw -o address --no-headings
[ "$(cat out)" = 0000:00:1f.3 ]; result $? "-s selects devices" out
expect 0 "--name is accepted" p --name gigabit -f raw -o +label --no-headings
[ "$(wc -l <out)" -eq 1 ]; result $? "--name selects devices" out
expect 0 "a table without processes succeeds" p -f table -o address,ownership
says err "warning: owner unknown of 2 devices: a recording has no processes" \
	"a table without processes warns about unknown owners"
[ "$(grep -c "owner unknown" err)" -eq 1 ]; result $? "the warning about unknown owners is logged once" err
expect 0 "json without processes succeeds" p -f json
! grep -q "owner unknown" err; result $? "json, with a field for the reason, logs no warning" err
expect 0 "export succeeds" p -f export -o address,driver,iommu_group
says out 'ADDRESS="0000:00:03.0" DRIVER="vfio-pci" IOMMU_GROUP=""' "export prints KEY=\"value\""
expect 0 "json succeeds" p -f json
python3 -c 'import json,sys; d=json.load(open("out")); sys.exit(len(d["devices"]) != 3 or d["host"] != "host1")' </dev/null
result $? "json is valid and complete" out
expect 0 "tree succeeds" p -f tree
expect 0 "-J succeeds" p -J
p -f json | sed 's/"time": "[^"]*"//' >wanted
sed 's/"time": "[^"]*"//' out | cmp -s - wanted; result $? "-J is the same as -f json" out
expect 0 "-o all succeeds" p -f export -o all
p -f export >wanted
cmp -s out wanted; result $? "-o all prints all columns" out
expect 0 "onehost succeeds" p -f onehost
says out "         ? 00:03.0  10de:2204:0300  GA102 [GeForce RTX 3090]" \
	"onehost shows a question mark for an unknown owner"
mkdir -p machine/proc/1/fd machine/proc/77/fd
ln -s ../../../kernel/iommu_groups/5 machine/sys/devices/pci0000:00/0000:00:03.0/iommu_group
ln -s /dev/vfio/5 machine/proc/77/fd/9
mkdir -p machine/proc/77/fdinfo machine/sys/class/vfio/5 machine/numbers/dev/vfio
echo "flags: 02" >machine/proc/77/fdinfo/9
echo 246:5 | tee machine/sys/class/vfio/5/dev >machine/numbers/dev/vfio/5
printf 'qemu-system-x86_64\0-name\0guest=one-1\033[2J\n]]>"\\\0-device\0vfio-pci,host=00:03.0\0' >machine/proc/77/cmdline
echo "77 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0" >machine/proc/77/stat
expect 0 "opennebula with a hostile VM name succeeds" p -f opennebula --usage
says out ' VM_NAME = "one-1 [2J ] ]>\"/" ,' "opennebula escapes a hostile VM name"
expect 0 "dot with a hostile VM name succeeds" p -f dot
says out 'held by one-1?[2J?]]>\"\\", fillcolor=' "dot escapes a hostile VM name"
for format in table raw export json tree dot onehost libvirt proxmox incus; do
	p -f $format -o +vm_names >out 2>/dev/null || p -f $format >out
	! LC_ALL=C grep -q "$(printf '\033')" out
	result $? "$format escapes a hostile VM name" out
done
rm -r machine/proc/77 machine/proc/1 machine/sys/devices/pci0000:00/0000:00:03.0/iommu_group

# ---- row filters and sorting ----
tar -xf "$SOURCES/examples/host.tar.xz"
# rows EXPECTED TITLE ARGUMENT...: these addresses are listed (without domain)
rows() {
	local wanted=$1 name=$2
	shift 2
	expect 0 "$name" "$PCIPROBE" --sysroot host -a -f raw -o address --no-headings "$@"
	[ "$(sed s/0000:// out | tr '\n' ' ')" = "$wanted" ]; result $? "$name: the expected devices are listed" out
}
rows "01:00.0 " "a state" --state held
rows "00:03.0 01:00.0 02:00.0 " "several states" --state host,held -d ::0108 -d 8086:10d3
rows "00:03.0 01:00.0 02:00.0 " "repeated --state" --state held --state host -d ::0108 -d 8086:10d3
rows "" "a state without devices" --state reserved
rows "01:00.0 " "an owner by name" --owner one-42
rows "01:00.0 " "an owner by id" --owner 42
rows "01:00.0 " "an owner by UUID, in any case" --owner 2C4E0B0C-7b1a-4f53-8d5a-0d4e33c0e1b1
rows "" "no owner by a part of its name" --owner one-4
rows "" "no VM by its program" --owner qemu-system-x86_64
rows "01:00.0 " "several owners" --owner web --owner one-42
rows "00:03.0 02:00.0 " "several drivers" --driver e1000e,nvme
rows "01:00.0 02:00.2 " "a driver" --driver vfio-pci
rows "" "a driver without devices" --driver vfio
rows "02:00.2 " "driver and state" --driver vfio-pci --state free
rows "01:00.0 " "driver and -d" --driver vfio-pci -d 8086:
rows "00:03.0 00:04.0 00:1d.0 00:1e.0 00:1f.2 00:1f.3 01:00.0 02:00.0 02:00.1 02:00.2 " "no bridges" --no-bridges
rows "00:03.0 01:00.0 02:00.0 02:00.1 02:00.2 " "numeric sorting" --sort iommu_group -d ::0108 -d 8086:10d3
rows "02:00.1 02:00.2 02:00.0 " "devices without a value are sorted last" --sort vf_index -d ::0108
rows "00:03.0 02:00.0 01:00.0 02:00.2 02:00.1 " "sorting by several columns" --sort driver,iommu_group -d ::0108 -d ::0200
rows "02:00.1 02:00.2 01:00.0 00:03.0 02:00.0 " "equal rows are sorted by address" --sort ownership -d ::0108 -d ::0200
for format in table tree json export prometheus openmetrics influx zabbix-lld; do
	"$PCIPROBE" --sysroot host -a -f $format --sort driver >out 2>err
	result $? "$format with --sort succeeds" err
	"$PCIPROBE" --sysroot host -a -f $format >unsorted
	# without line decoration and values that differ between runs
	for file in out unsorted; do
		sed -i 's/,probe=.*//; s/ [0-9]\{19\}$//; /duration/d; s/[├└─│ ,`|-]//g; /"time"/d' $file
	done
	! cmp -s out unsorted; result $? "--sort changes the order of $format" out
	cmp -s <(sort out) <(sort unsorted)
	result $? "--sort keeps the rows of $format" out unsorted
done
expect 0 "json with --state succeeds" "$PCIPROBE" --sysroot host -a -J --state free -d ::0108
[ "$(grep -c '"address": ' out)" -eq 2 ]; result $? "json with --state lists two devices" out
says out '"selected": 2' "json with --state counts the listed devices"
expect 0 "libvirt with --owner succeeds" "$PCIPROBE" --sysroot host -a -f libvirt --owner 42
[ "$(grep -c '^<!-- ' out)" -eq 1 ]; result $? "libvirt with --owner prints one device" out
expect 0 "a tree with --no-bridges succeeds" "$PCIPROBE" --sysroot host -a -f tree --no-bridges
says out "00:02.0" "a tree with --no-bridges shows bridges above devices"
! grep -q "0000:00:1f.0" out; result $? "a tree with --no-bridges shows no other bridges" out
expect 0 "--state help succeeds" p --state help
[ "$(cut -d' ' -f1 out | tr '\n' ' ')" = "unknown free host reserved held " ]; result $? "--state help lists the states" out

# ---- configuration ----
printf ':filter: 10de:*\n' >nvidia.conf
expect 0 "-c succeeds" p -c nvidia.conf -f raw -o address --no-headings
[ "$(cat out)" = 0000:00:03.0 ]; result $? "-c selects devices" out
expect 0 "-c - succeeds" \
	sh -c "'$PCIPROBE' --sysroot machine -c - -f raw -o address --no-headings <nvidia.conf"
[ "$(cat out)" = 0000:00:03.0 ]; result $? "-c - reads standard input" out
expect 0 "explain -c - succeeds" \
	sh -c "cat nvidia.conf | '$PCIPROBE' --sysroot machine explain -c - 00:03.0"
says out "matched by :filter: '10de:*' (stdin:1:10)" \
	"explain -c - prints the rule's location in stdin"
expect 0 "record -c - succeeds" sh -c "'$PCIPROBE' --sysroot machine record piped -c - <nvidia.conf"
[ "$(find piped -name pci.conf -exec cat {} +)" = "$(cat nvidia.conf)" ]; result $? "record -c - includes the configuration"
expect 0 "-c - with -a does not read standard input" \
	sh -c "'$PCIPROBE' --sysroot machine -a -c - <&-"
expect 1 "-c - fails with a directory" sh -c "'$PCIPROBE' --sysroot machine -c - </"
says err "stdin: Is a directory" "the directory is reported"
printf ":filter: ['*:*', '!10de:*', '!::0c05']\n" >exclude.conf
expect 0 "exclusions succeed" p -c exclude.conf -f raw -o address --no-headings
[ "$(cat out)" = 0000:00:02.0 ]; result $? "exclusions select the other devices" out
expect 0 "an exclusion with -d succeeds" p -a -d '!10de:*' -f raw -o address --no-headings
[ "$(wc -l <out)" -eq 2 ]; result $? "an exclusion with -d selects the other devices" out
expect 0 "explain with an exclusion succeeds" p explain -c exclude.conf 00:03.0
says out "rejected by :filter: '!10de:*' (exclude.conf:1:18)" \
	"explain prints the exclusion and its location"
printf ":filter: !10de:*\n" >tag.conf
expect 1 "an exclusion without quotes fails" p -c tag.conf
says err "tag.conf:1:10: '!10de:*' is a tag in YAML, because it begins with !; put quotes around" \
	"the error asks for quotes"
expect 0 "-a with -c succeeds" p -c nvidia.conf -a -f raw --no-headings
[ "$(wc -l <out)" -eq 3 ]; result $? "-a overrides -c" out
expect 0 "an empty selection succeeds" p -c "$SOURCES/etc/pci.conf" -f raw --no-headings
silent out "an empty selection prints nothing"
help="edit it; 'pciprobe -a' shows all devices, 'pciprobe explain' says why"
says err "warning: 0 of 3 devices selected by $SOURCES/etc/pci.conf (:filter: '0:0' matches none): $help" \
	"the warning about an empty selection suggests what to do"
[ "$(wc -l <err)" -eq 1 ]; result $? "the warning about an empty selection has one line" err
expect 0 "-q with an empty selection succeeds" p -q -c "$SOURCES/etc/pci.conf" -f raw --no-headings
silent err "-q suppresses the warning"
for format in prometheus openmetrics influx collectd zabbix-lld opennebula cloudstack; do
	expect 0 "an empty selection in $format succeeds" p -c "$SOURCES/etc/pci.conf" -f $format
	silent err "$format, for monitoring, logs no warning"
done
for format in table tree export json nova libvirt; do
	expect 0 "an empty selection in $format succeeds" p -c "$SOURCES/etc/pci.conf" -f $format
	says err "0 of 3 devices selected" "$format logs the warning"
done
: >empty.conf
expect 0 "an empty configuration succeeds" p -c empty.conf -f raw
says err "0 of 3 devices selected by empty.conf (the file is empty): $help" \
	"an empty configuration is reported"
printf '# all of it\n#:filter: 10de:*\n' >empty.conf
expect 0 "a configuration with only comments succeeds" p -c empty.conf -f raw
says err "0 of 3 devices selected by empty.conf (the file is empty): $help" \
	"a configuration with only comments is reported as empty"
printf ':filters: 10de:*\n' >mistyped.conf
expect 0 "an unknown key succeeds" p -c mistyped.conf -f raw
says err "warning: mistyped.conf:1:1: unknown key ':filters' ignored (did you mean ':filter:'?)" \
	"the warning about an unknown key suggests the right one"
says err "0 of 3 devices selected by mistyped.conf (:filter: is missing or empty): $help" \
	"the missing filter is reported"
printf ':filter: [1:2, 3:4]\n' >nothing.conf
expect 0 "rules that match no device succeed" p -c nothing.conf -f raw
says err "selected by nothing.conf (no rule of :filter: matches): $help" \
	"rules that match no device are reported"
printf ':filter:\n:short_address: 07:00.0\n' >nothing.conf
expect 0 "an absent address succeeds" p -c nothing.conf -f raw
says err "selected by nothing.conf (:short_address: '07:00.0' matches none): $help" \
	"an absent address is reported"
expect 0 "-d without matching devices succeeds" p -c nvidia.conf -d 8086: -f raw --no-headings
silent err "-d without matching devices logs nothing in a pipe"
expect 0 "-d without matching devices or configuration succeeds" p -d 1234: -f raw --no-headings
silent err "-d without matching devices or configuration logs nothing"
expect 1 "a request with an empty selection fails" p request -c "$SOURCES/etc/pci.conf" vendor=10de
says err "0 of 3 devices selected by $SOURCES/etc/pci.conf" \
	"a request with an empty selection is reported"
printf ':filter:\n  - 10de:*\n  - 8068\n:shrt_address: x\n' >typo.conf
expect 1 "an invalid filter in the configuration fails" p -c typo.conf
silent out "an invalid configuration lists no devices"
says err "typo.conf:3:5: invalid filter '8068'" "an invalid filter is reported with its location"
says err "typo.conf:4:1: unknown key ':shrt_address' ignored (did you mean ':short_address:'?)" \
	"an unknown key is reported with its location"
expect 1 "a missing configuration fails" p -c nowhere.conf
says err "nowhere.conf: No such file" "a missing configuration is reported"
device other 0000:00:02.0 8086:10D3 20000
expect 0 "explain succeeds" p explain -c nvidia.conf
says out "matched by :filter: '10de:*' (nvidia.conf:1:10)" \
	"explain prints the matching rule and its location"
says out "not matched by :filter: (nvidia.conf:1:1)" "explain prints what rejects a device"
printf ':filter: 10de:*,1002:*\n' >amd.conf
expect 0 "explain with an unused rule succeeds" p explain -c amd.conf
says out ":filter: '1002:*' (amd.conf:1:10)" "explain prints unused rules with their location"

# ---- leftovers ----
device vfs 0000:00:02.0 8086:10C9 20000 igb
device vfs 0000:00:02.1 8086:10CA 20000 vfio-pci
device vfs 0000:00:02.2 8086:10CA 20000 vfio-pci
pci=vfs/sys/devices/pci0000:00
mkdir -p vfs/netlink "$pci/0000:00:02.0/net/eth0" vfs/proc/1/fd
for vf in 1 2; do
	ln -s ../0000:00:02.0 "$pci/0000:00:02.$vf/physfn"
	ln -s "../0000:00:02.$vf" "$pci/0000:00:02.0/virtfn$((vf - 1))"
done
printf 'init\0' >vfs/proc/1/cmdline
echo "1 (init) S$(printf ' 1%.0s' {1..18}) 100 0" >vfs/proc/1/stat
printf 'vf 0000:00:02.0 0 vlan=100 trust=on\nend 1\n' >vfs/netlink/vf-settings
expect 0 "explain succeeds with VFs" "$PCIPROBE" --sysroot vfs explain
says out "leftover of a previous VM: vlan 100, trust on" "explain prints leftovers"
says out "VF settings unknown: the driver reported no settings" "explain says why settings are unknown"
printf ':filter:\n:vf_defaults: {vlan: 100}\n' >vlan.conf
expect 0 "explain succeeds with :vf_defaults:" "$PCIPROBE" --sysroot vfs -c vlan.conf explain 00:02.1
says out "leftover of a previous VM: trust on" "what pci.conf states is not a leftover"

# ---- a process that uses a device through its host driver ----
device drm 0000:00:02.0 1234:1111 30000 bochs-drm
mkdir -p drm/sys/class/drm drm/sys/devices/pci0000:00/0000:00:02.0/drm/card0 drm/numbers/dev/dri
ln -s ../../devices/pci0000:00/0000:00:02.0/drm/card0 drm/sys/class/drm/card0
echo 226:0 | tee drm/sys/devices/pci0000:00/0000:00:02.0/drm/card0/dev >drm/numbers/dev/dri/card0
for pid in 1 77; do
	mkdir -p drm/proc/$pid/fd drm/proc/$pid/fdinfo
	printf 'Xorg\0-nolisten\0' >drm/proc/$pid/cmdline
	echo "$pid (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0" >drm/proc/$pid/stat
done
ln -s /dev/dri/card0 drm/proc/77/fd/9
echo "flags: 02" >drm/proc/77/fdinfo/9
drm() {
	"$PCIPROBE" --sysroot drm "$@"
}
expect 0 "a device on its host driver is listed" \
	drm -f raw --no-headings -o ownership,conflict,owners,pids,claims,owner_sources,vm_names
says out "host no Xorg 77 host-process nodes -" "its process is named, the state stays host"
expect 0 "explain succeeds with a host process" drm explain
says out "used by Xorg, process 77 (nodes)" "explain names the host process"
expect 0 "an owner can be a host process" drm -f raw --no-headings -o address --owner Xorg
says out "0000:00:02.0" "the device of the host process is selected"
for format in prometheus openmetrics influx collectd opennebula; do
	expect 0 "$format succeeds with a host process" drm -f $format
	! grep -q Xorg out; result $? "$format omits host processes" out
done
expect 0 "the state alone needs no host processes" drm -f raw --no-headings -o ownership
expect 0 "explain of one device succeeds" p explain 00:1f.3
says out "selected: no pci.conf and no filter" "explain reports that there are no rules"
expect 1 "explain of an absent device fails" p explain 00:05.0
says err "00:05.0: this host has no such device" "the absent device is reported"

# ---- requests ----
mkdir -p machine/proc/1/fd
printf ":filter:\n:alias:\n  - {name: gpu, filter: '10de:*'}\n  - {name: nic, filter: '::0200'}\n" >alias.conf
expect 2 "a request for an unknown alias is a usage error" p request -c alias.conf gpux
says err "no alias 'gpux' in alias.conf (defined: gpu, nic)" "the defined aliases are reported"
expect 2 "a request for an alias without any defined is a usage error" p request -c nvidia.conf gpu
says err "no alias 'gpu' in nvidia.conf (none defined)" "the missing aliases are reported"
expect 2 "a request for a bare address is a usage error" p request 00:03.0
says err "request: '00:03.0' looks like an address; write address=00:03.0" \
	"the syntax of addresses is suggested"
expect 2 "a request for bare ids is a usage error" p request 10de:2204
says err "request: '10de:2204' looks like vendor and device; write vendor=10de,device=2204" \
	"the syntax of ids is suggested"
expect 2 "a request for an invalid id is a usage error" p request vendor=xyz
says err "request: vendor must be four hex digits, not 'xyz'" "the invalid id is reported"
expect 2 "a request for zero devices is a usage error" p request gpu:0
says err "request: count must be 1 to 1024, not '0'" "the range of counts is reported"
expect 2 "a request with an unknown key is a usage error" p request vednor=10de
says err "request: unknown key 'vednor' (did you mean 'vendor'?)" "the right key is suggested"
expect 2 "a request for an invalid address is a usage error" p request address=00:99
says err "request: invalid PCI address '00:99': expected e.g. 07:00.0, 0000:07:00.0, 07:00.0=10de:2204 or the path 00:1c.0/00.0" \
	"the invalid address is reported"
[ "$(wc -l <err)" -eq 1 ]; result $? "the invalid address is reported on one line" err
expect 2 "a request for a bare path is a usage error" p request 00:03.0/00.0
says err "request: '00:03.0/00.0' looks like an address; write address=00:03.0/00.0" \
	"the syntax of paths is suggested"
expect 1 "a request for an address with other ids fails" p request -a address=00:03.0=8086:10d3
says err "request: address changed: 0000:00:03.0 is 10de:2204, expected 8086:10d3; 8086:10d3 is at 0000:00:02.0" \
	"the request says where the ids are now"
expect 1 "a request that cannot be served fails" p request -c alias.conf gpu
silent out "a failed request prints no device"
says err "pciprobe: gpu: 1 requested, none available (1 matching device):" \
	"a failed request is reported"
says err "  0000:00:03.0: not in an IOMMU group; 'vfio-bind check' says why" \
	"the reason of a failed request is reported"
ln -s ../../../kernel/iommu_groups/5 machine/sys/devices/pci0000:00/0000:00:03.0/iommu_group
expect 0 "a request that can be served succeeds" p request -c alias.conf gpu
[ "$(cat out)" = 0000:00:03.0 ]; result $? "a request prints the device" out
silent err "a successful request logs nothing"
expect 0 "a request by ids succeeds" p request -c alias.conf vendor=10de,class=0300
expect 0 "a request by address succeeds" p request -c alias.conf address=00:03.0
expect 1 "requests for the same device twice fail" p request -c alias.conf gpu address=00:03.0
expect 1 "a request for more devices than available fails" p request -c alias.conf gpu:2
says err "gpu:2: 2 requested, 1 available (1 matching device)" \
	"the number of available devices is reported"
[ "$(wc -l <err)" -eq 1 ]; result $? "a shortage is reported on one line" err
expect 1 "two requests for one device fail" p request -c alias.conf gpu vendor=10de
says err "vendor=10de: 1 requested, none available (1 matching device):" \
	"the second request is reported"
says err "  1 available device is assigned to the other requests" \
	"the device assigned to the first request is reported"
expect 1 "a request for a device that is not selected fails" \
	p request -c nvidia.conf address=00:1f.3
says err "address=00:1f.3: 1 requested, none available (1 matching device):" \
	"a device that is not selected is counted"
says err "  0000:00:1f.3: not selected; 'pciprobe explain 0000:00:1f.3' says why" \
	"the explain command is suggested"
expect 1 "a request for an absent device fails" p request vendor=dead
says err "vendor=dead: 1 requested, but this host has no matching device" \
	"the absent device is reported"
expect 1 "a request for a device used by the host fails" p request -c alias.conf nic
says err "  0000:00:02.0: bound to host driver e1000e, and not in an IOMMU group; 'vfio-bind check' says why" \
	"the host driver is reported"
ln -s ../../../kernel/iommu_groups/4 machine/sys/devices/pci0000:00/0000:00:02.0/iommu_group
ln -s ../../../bus/pci/drivers/e1000e machine/sys/devices/pci0000:00/0000:00:02.0/driver
expect 1 "a request for a device that could be bound fails" p request -c alias.conf nic
says err "  0000:00:02.0: bound to host driver e1000e; 'vfio-bind bind 0000:00:02.0' can make it available" \
	"the bind command is suggested"
mkdir -p machine/sys/kernel/iommu_groups/5/devices
ln -s ../../../../devices/pci0000:00/0000:00:02.0 machine/sys/kernel/iommu_groups/5/devices/0000:00:02.0
ln -s ../../../../devices/pci0000:00/0000:00:03.0 machine/sys/kernel/iommu_groups/5/devices/0000:00:03.0
ln -sfn ../../../kernel/iommu_groups/5 machine/sys/devices/pci0000:00/0000:00:02.0/iommu_group
expect 1 "a request for a device of a non-viable group fails" p request -c alias.conf gpu
says err "  0000:00:03.0: IOMMU group 5 is not viable: 0000:00:02.0 is bound to a host driver; 'vfio-bind bind --group 0000:00:03.0' can make it available" \
	"the peer with a host driver is reported"
rm -r machine/sys/kernel machine/sys/devices/pci0000:00/0000:00:02.0/iommu_group
expect 0 "a request with a format succeeds" \
	p request -c alias.conf gpu -f raw -o address,aliases,available --no-headings
[ "$(cat out)" = "0000:00:03.0 gpu yes" ]; result $? "a request with a format prints the columns" out
expect 0 "a request in the format libvirt succeeds" p request -c alias.conf gpu -f libvirt
grep -qF "<address domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>" out; result $? "a request in the format libvirt prints XML" out
[ "$(grep -c '<!-- ' out)" -eq 1 ]; result $? "a request in the format libvirt prints only that device" out
expect 0 "libvirt succeeds" p -f libvirt
says out "<!-- 0000:00:02.0 82574L Gigabit Network Connection" \
	"libvirt prints a comment for each device"
expect 1 "a request without ownership sources fails" p request --owners none -c alias.conf gpu
says err "  0000:00:03.0: owner unknown: the source vfio is disabled" \
	"the unknown owner and the reason are reported"
expect 0 "aliases succeeds" p -c alias.conf -f aliases
awk '$1 == "gpu" && $2 == 1 && $3 == 1 && $4 == 1 && $7 == 0 {a++} $1 == "nic" && $2 == 1 && $3 == 0 && $7 == 1 {a++}
	END {exit a != 2}' out
result $? "aliases prints the totals" out
expect 0 "explain with aliases succeeds" p explain -c alias.conf 00:03.0
says out "has the alias gpu" "explain prints aliases"
says out "available: can be assigned to a VM" "explain prints the availability"
rm -r machine/proc/1 machine/sys/devices/pci0000:00/0000:00:03.0/iommu_group
expect 0 "--owners help succeeds" p --owners help
says out "libvirt" "--owners help lists the sources"

# ---- terminals ----
# terminal COLUMNS COMMAND: prints the command's output on a terminal.
terminal() {
	python3 -B "$SOURCES/tests/standalone/terminal.py" "$1" "$2" </dev/null | tr -d '\r'
}
terminal 80 "$PCIPROBE --sysroot machine -c $SOURCES/etc/pci.conf" >out
says out "0 of 3 devices selected by $SOURCES/etc/pci.conf (:filter: '0:0' matches none): $help" \
	"an empty selection is reported on a terminal"
terminal 80 "$PCIPROBE --sysroot machine -c $SOURCES/etc/pci.conf -f prometheus" >out
says out "0 of 3 devices selected" "an empty selection is reported on a terminal in every format"
terminal 80 "$PCIPROBE --sysroot machine -a -d 1234:" >out
says out "0 of 3 devices selected by the command line" \
	"-d without matching devices is reported on a terminal"
terminal 80 "LC_ALL=C NO_COLOR=1 $PCIPROBE --sysroot machine" >out
[ -s out ] && awk 'length($0) > 80 {exit 1}' out; result $? "the table fits the terminal" out
! grep -q "$(printf '\033')" out; result $? "NO_COLOR is honoured" out
terminal 80 "$PCIPROBE --sysroot machine" >out
grep -q "$(printf '\033')" out; result $? "colours are used on a terminal" out
p >out; ! grep -q "$(printf '\033')" out; result $? "no colours are used in a pipe" out

# ---- table and tree ---- fits WIDTH COMMAND LINES: the output has this number of lines, and all
# but the summary fit the terminal.
fits() {
	terminal "$1" "LC_ALL=C NO_COLOR=1 $2 2>/dev/null" >out
	sed '$d' out | awk -v width="$1" 'length($0) > width {exit 1}' && [ "$(wc -l <out)" -eq "$3" ]
}
tar -xf "$SOURCES/examples/host.tar.xz"
for width in 1 2 7 8 10 15 20 33 40 60 79 80 81 100 132 200; do
	fits $width "$PCIPROBE --sysroot host" 16; result $? "the table fits $width columns" out
	fits $width "$PCIPROBE --sysroot host --owners none" 16
	result $? "the table with unknown owners fits $width columns" out
	[ $width -lt 10 ] || fits $width "$PCIPROBE --sysroot host -f tree" 16
	result $? "the tree fits $width columns" out
done
fits 80 "$PCIPROBE --sysroot host" 16
[ "$(head -n 1 out)" = "ADDRESS ID        DRIVER     GROUP STATE AVAIL OWNER  NAME" ]
result $? "80 columns: empty and less important columns are hidden" out
grep -q '^01:00.0 8086:10d3 vfio-pci  *8 held  *one-42 82574L Gigabit Network [^ ]*\.\.\.$' out
result $? "a truncated name ends in dots" out
grep -q '^02:00.1 1b36:0010  *10 free  yes  ' out; result $? "a free device is shown as available" out
[ "$(tail -n 1 out)" = "14 devices: 1 held, 5 free, 8 host" ]; result $? "the summary is the last line" out
terminal 80 "LC_ALL=C.UTF-8 NO_COLOR=1 $PCIPROBE --sysroot host" >out
says out "82574L Gigabit Network Co…" "in UTF-8 a truncated name ends in an ellipsis"
terminal 80 "LC_ALL=C.UTF-8 NO_COLOR=1 $PCIPROBE --sysroot host --no-headings" >out
[ "$(wc -l <out)" -eq 14 ]; result $? "--no-headings omits the summary, too" out
terminal 80 "LC_ALL=C.UTF-8 NO_COLOR=1 $PCIPROBE --sysroot host -s 1:0.0" >out
[ "$(tail -n 1 out)" = "1 device: 1 held" ]; result $? "the summary of one device is singular" out
fits 200 "$PCIPROBE --sysroot host" 16
[ "$(head -n 1 out)" = "ADDRESS ID        DRIVER     GROUP STATE AVAIL VM OWNER  SRIOV NETDEV NAME" ]
result $? "200 columns: only empty columns are hidden" out
grep -q '^00:03.0 8086:10d3 e1000e  *2 host  *eth0  *82574L Gigabit Network Connection$' out
result $? "200 columns: no name is truncated" out
"$PCIPROBE" --sysroot host >in-pipe
sed '$d' out | cmp -s - in-pipe; result $? "a pipe gets the same table without the summary" out in-pipe
"$PCIPROBE" --sysroot host -o +macs,vfs_total | head -n 1 >out
grep -q ' NAME  *MACS  *VFS_TOTAL$' out; result $? "added columns are shown even if they are empty" out
terminal 80 "NO_COLOR=1 $PCIPROBE --sysroot host -o address,vendor,device,conflict" >out
[ "$(head -n 2 out)" = "ADDRESS      VENDOR DEVICE CONFLICT
0000:00:00.0 8086   29c0   no" ]; result $? "selected columns are shown unchanged" out
[ "$(wc -l <out)" -eq 15 ]; result $? "selected columns are shown without a summary" out
terminal 80 "$PCIPROBE --sysroot host" >out
grep -q "$(printf '^01:00.0 .*\033\\[36mheld *\033')" out && grep -q "$(printf '^02:00.1 .*\033\\[32mfree *\033')" out
result $? "held and free devices are coloured" out
terminal 80 "$PCIPROBE --sysroot host --owners none 2>/dev/null" >out
grep -q "$(printf '^02:00.2 .*\033\\[35munknown *\033')" out; result $? "unknown owners are coloured" out
mkdir -p host/etc/pve/qemu-server host/run/qemu-server
for vm in 100 101; do printf 'name: vm%s\nhostpci0: 0000:02:00.2\n' $vm >host/etc/pve/qemu-server/$vm.conf; done
terminal 120 "$PCIPROBE --sysroot host -s 2:0.2" >out
grep -q "$(printf '\033\\[31mreserved *\033\\[0m *\033\\[31myes *\033.* vm100,vm101 ')" out
result $? "conflicts are coloured, with their own column" out
says out "1 device: 1 reserved; 1 in conflict" "the summary counts conflicts"
rm -r host/etc/pve host/run/qemu-server
expect 0 "a tree succeeds" "$PCIPROBE" --sysroot host -f tree
grep -q '^..*01:00.0 vfio-pci  *8 held  *one-42 Ethernet controller  *82574L' out; result $? "a tree shows state and owner" out
expect 0 "a tree of one device succeeds" "$PCIPROBE" --sysroot host -f tree -s 1:0.0
grep -q '^00:02.0  *pcieport  *1  *PCI bridge  *QEMU PCIe Root port$' out; result $? "a tree of one device shows the bridge above it" out
device people 0000:00:02.0 8086:FFF1 20000
device people 0000:00:03.0 FFF1:FFF2 F0F300
mkdir -p people/proc/1/fd
expect 0 "devices missing in pci.ids are listed" "$PCIPROBE" --sysroot people
grep -q ' Ethernet controller: Intel Corporation Device fff1$' out; result $? "devices missing in pci.ids are named by class and vendor" out
grep -q ' Class f0f3: Device fff1:fff2$' out; result $? "devices with unknown class and vendor are named by ids" out
head -n 1 out >headings
[ "$(cat headings)" = "ADDRESS ID        STATE AVAIL    NAME" ]; result $? "empty columns are hidden" headings
grep -q ' free  no-iommu ' out; result $? "the reason why a free device is unavailable is shown" out
device people 10000:01:00.0 8086:FFF1 20000
expect 0 "several PCI domains are listed" "$PCIPROBE" --sysroot people
grep -q '^0000:00:02.0 ' out && grep -q '^10000:01:00.0 ' out; result $? "addresses are printed with the domain" out

# ---- output errors ----
expect 1 "a full disk fails" sh -c "'$PCIPROBE' --sysroot machine -f json >/dev/full"
says err "standard output: No space left on device" "a full disk is reported"
expect 1 "a closed standard output fails" sh -c "'$PCIPROBE' --sysroot machine >&-"
says err "standard output: " "a closed standard output is reported"
expect 1 "a full disk fails with the format prometheus" \
	sh -c "'$PCIPROBE' --sysroot machine -f prometheus >/dev/full"
{ sleep 0.3; p -f json 2>err; echo $? >status; } | :
[ "$(cat status)" -eq 141 ]; result $? "a closed pipe terminates it by SIGPIPE" status err
silent err "a closed pipe logs nothing"
{ sleep 0.3; (trap '' PIPE; p -f json 2>err; echo $? >status); } | :
[ "$(cat status)" -eq 1 ]; result $? "a closed pipe fails if SIGPIPE is ignored" status err
says err "standard output: Broken pipe" "a closed pipe is reported if SIGPIPE is ignored"
# more output than the pipe's capacity
mkdir -p large/proc/sys/kernel
for bus in $(seq 10 29); do
	for slot in 00 01 02 03 04 05 06 07; do
		device large "0000:$bus:$slot.0" 8086:10D3 20000 e1000e
	done
done
for format in raw json prometheus table; do
	set -o pipefail
	"$PCIPROBE" --sysroot large -f $format 2>err | head -n 1 >out
	case $? in 0 | 141) [ -s out ] ;; *) false ;; esac # 0: all output was in the pipe before head exited
	result $? "$format of many devices is terminated by head" out
	set +o pipefail
	silent err "$format of many devices logs nothing then"
done
expect 0 "closed standard input and error are accepted" \
	sh -c "'$PCIPROBE' --sysroot machine --version <&- 2>&-"

# ---- unusual hosts ----
mkdir empty
expect 1 "a host without PCI fails" "$PCIPROBE" --sysroot empty
says err "empty/sys/bus/pci/devices: No such file or directory" "a host without PCI is reported"
silent out "a host without PCI prints nothing"
expect 1 "a missing sysroot fails" "$PCIPROBE" --sysroot nowhere
cp -a machine broken
mkdir broken/sys/bus/pci/devices/nonsense
rm broken/sys/devices/pci0000:00/0000:00:1f.3/uevent
expect 3 "an unreadable device gives exit status 3" \
	"$PCIPROBE" --sysroot broken -f raw -o address --no-headings
[ "$(wc -l <out)" -eq 2 ]; result $? "the other devices are listed" out
says err "device 0000:00:1f.3 is ignored" "the unreadable device is reported"
expect 3 "-q with an unreadable device gives exit status 3" "$PCIPROBE" -q --sysroot broken
silent err "-q suppresses the warning"
printf 'DRIVER=a\033[2J"b\\\xff\nPCI_CLASS=20000\nPCI_ID=8086:10D3\n' >broken/sys/devices/pci0000:00/0000:00:02.0/uevent
for format in table raw export json tree dot; do
	"$PCIPROBE" -q --sysroot broken -f $format >out
	! LC_ALL=C grep -q "$(printf '\033')" out && iconv -f UTF-8 -t UTF-8 out >/dev/null 2>&1
	result $? "$format escapes a hostile driver name" out
done
# reading unmapped memory gives EIO, unlike any regular file
if unshare -m true 2>/dev/null; then
	echo 0 >machine/sys/devices/pci0000:00/0000:00:03.0/numa_node
	expect 3 "an attribute that gives EIO results in exit status 3" unshare -m sh -c \
		"mount --bind /proc/\$\$/mem machine/sys/devices/pci0000:00/0000:00:03.0/numa_node &&
		'$PCIPROBE' --sysroot machine -f raw -o address,driver,numa_node --no-headings; status=\$?; exit \$status"
	says err "0000:00:03.0/numa_node: Input/output error" "the EIO is reported"
	says out "0000:00:03.0 vfio-pci -" "the other properties of the device are listed"
	rm machine/sys/devices/pci0000:00/0000:00:03.0/numa_node
else
	skip "an attribute that gives EIO results in exit status 3" "mount namespaces are not available"
fi
host=0
[ -d /sys/bus/pci/devices ] || host=1
if [ "$(id -u)" -eq 0 ]; then
	expect $host "the user nobody can list devices" setpriv --reuid=65534 --clear-groups "$PCIPROBE" -a
else
	expect $host "an unprivileged user can list devices" "$PCIPROBE" -a
fi
expect $host "devices can be listed with an empty environment" env -i "$PCIPROBE" -a

# ---- libraries ----
mkdir broken-libraries
for library in libpci.so.3 libsmartcols.so.1; do
	echo "not a library" >broken-libraries/$library
done
without_libraries() { LD_LIBRARY_PATH=$work/broken-libraries p "$@"; }
expect 0 "filters by id need no libpci" without_libraries -J -d 8086:10d3
expect 0 "names in pci.ids need no libpci" without_libraries -J -o address,device_name
says out "82574L Gigabit Network Connection" "the names are found without libpci"
for arguments in "-d ::0300" "-s 00:02.0"; do
	# shellcheck disable=SC2086  # words
	expect 1 "without libpci, $arguments fails" without_libraries -J $arguments
	says err "libpci.so.3: " "it is reported that libpci is missing for $arguments"
	silent out "without libpci, $arguments prints nothing"
done
echo ":alias: [{name: any, filter: '*:*'}]" >any.conf
for arguments in "" "-f tree" "-f raw" "-f aliases -c any.conf" "-f help" "-o help"; do
	# shellcheck disable=SC2086  # words
	expect 1 "without libsmartcols, list $arguments fails" without_libraries list $arguments
	says err "libsmartcols.so.1: " "it is reported that libsmartcols is missing for list $arguments"
	silent out "without libsmartcols, list $arguments prints nothing"
done
# a name service may wait for the network
if strace -qq -o trace true 2>/dev/null; then
	strace -f -qq -e trace=file -o trace "$PCIPROBE" -a -J -o vendor_name,device_name,subsystem_name,class_name \
		>out 2>err
	if grep -q 'hwdb\.bin' trace; then
		! grep -E '"/etc/(nsswitch\.conf|passwd)"|pciids-cache' trace >wrong
		result $? "a name that pci.ids lacks is not looked up by way of the user's home" wrong
	else
		skip "a name that pci.ids lacks is not looked up by way of the user's home" "pci.ids has all names"
	fi
else
	skip "a name that pci.ids lacks is not looked up by way of the user's home" "strace is not available"
fi

# ---- record ----
expect 0 "record succeeds" p record taken
expect 0 "a recording can be used as sysroot" "$PCIPROBE" --sysroot taken -f json
sed 's/"time": "[^"]*"//' out >recorded
p -f json | sed -e 's/"time": "[^"]*"//' -e 's/525400123456/020000000001/; s/52:54:00:12:34:56/02:00:00:00:00:01/' >real
cmp -s recorded real; result $? "a recording lists the same, with masked MAC addresses" recorded real
! grep -rqiE '52:?54:?00:?12:?34:?56' taken && [ -z "$(find taken -name '*525400123456*')" ]
result $? "a recording does not contain the MAC address"
mkdir -p machine/sys/class/mdev_bus/0000:00:03.0/mdev_supported_types/nvidia-63
expect 0 "record of a device with vGPU types succeeds" p record listed
expect 0 "listing vGPU types of a recording succeeds" \
	"$PCIPROBE" --sysroot listed -f raw -s 3.0 -o vgpu_types --no-headings
[ "$(cat out)" = nvidia-63 ]; result $? "vGPU types are in the recording" out
rm -r machine/sys/class
expect 1 "record into a directory that is not empty fails" p record taken
says err "taken: directory is not empty" "the directory that is not empty is reported"
cp -a machine configured
conf=$("$PCIPROBE" --help | sed -n 's/.*--config.*instead of //p')
mkdir -p "configured${conf%/*}"; cp nvidia.conf "configured$conf"
expect 0 "record with a configuration succeeds" "$PCIPROBE" --sysroot configured record taken2
expect 0 "listing a recording with a configuration succeeds" \
	"$PCIPROBE" --sysroot taken2 -f raw -o address --no-headings
[ "$(cat out)" = 0000:00:03.0 ]; result $? "the recorded configuration is used" out
# a malicious recording with links that lead out of it
cp -a machine evil
ln -s /etc evil/sys/devices/pci0000:00/0000:00:02.0/power
rm evil/sys/bus/pci/devices/0000:00:03.0
ln -s ../../../../../../../../../../../../../../../../../../../../../../tmp evil/sys/bus/pci/devices/0000:00:03.0
"$PCIPROBE" --sysroot evil record taken3 >out 2>err
[ ! -e /tmp/uevent ]; result $? "recording a malicious sysroot writes only into the target directory"

# ---- OpenNebula ----
mkdir -p machine/var/lib
p -f opennebula --usage >wanted
expect 0 "opennebula with a configuration succeeds" p opennebula -c nvidia.conf
says out ' SHORT_ADDRESS = "00:03.0" ,' "opennebula prints the selected devices"
cp out good
[ "$(cat machine/var/lib/pciprobe/opennebula/pci_net_names/0000:00:02.0 2>/dev/null)" = "" ]
result $? "interface names of devices that are not selected are not cached"
expect 0 "opennebula without a configuration succeeds" p opennebula
cmp -s out wanted; result $? "opennebula prints the same as the format" out wanted
[ "$(cat machine/var/lib/pciprobe/opennebula/pci_net_names/0000:00:02.0)" = enx525400123456 ]
result $? "the interface name is cached"
rm -r machine/sys/devices/pci0000:00/0000:00:02.0/net
grep -qx 'PCI_USAGE = \[\]' out; result $? "an empty PCI_USAGE is printed" out
expect 0 "opennebula --no-usage succeeds" p opennebula --no-usage
! grep -q PCI_USAGE out; result $? "opennebula --no-usage prints no PCI_USAGE" out
expect 0 "opennebula succeeds after the interface has disappeared" p opennebula
says out 'IFNAME = "enx525400123456"' "the cached interface name is printed"
printf ':filter: nonsense\n' >nvidia.conf
expect 0 "opennebula with an invalid configuration succeeds" p opennebula -c nvidia.conf
says err "nvidia.conf:1:10: invalid filter 'nonsense'" "the invalid configuration is reported"
says err "printed the last good output" "the use of cached output is reported"
expect 1 "opennebula fails without cached output" "$PCIPROBE" --sysroot empty opennebula
silent out "opennebula without cached output prints nothing"
planted=planted/var/lib/pciprobe/opennebula
mkdir -p $planted
chmod 777 $planted
echo "PCI = [ planted ]" >$planted/pciprobe.answer
expect 1 "cached output in a world-writable directory is rejected" \
	"$PCIPROBE" --sysroot planted opennebula
silent out "untrusted cached output is not printed"
chmod 755 $planted
mv $planted/pciprobe.answer answer
ln -s "$work/answer" $planted/pciprobe.answer
expect 1 "cached output that is a link is rejected" "$PCIPROBE" --sysroot planted opennebula
silent out "the target of a link is not printed"
rm -r $planted
ln -s "$work" $planted
cp answer pciprobe.answer
expect 1 "a state directory that is a link is rejected" "$PCIPROBE" --sysroot planted opennebula
silent out "nothing is read through a linked state directory"

# the state of versions before 0.2.0 was in a directory that anyone could create
old=machine/var/tmp/one_db
rm -r machine/var/lib/pciprobe
mkdir -p $old/pci_net_names
printf old0 >$old/pci_net_names/0000:00:02.0
ln -s /etc/hostname $old/pci_net_names/0000:00:03.0
printf x >$old/pci_net_names/notes
expect 0 "opennebula succeeds with old state" p opennebula
says out 'IFNAME = "old0"' "old interface names are migrated"
names=$(cd machine/var/lib/pciprobe/opennebula/pci_net_names && echo *)
[ "$names" = 0000:00:02.0 ]; result $? "only regular files of devices are migrated"
rm -r machine/var/lib/pciprobe
chmod 777 $old/pci_net_names
expect 0 "opennebula succeeds with old state that anyone can write" p opennebula
! grep -q old0 out; result $? "old state that anyone can write is ignored" out
rm -r machine/var/tmp machine/var/lib/pciprobe
mkdir -p "remotes/im/kvm-probes.d/host/system" remotes/etc/im/kvm-probes.d
sed "s|@bindir@|${PCIPROBE%/*}|" "$SOURCES/etc/opennebula/pci.in" >remotes/im/kvm-probes.d/host/system/pci.rb
chmod +x remotes/im/kvm-probes.d/host/system/pci.rb
printf ":filter: '*:*'\n" >remotes/etc/im/kvm-probes.d/pci.conf
# the monitor keeps state in /var/lib: use a temporary one
if unshare -m true 2>/dev/null; then
	monitor="mount -t tmpfs none /var/lib && echo '<xml/>' | $work/remotes/im/kvm-probes.d/host/system/pci.rb kvm /ds 4124 0 host1"
	expect 0 "the replacement of pci.rb succeeds" unshare -m sh -c "$monitor"
	"$PCIPROBE" -a -f opennebula --usage >wanted
	cmp -s out wanted; result $? "the replacement of pci.rb prints the format opennebula" out wanted
	expect 0 "the replacement of pci.rb can be started by a relative path" unshare -m sh -c \
		"cd remotes/im/kvm-probes.d/host/system && mount -t tmpfs none /var/lib && ./pci.rb kvm"
	rm remotes/etc/im/kvm-probes.d/pci.conf
	expect 1 "the replacement fails without a configuration, like pci.rb" \
		unshare -m sh -c "$monitor"
else
	skip "the replacement of pci.rb succeeds" "mount namespaces are not available"
fi

# ---- files that the caller may not read ----
printf ":filter: '10de:secret'\n" >private.conf
chmod 600 private.conf
# as_caller WHAT COMMAND...: checks that messages about private.conf do not quote it.
hides() {
	local what=$1
	shift
	expect 1 "an invalid file that the caller may not read is rejected, $what" "$@"
	says err 'private.conf:1:10: invalid (not shown' "its location is reported, $what"
	! grep -q secret err; result $? "its text is not reported, $what" err
}
if [ "$(id -u)" = 0 ]; then
	hides "by sudo" env SUDO_UID=65534 "$PCIPROBE" --sysroot machine -c private.conf
	hides "by pkexec" env PKEXEC_UID=65534 "$PCIPROBE" --sysroot machine -c private.conf
	if setpriv --reuid 65534 --regid 65534 --clear-groups --inh-caps +dac_read_search \
		--ambient-caps +dac_read_search "$PCIPROBE" --version >/dev/null 2>&1; then
		hides "with capabilities" setpriv --reuid 65534 --regid 65534 --clear-groups \
			--inh-caps +dac_read_search --ambient-caps +dac_read_search \
			"$PCIPROBE" --sysroot machine -c private.conf
	else
		skip "files are hidden with capabilities" "ambient capabilities are not available"
	fi
	cp private.conf readable.conf
	chmod 644 readable.conf
	chmod 755 .
	expect 1 "an invalid file that the caller may read is rejected" \
		env SUDO_UID=65534 "$PCIPROBE" --sysroot machine -c readable.conf
	says err "readable.conf:1:10: invalid filter '10de:secret'" "its text is reported"
	printf '[pci]\nalias = secret\n' >private.conf
	expect 1 "verify rejects an invalid file that the caller may not read" \
		env SUDO_UID=65534 "$PCIPROBE" --sysroot machine verify nova private.conf
	! grep -q secret err; result $? "verify does not report its text" err
	printf 'secret\taddress\n' >private.conf
	expect 3 "verify rejects invalid records that the caller may not read" \
		env SUDO_UID=65534 "$PCIPROBE" --sysroot machine verify nova-db private.conf
	says err "private.conf:1: invalid (not shown" "verify reports their line"
	! grep -q secret err; result $? "verify does not report their text" err
	printf '[pci]\nalias = secret\n' >private.conf
	expect 1 "record refuses to copy a file that the caller may not read" \
		env SUDO_UID=65534 "$PCIPROBE" --sysroot machine record -c private.conf stolen
	[ ! -e stolen/etc/pciprobe/pci.conf ]; result $? "the file is not copied"
fi
expect 1 "the owner sees the text of a private file" "$PCIPROBE" --sysroot machine verify nova private.conf
! grep -q 'not shown' err; result $? "nothing is hidden from the owner" err

# ---- Nova ----
p -a -f nova >nova.conf
expect 0 "verify accepts the output of the format nova" p verify nova nova.conf
says out "0000:00:03.0 10de:2204" "verify lists the matched devices"
printf '[pci]\ndevice_spec = {"vendor_id":"10de"}\ndevice_spec = {"address":"00:03.0"}\ndevice_spec = {"vendor_id":"ffff"}\n' >nova.conf
expect 1 "verify fails for an unused line and a device matched twice" p verify nova nova.conf
says out "nova.conf:4: device_spec matches no device of this host" "the unused line is reported"
says out "0000:00:03.0 is matched by nova.conf:2 and nova.conf:3" \
	"the device matched twice is reported"
says out "Checked by the rules of Nova 2026.2 (version 34)" "the releases are written"
p verify nova --release 2024.1 nova.conf >out
says out "Checked by the rules of Nova 2023.1 to 2024.2 (versions 27 to 30)" "all releases with the same rules are written"
printf '[pci]\ndevice_spec = {"managed":"perhaps"}\n' >nova.conf
expect 1 "verify fails for a value that the newest release rejects" p verify nova nova.conf
expect 0 "verify accepts it for a release that ignores it" p verify nova --release 30 nova.conf
printf '[pci]\ndevice_spec = {"address":"00:03.0","remote_managed":"yes"}\n' >nova.conf
expect 3 "verify exits with 3 if a serial number is unknown" p verify nova nova.conf
printf '[pci]\nalias = {"name":"a\\u001b[2J","x":"1"}\n' >nova.conf
expect 1 "verify fails for an invalid alias" p verify nova nova.conf
says err "pciprobe: nova.conf:2: unknown key 'x' in an alias" \
	"the invalid alias is reported with its line"
{ echo "[pci]"; for _ in $(seq 20); do echo "device_spec = nonsense"; done; } >many.conf
expect 1 "verify fails for twenty errors" p verify nova many.conf
[ "$(wc -l <err)" -eq 20 ]; result $? "twenty errors are all reported" err
for _ in $(seq 13); do echo "device_spec = nonsense"; done >>many.conf
expect 1 "verify fails for more than twenty errors" p verify nova many.conf
[ "$(wc -l <err)" -eq 21 ] && [ "$(tail -n 1 err)" = "pciprobe: many.conf: 13 more errors" ]
result $? "more than twenty errors are summarized" err
{ for _ in $(seq 25); do echo "x"; done; } >many.conf
expect 1 "verify fails for a file that is not a nova.conf" p verify nova many.conf
[ "$(wc -l <err)" -eq 21 ] && says err "many.conf: 5 more errors" "errors of a file that is not a nova.conf are summarized"
expect 1 "verify fails for a missing file" p verify nova absent.conf
head -c 2000000 /dev/zero >nova.conf
expect 1 "verify fails for an oversized file" p verify nova nova.conf
says err "file too large (limit 1 MiB)" "the oversized file is reported"

# ---- expectations ----
cp -a machine expected
rm -r expected/sys/devices/pci0000:00/0000:00:1f.3 expected/sys/bus/pci/devices/0000:00:1f.3
e() { "$PCIPROBE" --sysroot expected "$@"; }
kinds() { e -c baseline.conf -f json | python3 -c 'import json, sys
print(*("%(kind)s/%(property)s" % finding for finding in json.load(sys.stdin)["findings"]))'; }
expect 0 "baseline succeeds" e baseline -a
says out "- {short_address: '0000:00:03.0=10de:2204', driver: vfio-pci}" "baseline prints ids and driver"
{ echo ":filter: '10de:*'" && sed 's/# :expect_complete/:expect_complete/' out; } >baseline.conf
expect 0 "the baseline is a valid configuration" e -c baseline.conf
! grep -q baseline.conf err; result $? "a host that is like its baseline has no findings" err
[ "$(kinds)" = "" ]; result $? "a host that is like its baseline has no findings in JSON"
device expected 0000:00:04.0 1002:1234 30000
device expected 0000:00:05.0 10DE:1234 30000
mv expected/sys/bus/pci/devices/0000:00:02.0 .
kinds >out
echo "missing/short_address unexpected/expect_complete" | cmp -s - out
result $? "a missing and an unexpected device are found, but none that is not selected" out
expect 0 "findings do not change the exit status" e -c baseline.conf
says err "warning: baseline.conf:7:9: missing: 0000:00:02.0=8086:10d3: no such device" "a missing device is reported with its place"
says err "unexpected: 0000:00:05.0: 10de:1234, which no item of :expect: matches" "an unexpected device is reported"
says out "unexpected" "the table has the findings of the devices"
expect 0 "list -q succeeds with findings" e -q -c baseline.conf
! grep -q baseline.conf err; result $? "-q suppresses findings" err
expect 0 "explain succeeds with findings" e -c baseline.conf explain
says out "    expected by :expect: (baseline.conf:9:9)" "explain prints the items about a device"
says out "    missing: 0000:00:02.0=8086:10d3: no such device (baseline.conf:7:9)" "explain prints missing devices"
expect 1 "explain of a missing device fails" e -c baseline.conf explain 00:02.0
says out "missing: 0000:00:02.0=8086:10d3" "explain of a missing device prints where it is expected"
device expected 0000:00:06.0 8086:10D3 20000 vfio-pci
kinds >out
echo "moved/short_address changed/driver unexpected/expect_complete" | cmp -s - out
result $? "a device at another address has moved, and is compared there" out
rm expected/sys/devices/pci0000:00/0000:00:06.0/uevent
kinds >out
echo "unknown/short_address unexpected/expect_complete" | cmp -s - out
result $? "a device whose ids cannot be read is not missing" out
echo "a*'[b" >expected/proc/sys/kernel/hostname
mkdir expected/sys/devices/pci0000:00/0000:00:05.0/power
echo suspended >expected/sys/devices/pci0000:00/0000:00:05.0/power/runtime_status
e -q baseline -a >out
says out "# 0000:00:05.0; suspended: its link was not read" "a baseline says of what the link was not read"
says out "  'a\\*''\\[b':" "the host name is escaped in a baseline"
printf ":expect: [{filter: '10de:*', count: 1, diver: x}]\n" >misspelled.conf
expect 1 "a misspelled key in :expect: is an error" e -c misspelled.conf
says err "misspelled.conf:1:40: unknown key 'diver' (did you mean 'driver'?)" "the closest key is suggested"

# ---- CloudStack ----
mkdir -p agent/bin agent/var
printf '#!/bin/sh\n[ ! -e %s/agent/broken ] || { echo broken >&2; exit 1; }\necho a warning >&2\nexec %s -a --sysroot %s/machine "$@"\n' \
	"$work" "$PCIPROBE" "$work" >agent/bin/pciprobe
sed "s|@bindir@|$work/agent/bin|; s|=/var/lib|=$work/agent/var|" "$SOURCES/etc/cloudstack/gpudiscovery.sh.in" >agent/gpudiscovery.sh
chmod +x agent/bin/pciprobe agent/gpudiscovery.sh
p -a -f cloudstack >wanted
expect 0 "the replacement of gpudiscovery.sh succeeds" agent/gpudiscovery.sh any argument
cmp -s out wanted; result $? "the replacement of gpudiscovery.sh prints the format cloudstack" out wanted
silent err "the replacement of gpudiscovery.sh hides warnings"
sed 's/"used_by_vm": null/"used_by_vm": "unknown: pciprobe failed"/g' wanted >unknown
cmp -s wanted unknown; [ $? -eq 1 ]; result $? "the example has free devices"
touch agent/broken
expect 0 "the replacement succeeds with cached output after a failure" agent/gpudiscovery.sh
cmp -s out unknown; result $? "cached output has no free devices" out unknown
silent err "the replacement hides errors after a failure"
chmod 777 agent/var/pciprobe/cloudstack
expect 1 "the replacement rejects cached output that anyone can write" agent/gpudiscovery.sh
silent out "the replacement does not print untrusted cached output"
chmod 755 agent/var/pciprobe/cloudstack
mv agent/var/pciprobe/cloudstack/gpudiscovery.json agent/var/pciprobe
expect 0 "the replacement finds the output saved by an old version" agent/gpudiscovery.sh
cmp -s out unknown; result $? "the old output is printed" out unknown
rm -r agent/var/pciprobe
expect 1 "the replacement fails without cached output" agent/gpudiscovery.sh
silent out "the replacement prints nothing without cached output"
says err "broken" "the replacement reports the error without cached output"
echo "1..$number"
