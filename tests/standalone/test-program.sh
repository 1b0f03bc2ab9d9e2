#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The program as its users run it: at a terminal, in a pipe, from cron, as nobody, with a full disk, with typing errors.
# Prints TAP. PCIPROBE is the program, SOURCES the top of the source tree.
set -u
PCIPROBE=${PCIPROBE:-pciprobe}
SOURCES=$(realpath "${SOURCES:-.}")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
chmod 755 "$work"
# shellcheck source=../tap.sh
. "$SOURCES/tests/tap.sh"

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

# ---- what it says of itself ----
expect 0 "--help" "$PCIPROBE" --help
says out "explain [ADDRESS...]" "the help names the verbs"
says out "opennebula" "the help names the formats"
"$PCIPROBE" --help >help
expect 0 "help" "$PCIPROBE" help
cmp -s out help; result $? "is the same" out help
expect 0 "help of a subcommand" "$PCIPROBE" help explain
says out "Usage: pciprobe explain [ADDRESS...] [OPTION...]" "shows its usage"
says out "--device FILTER" "and its options"
! grep -q -e --format out; result $? "but not those of others" out
cp out help
for place in "explain --help" "--help explain" "explain 00:99 -h"; do
	# shellcheck disable=SC2086  # words
	expect 0 "$place" "$PCIPROBE" $place
	cmp -s out help; result $? "is the same" out help
done
for verb in $("$PCIPROBE" --help | sed -n '/^Subcommands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
	expect 0 "help $verb" "$PCIPROBE" help "$verb"
done
expect 0 "--version" "$PCIPROBE" --version
expect 0 "-f help" "$PCIPROBE" -f help
cut -d' ' -f1 out | sort >formats
sed -n '/^\.SH FORMATS/,/^\.SH COLUMNS/{/^\.TP/{n;s/^\.B //p}}' "$SOURCES/man/pciprobe.1" | sort >paragraphs
cmp -s formats paragraphs; result $? "each format has a paragraph in the manual, and each paragraph a format" formats paragraphs
expect 0 "-o help" "$PCIPROBE" -o help
says out "iommu_group" "the columns are listed"

# ---- wrong usage ----
for wrong in "--nonsense" "nonsense" "-f nonsense" "-o nonsense" "-o ," "-d" "-d 10de" "-s zz" "--name (" "list more" \
	"-f opennebula -o address" "-f cloudstack -o address" "--teaming" "-f json --teaming" "explain --teaming" "--owners nobody" \
	"--owners vfio,x" "--state x" "--state held," "--state" "--owner" "--driver" "--sort x" "--sort ," "-f nova --sort driver" \
	"explain --state held" "request a --no-bridges" "record --sort driver x" "help nonsense" "help list more" "nonsense --help" \
	"request" "request a:b" "request vendor=" "verify" "verify nova" "verify other x" "verify nova a b" \
	"verify nova machine/nova.conf -a" "explain -f json" "explain 00:99" "record" "record a b"; do
	# shellcheck disable=SC2086  # words
	expect 2 "wrong usage: $wrong" p $wrong
	silent out "wrong usage prints nothing: $wrong"
done

suggests() { # WORD ARGUMENT...
	local word=$1
	shift
	expect 2 "$* is mistyped" "$PCIPROBE" "$@"
	says err "(did you mean '$word'?)" "the message suggests $word"
}
suggests list lst
suggests request requets a
suggests explain help explian
suggests json -f jsn
suggests iommu_group -o address,iommugroup
suggests NETDEV -o NETDVE
suggests driver --sort drvier
suggests held --state free,hedl
says err "valid states: unknown, free, host, reserved, held" "and lists all"
expect 2 "a word like no other" p nonsense
! grep -q "did you mean" err; result $? "suggests nothing" err

# ---- listing ----
expect 0 "a table" p
says out "82574L Gigabit Network Connection" "names are in it"
expect 0 "the verb can be left out and options stand anywhere" p list -f raw -o address -d 10de: --no-headings
[ "$(cat out)" = 0000:00:03.0 ]; result $? "a filter" out
expect 0 "-s" p -s 1f.3 -f raw -o address --no-headings
[ "$(cat out)" = 0000:00:1f.3 ]; result $? "a slot" out
expect 0 "--name" p --name gigabit -f raw -o +label --no-headings
[ "$(wc -l <out)" -eq 1 ]; result $? "a name" out
expect 0 "a table without processes" p -f table -o address,ownership
says err "warning: owner unknown of 2 devices: a recording has no processes" "an unknown owner comes with its reason"
[ "$(grep -c "owner unknown" err)" -eq 1 ]; result $? "once" err
expect 0 "json without processes" p -f json
! grep -q "owner unknown" err; result $? "where a field has it, that is enough" err
expect 0 "export" p -f export -o address,driver,iommu_group
says out 'ADDRESS="0000:00:03.0" DRIVER="vfio-pci" IOMMU_GROUP=""' "KEY=\"value\""
expect 0 "json" p -f json
python3 -c 'import json,sys; d=json.load(open("out")); sys.exit(len(d["devices"]) != 3 or d["host"] != "host1")' </dev/null
result $? "json is JSON" out
expect 0 "tree" p -f tree
expect 0 "-J" p -J
p -f json | sed 's/"time": "[^"]*"//' >wanted
sed 's/"time": "[^"]*"//' out | cmp -s - wanted; result $? "is -f json" out
expect 0 "-o all" p -f export -o all
p -f export >wanted
cmp -s out wanted; result $? "is every column" out
expect 0 "onehost" p -f onehost
says out "         ? 00:03.0  10de:2204:0300  GA102 [GeForce RTX 3090]" "a device that nobody could look for isn't free"
mkdir -p machine/proc/1/fd machine/proc/77/fd
ln -s ../../../kernel/iommu_groups/5 machine/sys/devices/pci0000:00/0000:00:03.0/iommu_group
ln -s /dev/vfio/5 machine/proc/77/fd/9
mkdir -p machine/proc/77/fdinfo machine/sys/class/vfio/5 machine/numbers/dev/vfio
echo "flags: 02" >machine/proc/77/fdinfo/9
echo 246:5 | tee machine/sys/class/vfio/5/dev >machine/numbers/dev/vfio/5
printf 'qemu-system-x86_64\0-name\0guest=one-1\033[2J\n]]>"\\\0-device\0vfio-pci,host=00:03.0\0' >machine/proc/77/cmdline
echo "77 (x) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0" >machine/proc/77/stat
expect 0 "a hostile VM" p -f opennebula --usage
says out ' VM_NAME = "one-1 [2J ] ]>\"/" ,' "can't break the message"
expect 0 "dot" p -f dot
says out 'held by one-1?[2J?]]>\"\\", fillcolor=' "what Graphviz would take for its own is escaped"
for format in table raw export json tree dot onehost libvirt; do
	p -f $format -o +vm_names >out 2>/dev/null || p -f $format >out
	! LC_ALL=C grep -q "$(printf '\033')" out
	result $? "nor $format" out
done
rm -r machine/proc/77 machine/proc/1 machine/sys/devices/pci0000:00/0000:00:03.0/iommu_group

# ---- which rows, and in which order ----
tar -xf "$SOURCES/examples/host.tar.xz"
# rows WANTED NAME ARGUMENT...: the addresses that are listed, without domain
rows() {
	local wanted=$1 name=$2
	shift 2
	expect 0 "$name" "$PCIPROBE" --sysroot host -a -f raw -o address --no-headings "$@"
	[ "$(sed s/0000:// out | tr '\n' ' ')" = "$wanted" ]; result $? "lists what it should: $*" out
}
rows "01:00.0 " "a state" --state held
rows "00:03.0 01:00.0 02:00.0 " "several states" --state host,held -d ::0108 -d 8086:10d3
rows "00:03.0 01:00.0 02:00.0 " "or repeated" --state held --state host -d ::0108 -d 8086:10d3
rows "" "a state that no device has" --state reserved
rows "01:00.0 " "an owner by name" --owner one-42
rows "01:00.0 " "by id" --owner 42
rows "01:00.0 " "by UUID, in capitals or not" --owner 2C4E0B0C-7b1a-4f53-8d5a-0d4e33c0e1b1
rows "" "not by a part of its name" --owner one-4
rows "" "nor by the program of a VM" --owner qemu-system-x86_64
rows "01:00.0 " "one of several owners" --owner web --owner one-42
rows "00:03.0 02:00.0 " "drivers" --driver e1000e,nvme
rows "01:00.0 02:00.2 " "a driver" --driver vfio-pci
rows "" "a driver that no device has" --driver vfio
rows "02:00.2 " "several filters at once" --driver vfio-pci --state free
rows "01:00.0 " "with other restrictions" --driver vfio-pci -d 8086:
rows "00:03.0 00:04.0 00:1d.0 00:1e.0 00:1f.2 00:1f.3 01:00.0 02:00.0 02:00.1 02:00.2 " "no bridges" --no-bridges
rows "00:03.0 01:00.0 02:00.0 02:00.1 02:00.2 " "numbers are sorted by value" --sort iommu_group -d ::0108 -d 8086:10d3
rows "02:00.1 02:00.2 02:00.0 " "texts, and devices without a value last" --sort vf_index -d ::0108
rows "00:03.0 02:00.0 01:00.0 02:00.2 02:00.1 " "several columns" --sort driver,iommu_group -d ::0108 -d ::0200
rows "02:00.1 02:00.2 01:00.0 00:03.0 02:00.0 " "equal ones stay in order of address" --sort ownership -d ::0108 -d ::0200
for format in table tree json export prometheus influx; do
	"$PCIPROBE" --sysroot host -a -f $format --sort driver >out 2>err
	result $? "$format can be sorted" err
	"$PCIPROBE" --sysroot host -a -f $format >unsorted
	# without what differs between two runs, and how lines begin and end
	for file in out unsorted; do
		sed -i 's/,probe=.*//; s/ [0-9]\{19\}$//; /duration/d; s/[├└─│ ,`|-]//g; /"time"/d' $file
	done
	! cmp -s out unsorted; result $? "$format is in another order" out
	cmp -s <(sort out) <(sort unsorted)
	result $? "and has the same rows" out unsorted
done
expect 0 "a filter in JSON" "$PCIPROBE" --sysroot host -a -J --state free -d ::0108
[ "$(grep -c '"address": ' out)" -eq 2 ]; result $? "lists two devices" out
says out '"selected": 2' "and counts them"
expect 0 "a filter for virsh" "$PCIPROBE" --sysroot host -a -f libvirt --owner 42
[ "$(grep -c '^<!-- ' out)" -eq 1 ]; result $? "writes one device" out
expect 0 "a tree without bridges" "$PCIPROBE" --sysroot host -a -f tree --no-bridges
says out "00:02.0" "still shows them above devices"
! grep -q "0000:00:1f.0" out; result $? "but no others" out
expect 0 "--state help" p --state help
[ "$(cut -d' ' -f1 out | tr '\n' ' ')" = "unknown free host reserved held " ]; result $? "lists the states" out

# ---- configuration ----
printf ':filter: 10de:*\n' >nvidia.conf
expect 0 "-c" p -c nvidia.conf -f raw -o address --no-headings
[ "$(cat out)" = 0000:00:03.0 ]; result $? "-c selects" out
expect 0 "-c -" sh -c "'$PCIPROBE' --sysroot machine -c - -f raw -o address --no-headings <nvidia.conf"
[ "$(cat out)" = 0000:00:03.0 ]; result $? "reads standard input" out
expect 0 "explain -c -" sh -c "cat nvidia.conf | '$PCIPROBE' --sysroot machine explain -c - 00:03.0"
says out "matched by :filter: '10de:*' (stdin:1:10)" "with its places"
expect 0 "record -c -" sh -c "'$PCIPROBE' --sysroot machine record piped -c - <nvidia.conf"
[ "$(find piped -name pci.conf -exec cat {} +)" = "$(cat nvidia.conf)" ]; result $? "records it"
expect 0 "-c - with -a" sh -c "'$PCIPROBE' --sysroot machine -a -c - <&-"
expect 1 "-c - of a directory" sh -c "'$PCIPROBE' --sysroot machine -c - </"
says err "stdin: Is a directory" "is reported"
printf ":filter: ['*:*', '!10de:*', '!::0c05']\n" >exclude.conf
expect 0 "exclusions" p -c exclude.conf -f raw -o address --no-headings
[ "$(cat out)" = 0000:00:02.0 ]; result $? "leave the others" out
expect 0 "an exclusion on the command line" p -a -d '!10de:*' -f raw -o address --no-headings
[ "$(wc -l <out)" -eq 2 ]; result $? "leaves the others" out
expect 0 "explain" p explain -c exclude.conf 00:03.0
says out "rejected by :filter: '!10de:*' (exclude.conf:1:18)" "names the exclusion and its place"
printf ":filter: !10de:*\n" >tag.conf
expect 1 "an exclusion without quotes" p -c tag.conf
says err "tag.conf:1:10: '!10de:*' is a tag in YAML, because it begins with !; put quotes around" "says to quote it"
expect 0 "-a" p -c nvidia.conf -a -f raw --no-headings
[ "$(wc -l <out)" -eq 3 ]; result $? "-a overrides it" out
expect 0 "nothing selected" p -c "$SOURCES/etc/pci.conf" -f raw --no-headings
silent out "nothing selected prints nothing in a pipe"
help="edit it; 'pciprobe -a' shows all devices, 'pciprobe explain' says why"
says err "warning: 0 of 3 devices selected by $SOURCES/etc/pci.conf (:filter: '0:0' matches none): $help" "and says what to do"
[ "$(wc -l <err)" -eq 1 ]; result $? "on one line" err
expect 0 "-q" p -q -c "$SOURCES/etc/pci.conf" -f raw --no-headings
silent err "-q keeps it quiet"
for format in prometheus influx collectd opennebula cloudstack; do
	expect 0 "nothing selected for $format" p -c "$SOURCES/etc/pci.conf" -f $format
	silent err "$format, which is read every minute, says nothing of it"
done
for format in table tree export json nova libvirt; do
	expect 0 "nothing selected for $format" p -c "$SOURCES/etc/pci.conf" -f $format
	says err "0 of 3 devices selected" "$format says it"
done
: >empty.conf
expect 0 "an empty configuration" p -c empty.conf -f raw
says err "0 of 3 devices selected by empty.conf (the file is empty): $help" "is reported"
printf '# all of it\n#:filter: 10de:*\n' >empty.conf
expect 0 "a configuration of comments" p -c empty.conf -f raw
says err "0 of 3 devices selected by empty.conf (the file is empty): $help" "is as empty"
printf ':filters: 10de:*\n' >mistyped.conf
expect 0 "a mistyped key" p -c mistyped.conf -f raw
says err "warning: mistyped.conf:1:1: unknown key ':filters' ignored (did you mean ':filter:'?)" "comes with the right one"
says err "0 of 3 devices selected by mistyped.conf (:filter: is missing or empty): $help" "and with what follows from it"
printf ':filter: [1:2, 3:4]\n' >nothing.conf
expect 0 "rules that match nothing" p -c nothing.conf -f raw
says err "selected by nothing.conf (no rule of :filter: matches): $help" "are named"
printf ':filter:\n:short_address: 07:00.0\n' >nothing.conf
expect 0 "an address that is not there" p -c nothing.conf -f raw
says err "selected by nothing.conf (:short_address: '07:00.0' matches none): $help" "is named"
expect 0 "nothing that -d matches" p -c nvidia.conf -d 8086: -f raw --no-headings
silent err "is an answer, in a pipe"
expect 0 "nothing that -d matches, without a configuration" p -d 1234: -f raw --no-headings
silent err "too"
expect 1 "a request where nothing is selected" p request -c "$SOURCES/etc/pci.conf" vendor=10de
says err "0 of 3 devices selected by $SOURCES/etc/pci.conf" "says that, too"
printf ':filter:\n  - 10de:*\n  - 8068\n:shrt_address: x\n' >typo.conf
expect 1 "a typing error in the configuration" p -c typo.conf
silent out "publishes nothing"
says err "typo.conf:3:5: invalid filter '8068'" "and is told with its place"
says err "typo.conf:4:1: unknown key ':shrt_address' ignored (did you mean ':short_address:'?)" "an unknown key too"
expect 1 "a configuration that isn't there" p -c nowhere.conf
says err "nowhere.conf: No such file" "is told"
device other 0000:00:02.0 8086:10D3 20000
expect 0 "explain" p explain -c nvidia.conf
says out "matched by :filter: '10de:*' (nvidia.conf:1:10)" "explain tells the rule and its place"
says out "not matched by :filter: (nvidia.conf:1:1)" "and what rejects"
printf ':filter: 10de:*,1002:*\n' >amd.conf
expect 0 "explain names useless rules" p explain -c amd.conf
says out ":filter: '1002:*' (amd.conf:1:10)" "with their place"
expect 0 "explain one device" p explain 00:1f.3
says out "selected: no pci.conf and no filter" "without rules"
expect 1 "explain a device that isn't there" p explain 00:05.0
says err "00:05.0: this host has no such device" "is told"

# ---- requests ----
mkdir -p machine/proc/1/fd
printf ":filter:\n:alias:\n  - {name: gpu, filter: '10de:*'}\n  - {name: nic, filter: '::0200'}\n" >alias.conf
expect 2 "request by an alias that nobody knows" p request -c alias.conf gpux
says err "no alias 'gpux' in alias.conf (defined: gpu, nic)" "is a typing error, and no answer"
expect 2 "request by an alias where none is defined" p request -c nvidia.conf gpu
says err "no alias 'gpu' in nvidia.conf (none defined)" "says that"
expect 2 "request by an address alone" p request 00:03.0
says err "request: '00:03.0' looks like an address; write address=00:03.0" "says how it is written"
expect 2 "request by ids alone" p request 10de:2204
says err "request: '10de:2204' looks like vendor and device; write vendor=10de,device=2204" "says how these are written"
expect 2 "request by a wrong id" p request vendor=xyz
says err "request: vendor must be four hex digits, not 'xyz'" "says which part is wrong"
expect 2 "request of none" p request gpu:0
says err "request: count must be 1 to 1024, not '0'" "says what the count may be"
expect 2 "request by an unknown key" p request vednor=10de
says err "request: unknown key 'vednor' (did you mean 'vendor'?)" "says the right one"
expect 2 "request by a wrong address" p request address=00:99
says err "request: invalid PCI address '00:99': expected e.g. 07:00.0 or 0000:07:00.0" "says so once"
[ "$(wc -l <err)" -eq 1 ]; result $? "on one line" err
expect 1 "a request that this host can't serve" p request -c alias.conf gpu
silent out "prints no device"
says err "pciprobe: gpu: 1 requested, none available (1 matching device):" "and says so"
says err "  0000:00:03.0: not in an IOMMU group; 'vfio-bind check' says why" "and why"
ln -s ../../../kernel/iommu_groups/5 machine/sys/devices/pci0000:00/0000:00:03.0/iommu_group
expect 0 "one that it can serve" p request -c alias.conf gpu
[ "$(cat out)" = 0000:00:03.0 ]; result $? "prints the device" out
silent err "and says nothing"
expect 0 "by ids" p request -c alias.conf vendor=10de,class=0300
expect 0 "by address" p request -c alias.conf address=00:03.0
expect 1 "a device twice" p request -c alias.conf gpu address=00:03.0
expect 1 "two of one" p request -c alias.conf gpu:2
says err "gpu:2: 2 requested, 1 available (1 matching device)" "says how many there are"
[ "$(wc -l <err)" -eq 1 ]; result $? "and no more" err
expect 1 "two requests for one" p request -c alias.conf gpu vendor=10de
says err "vendor=10de: 1 requested, none available (1 matching device):" "the second one is refused"
says err "  1 available device is assigned to the other requests" "with the reason"
expect 1 "a device that is not selected" p request -c nvidia.conf address=00:1f.3
says err "address=00:1f.3: 1 requested, none available (1 matching device):" "is counted"
says err "  0000:00:1f.3: not selected; 'pciprobe explain 0000:00:1f.3' says why" "with the command that explains it"
expect 1 "a device that is not there" p request vendor=dead
says err "vendor=dead: 1 requested, but this host has no matching device" "is none"
expect 1 "a device that the host uses" p request -c alias.conf nic
says err "  0000:00:02.0: bound to host driver e1000e, and not in an IOMMU group; 'vfio-bind check' says why" "says by what"
ln -s ../../../kernel/iommu_groups/4 machine/sys/devices/pci0000:00/0000:00:02.0/iommu_group
ln -s ../../../bus/pci/drivers/e1000e machine/sys/devices/pci0000:00/0000:00:02.0/driver
expect 1 "one that could be bound" p request -c alias.conf nic
says err "  0000:00:02.0: bound to host driver e1000e; 'vfio-bind bind 0000:00:02.0' can make it available" "names the command"
mkdir -p machine/sys/kernel/iommu_groups/5/devices
ln -s ../../../../devices/pci0000:00/0000:00:02.0 machine/sys/kernel/iommu_groups/5/devices/0000:00:02.0
ln -s ../../../../devices/pci0000:00/0000:00:03.0 machine/sys/kernel/iommu_groups/5/devices/0000:00:03.0
ln -sfn ../../../kernel/iommu_groups/5 machine/sys/devices/pci0000:00/0000:00:02.0/iommu_group
expect 1 "one whose group has a host driver" p request -c alias.conf gpu
says err "  0000:00:03.0: IOMMU group 5 is not viable: 0000:00:02.0 is bound to a host driver; 'vfio-bind bind --group 0000:00:03.0' can make it available" "names it"
rm -r machine/sys/kernel machine/sys/devices/pci0000:00/0000:00:02.0/iommu_group
expect 0 "in a format" p request -c alias.conf gpu -f raw -o address,aliases,available --no-headings
[ "$(cat out)" = "0000:00:03.0 gpu yes" ]; result $? "with columns" out
expect 0 "for virsh" p request -c alias.conf gpu -f libvirt
grep -qF "<address domain='0x0000' bus='0x00' slot='0x03' function='0x0'/>" out; result $? "as XML" out
[ "$(grep -c '<!-- ' out)" -eq 1 ]; result $? "of that device alone" out
expect 0 "all devices for virsh" p -f libvirt
says out "<!-- 0000:00:02.0 82574L Gigabit Network Connection" "tells of each in a comment"
expect 1 "when nobody could look" p request --owners none -c alias.conf gpu
says err "  0000:00:03.0: owner unknown: the source vfio is disabled" "nothing is promised, and the reason is reported"
expect 0 "aliases" p -c alias.conf -f aliases
awk '$1 == "gpu" && $2 == 1 && $3 == 1 && $4 == 1 && $7 == 0 {a++} $1 == "nic" && $2 == 1 && $3 == 0 && $7 == 1 {a++}
	END {exit a != 2}' out
result $? "are counted" out
expect 0 "explain" p explain -c alias.conf 00:03.0
says out "has the alias gpu" "tells aliases"
says out "available: can be assigned to a VM" "and that a VM can have it"
rm -r machine/proc/1 machine/sys/devices/pci0000:00/0000:00:03.0/iommu_group
expect 0 "--owners help" p --owners help
says out "libvirt" "lists the sources"

# ---- terminals ----
terminal() { # COLUMNS COMMAND: its output as on a terminal
	python3 -B "$SOURCES/tests/standalone/terminal.py" "$1" "$2" </dev/null | tr -d '\r'
}
terminal 80 "$PCIPROBE --sysroot machine -c $SOURCES/etc/pci.conf" >out
says out "0 of 3 devices selected by $SOURCES/etc/pci.conf (:filter: '0:0' matches none): $help" "a person sees that nothing is selected"
terminal 80 "$PCIPROBE --sysroot machine -c $SOURCES/etc/pci.conf -f prometheus" >out
says out "0 of 3 devices selected" "in every format"
terminal 80 "$PCIPROBE --sysroot machine -a -d 1234:" >out
says out "0 of 3 devices selected by the command line" "a person sees that no device matches"
terminal 80 "LC_ALL=C NO_COLOR=1 $PCIPROBE --sysroot machine" >out
[ -s out ] && awk 'length($0) > 80 {exit 1}' out; result $? "the table fits the terminal" out
! grep -q "$(printf '\033')" out; result $? "NO_COLOR is honoured" out
terminal 80 "$PCIPROBE --sysroot machine" >out
grep -q "$(printf '\033')" out; result $? "colours at a terminal" out
p >out; ! grep -q "$(printf '\033')" out; result $? "no colours in a pipe" out

# ---- the table and the tree for people ----
# fits WIDTH COMMAND LINES: whether a terminal shows so many lines, each but the summary within its width
fits() {
	terminal "$1" "LC_ALL=C NO_COLOR=1 $2 2>/dev/null" >out
	sed '$d' out | awk -v width="$1" 'length($0) > width {exit 1}' && [ "$(wc -l <out)" -eq "$3" ]
}
tar -xf "$SOURCES/examples/host.tar.xz"
for width in 1 2 7 8 10 15 20 33 40 60 79 80 81 100 132 200; do
	fits $width "$PCIPROBE --sysroot host" 16; result $? "one line per device in $width columns" out
	fits $width "$PCIPROBE --sysroot host --owners none" 16; result $? "also of unknown owners" out
	[ $width -lt 10 ] || fits $width "$PCIPROBE --sysroot host -f tree" 16; result $? "also as a tree" out
done
fits 80 "$PCIPROBE --sysroot host" 16
[ "$(head -n 1 out)" = "ADDRESS ID        DRIVER     GROUP STATE AVAIL OWNER  NAME" ]; result $? "80 columns: empty and less important columns are hidden" out
grep -q '^01:00.0 8086:10d3 vfio-pci  *8 held  *one-42 82574L Gigabit Network [^ ]*\.\.\.$' out
result $? "a name that was cut ends in dots" out
grep -q '^02:00.1 1b36:0010  *10 free  yes  ' out; result $? "a free device is available" out
[ "$(tail -n 1 out)" = "14 devices: 1 held, 5 free, 8 host" ]; result $? "the summary comes last" out
terminal 80 "LC_ALL=C.UTF-8 NO_COLOR=1 $PCIPROBE --sysroot host" >out
says out "82574L Gigabit Network Co…" "in UTF-8 it ends in an ellipsis"
terminal 80 "LC_ALL=C.UTF-8 NO_COLOR=1 $PCIPROBE --sysroot host --no-headings" >out
[ "$(wc -l <out)" -eq 14 ]; result $? "--no-headings leaves out the summary too" out
terminal 80 "LC_ALL=C.UTF-8 NO_COLOR=1 $PCIPROBE --sysroot host -s 1:0.0" >out
[ "$(tail -n 1 out)" = "1 device: 1 held" ]; result $? "one device" out
fits 200 "$PCIPROBE --sysroot host" 16
[ "$(head -n 1 out)" = "ADDRESS ID        DRIVER     GROUP STATE AVAIL VM OWNER  SRIOV NETDEV NAME" ]
result $? "200 columns: only empty columns are hidden" out
grep -q '^00:03.0 8086:10d3 e1000e  *2 host  *eth0  *82574L Gigabit Network Connection$' out; result $? "and no name is cut" out
"$PCIPROBE" --sysroot host >in-pipe
sed '$d' out | cmp -s - in-pipe; result $? "a pipe gets the same without the summary" out in-pipe
"$PCIPROBE" --sysroot host -o +macs,vfs_total | head -n 1 >out
grep -q ' NAME  *MACS  *VFS_TOTAL$' out; result $? "added columns are shown even when they are empty" out
terminal 80 "NO_COLOR=1 $PCIPROBE --sysroot host -o address,vendor,device,conflict" >out
[ "$(head -n 2 out)" = "ADDRESS      VENDOR DEVICE CONFLICT
0000:00:00.0 8086   29c0   no" ]; result $? "chosen columns are shown as they are" out
[ "$(wc -l <out)" -eq 15 ]; result $? "without a summary" out
terminal 80 "$PCIPROBE --sysroot host" >out
grep -q "$(printf '^01:00.0 .*\033\\[36mheld *\033')" out && grep -q "$(printf '^02:00.1 .*\033\\[32mfree *\033')" out
result $? "held and free devices differ in colour" out
terminal 80 "$PCIPROBE --sysroot host --owners none 2>/dev/null" >out
grep -q "$(printf '^02:00.2 .*\033\\[35munknown *\033')" out; result $? "and unknown ones" out
mkdir -p host/etc/pve/qemu-server host/run/qemu-server
for vm in 100 101; do printf 'name: vm%s\nhostpci0: 0000:02:00.2\n' $vm >host/etc/pve/qemu-server/$vm.conf; done
terminal 120 "$PCIPROBE --sysroot host -s 2:0.2" >out
grep -q "$(printf '\033\\[31mreserved *\033\\[0m *\033\\[31myes *\033.* vm100,vm101 ')" out; result $? "and conflicts, which have a column then" out
says out "1 device: 1 reserved; 1 in conflict" "the summary counts conflicts"
rm -r host/etc/pve host/run/qemu-server
expect 0 "a tree" "$PCIPROBE" --sysroot host -f tree
grep -q '^..*01:00.0 vfio-pci  *8 held  *one-42 Ethernet controller  *82574L' out; result $? "shows state and owner" out
expect 0 "a tree of one device" "$PCIPROBE" --sysroot host -f tree -s 1:0.0
grep -q '^00:02.0  *pcieport  *1  *PCI bridge  *QEMU PCIe Root port$' out; result $? "shows the driver and group of the bridge above it" out
device people 0000:00:02.0 8086:FFF1 20000
device people 0000:00:03.0 FFF1:FFF2 F0F300
mkdir -p people/proc/1/fd
expect 0 "devices that pci.ids does not know" "$PCIPROBE" --sysroot people
grep -q ' Ethernet controller: Intel Corporation Device fff1$' out; result $? "are named by class and vendor" out
grep -q ' Class f0f3: Device fff1:fff2$' out; result $? "or by ids" out
head -n 1 out >headings
[ "$(cat headings)" = "ADDRESS ID        STATE AVAIL    NAME" ]; result $? "empty columns are hidden" headings
grep -q ' free  no-iommu ' out; result $? "why a free device is not available" out
device people 10000:01:00.0 8086:FFF1 20000
expect 0 "several domains" "$PCIPROBE" --sysroot people
grep -q '^0000:00:02.0 ' out && grep -q '^10000:01:00.0 ' out; result $? "full addresses" out

# ---- outputs that fail ----
expect 1 "a full disk" sh -c "'$PCIPROBE' --sysroot machine -f json >/dev/full"
says err "standard output: No space left on device" "is told"
expect 1 "a closed standard output" sh -c "'$PCIPROBE' --sysroot machine >&-"
says err "standard output: " "is told as well"
expect 1 "a full disk, for Prometheus" sh -c "'$PCIPROBE' --sysroot machine -f prometheus >/dev/full"
{ sleep 0.3; p -f json 2>err; echo $? >status; } | :
[ "$(cat status)" -eq 141 ]; result $? "a reader that has gone ends it by SIGPIPE" status err
silent err "and nothing is said"
{ sleep 0.3; (trap '' PIPE; p -f json 2>err; echo $? >status); } | :
[ "$(cat status)" -eq 1 ]; result $? "a reader that has gone, with SIGPIPE ignored" status err
says err "standard output: Broken pipe" "is told"
# more than a pipe holds, so that it fails long before the end
mkdir -p crowd/proc/sys/kernel
for bus in $(seq 10 29); do for slot in 00 01 02 03 04 05 06 07; do device crowd "0000:$bus:$slot.0" 8086:10D3 20000 e1000e; done; done
for format in raw json prometheus table; do
	set -o pipefail
	"$PCIPROBE" --sysroot crowd -f $format 2>err | head -n 1 >out
	case $? in 0 | 141) [ -s out ] ;; *) false ;; esac # 0: all of it was in the pipe before head ended
	result $? "$format of many devices, cut by head" out
	set +o pipefail
	silent err "and nothing is said of that"
done
expect 0 "all descriptors closed" sh -c "'$PCIPROBE' --sysroot machine --version <&- 2>&-"

# ---- hosts that are odd ----
mkdir empty
expect 1 "a host without PCI" "$PCIPROBE" --sysroot empty
says err "empty/sys/bus/pci/devices: No such file or directory" "is told"
silent out "and lists nothing"
expect 1 "a root that isn't there" "$PCIPROBE" --sysroot nowhere
cp -a machine broken
mkdir broken/sys/bus/pci/devices/nonsense
rm broken/sys/devices/pci0000:00/0000:00:1f.3/uevent
expect 3 "a device that can't be read" "$PCIPROBE" --sysroot broken -f raw -o address --no-headings
[ "$(wc -l <out)" -eq 2 ]; result $? "the others are listed" out
says err "device 0000:00:1f.3 is ignored" "it is told"
expect 3 "-q" "$PCIPROBE" -q --sysroot broken
silent err "-q says no warnings"
printf 'DRIVER=a\033[2J"b\\\xff\nPCI_CLASS=20000\nPCI_ID=8086:10D3\n' >broken/sys/devices/pci0000:00/0000:00:02.0/uevent
for format in table raw export json tree dot; do
	"$PCIPROBE" -q --sysroot broken -f $format >out
	! LC_ALL=C grep -q "$(printf '\033')" out && iconv -f UTF-8 -t UTF-8 out >/dev/null 2>&1
	result $? "a hostile driver name in $format" out
done
# memory that isn't there reads as EIO, which no ordinary file gives
if unshare -m true 2>/dev/null; then
	echo 0 >machine/sys/devices/pci0000:00/0000:00:03.0/numa_node
	expect 3 "an attribute that gives EIO" unshare -m sh -c \
		"mount --bind /proc/\$\$/mem machine/sys/devices/pci0000:00/0000:00:03.0/numa_node &&
		'$PCIPROBE' --sysroot machine -f raw -o address,driver,numa_node --no-headings; status=\$?; exit \$status"
	says err "0000:00:03.0/numa_node: Input/output error" "is told"
	says out "0000:00:03.0 vfio-pci -" "and the rest of the device is there"
	rm machine/sys/devices/pci0000:00/0000:00:03.0/numa_node
else
	skip "an attribute that gives EIO" "no mount namespaces here"
fi
host=0
[ -d /sys/bus/pci/devices ] || host=1
if [ "$(id -u)" -eq 0 ]; then
	expect $host "as nobody" setpriv --reuid=65534 --clear-groups "$PCIPROBE" -a
else
	expect $host "as nobody in particular" "$PCIPROBE" -a
fi
expect $host "from cron" env -i "$PCIPROBE" -a

# ---- record ----
expect 0 "record" p record taken
expect 0 "a recording is a root" "$PCIPROBE" --sysroot taken -f json
sed 's/"time": "[^"]*"//' out >recorded
p -f json | sed -e 's/"time": "[^"]*"//' -e 's/525400123456/020000000001/; s/52:54:00:12:34:56/02:00:00:00:00:01/' >real
cmp -s recorded real; result $? "it tells the same, with another MAC address" recorded real
! grep -rqiE '52:?54:?00:?12:?34:?56' taken && [ -z "$(find taken -name '*525400123456*')" ]
result $? "the MAC address is nowhere in it"
mkdir -p machine/sys/class/mdev_bus/0000:00:03.0/mdev_supported_types/nvidia-63
expect 0 "record what is only listed" p record listed
expect 0 "virtual GPUs" "$PCIPROBE" --sysroot listed -f raw -s 3.0 -o vgpu_types --no-headings
[ "$(cat out)" = nvidia-63 ]; result $? "are in the recording" out
rm -r machine/sys/class
expect 1 "record into a directory that isn't empty" p record taken
says err "taken: directory is not empty" "is refused"
cp -a machine configured
conf=$("$PCIPROBE" --help | sed -n 's/.*--config.*instead of //p')
mkdir -p "configured${conf%/*}"; cp nvidia.conf "configured$conf"
expect 0 "record with a configuration" "$PCIPROBE" --sysroot configured record taken2
expect 0 "which then holds" "$PCIPROBE" --sysroot taken2 -f raw -o address --no-headings
[ "$(cat out)" = 0000:00:03.0 ]; result $? "in the recording" out
# a recording made by somebody who means ill: its links lead out
cp -a machine evil
ln -s /etc evil/sys/devices/pci0000:00/0000:00:02.0/power
rm evil/sys/bus/pci/devices/0000:00:03.0
ln -s ../../../../../../../../../../../../../../../../../../../../../../tmp evil/sys/bus/pci/devices/0000:00:03.0
"$PCIPROBE" --sysroot evil record taken3 >out 2>err
[ ! -e /tmp/uevent ]; result $? "a recording of a hostile one stays inside"

# ---- in OpenNebula ----
mkdir -p machine/var/tmp
p -f opennebula --usage >wanted
expect 0 "the probe answers" p opennebula -c nvidia.conf
says out ' SHORT_ADDRESS = "00:03.0" ,' "with the devices"
cp out good
[ "$(cat machine/var/tmp/one_db/pci_net_names/0000:00:02.0 2>/dev/null)" = "" ]
result $? "interfaces of devices that aren't selected aren't kept"
expect 0 "all devices" p opennebula
cmp -s out wanted; result $? "as the format prints them" out wanted
[ "$(cat machine/var/tmp/one_db/pci_net_names/0000:00:02.0)" = enx525400123456 ]
result $? "the name of an interface is kept"
rm -r machine/sys/devices/pci0000:00/0000:00:02.0/net
grep -qx 'PCI_USAGE = \[\]' out; result $? "that no VM has one is told too" out
expect 0 "without PCI_USAGE" p opennebula --no-usage
! grep -q PCI_USAGE out; result $? "it isn't there" out
expect 0 "when the device has gone to a VM" p opennebula
says out 'IFNAME = "enx525400123456"' "it is still told"
printf ':filter: nonsense\n' >nvidia.conf
expect 0 "a failure gives the last good answer" p opennebula -c nvidia.conf
says err "nvidia.conf:1:10: invalid filter 'nonsense'" "and says why"
says err "printed the last good output" "and reports that it is an old one"
expect 1 "a failure without a good answer before" "$PCIPROBE" --sysroot empty opennebula
silent out "prints nothing"
mkdir -p planted/var/tmp/one_db
chmod 777 planted/var/tmp/one_db
echo "PCI = [ planted ]" >planted/var/tmp/one_db/pciprobe.answer
expect 1 "an answer that anybody could have planted" "$PCIPROBE" --sysroot planted opennebula
silent out "isn't given"
mkdir -p "remotes/im/kvm-probes.d/host/system" remotes/etc/im/kvm-probes.d
sed "s|@bindir@|${PCIPROBE%/*}|" "$SOURCES/etc/opennebula/pci.in" >remotes/im/kvm-probes.d/host/system/pci.rb
chmod +x remotes/im/kvm-probes.d/host/system/pci.rb
printf ":filter: '*:*'\n" >remotes/etc/im/kvm-probes.d/pci.conf
# the monitor's state is in /var/tmp: not this machine's, in a test
if unshare -m true 2>/dev/null; then
	monitor="mount -t tmpfs none /var/tmp && echo '<xml/>' | $work/remotes/im/kvm-probes.d/host/system/pci.rb kvm /ds 4124 0 host1"
	expect 0 "in place of pci.rb" unshare -m sh -c "$monitor"
	"$PCIPROBE" -a -f opennebula --usage >wanted
	cmp -s out wanted; result $? "it answers the monitor" out wanted
	expect 0 "found by a relative path too" unshare -m sh -c \
		"cd remotes/im/kvm-probes.d/host/system && mount -t tmpfs none /var/tmp && ./pci.rb kvm"
	rm remotes/etc/im/kvm-probes.d/pci.conf
	expect 1 "without a configuration it fails, as pci.rb does" unshare -m sh -c "$monitor"
else
	skip "in place of pci.rb" "no mount namespaces here"
fi

# ---- Nova ----
p -a -f nova >nova.conf
expect 0 "what was written for Nova takes all" p verify nova nova.conf
says out "0000:00:03.0 10de:2204" "it says which devices"
printf '[pci]\ndevice_spec = {"vendor_id":"10de"}\ndevice_spec = {"address":"00:03.0"}\ndevice_spec = {"vendor_id":"ffff"}\n' >nova.conf
expect 1 "a line for nothing, and a device taken twice" p verify nova nova.conf
says out "nova.conf:4: device_spec matches no device of this host" "the line is named"
says out "0000:00:03.0 is matched by nova.conf:2 and nova.conf:3" "so is the device"
printf '[pci]\nalias = {"name":"a\\u001b[2J","x":"1"}\n' >nova.conf
expect 1 "a fault" p verify nova nova.conf
says err "pciprobe: nova.conf:2: unknown key 'x' in an alias" "it is told with its line"
{ echo "[pci]"; for _ in $(seq 20); do echo "device_spec = nonsense"; done; } >many.conf
expect 1 "twenty errors in a nova.conf" p verify nova many.conf
[ "$(wc -l <err)" -eq 20 ]; result $? "are all reported" err
for _ in $(seq 13); do echo "device_spec = nonsense"; done >>many.conf
expect 1 "more than twenty errors in a nova.conf" p verify nova many.conf
[ "$(wc -l <err)" -eq 21 ] && [ "$(tail -n 1 err)" = "pciprobe: many.conf: 13 more errors" ]
result $? "end with the number of the rest" err
{ for _ in $(seq 25); do echo "x"; done; } >many.conf
expect 1 "a file that is no nova.conf" p verify nova many.conf
[ "$(wc -l <err)" -eq 21 ] && says err "many.conf: 5 more errors" "neither floods the screen"
expect 1 "a nova.conf that isn't there" p verify nova absent.conf
head -c 2000000 /dev/zero >nova.conf
expect 1 "one that is larger than any" p verify nova nova.conf
says err "file too large (limit 1 MiB)" "that is told"

# ---- CloudStack ----
mkdir -p agent/bin agent/var
printf '#!/bin/sh\n[ ! -e %s/agent/broken ] || { echo broken >&2; exit 1; }\necho a warning >&2\nexec %s -a --sysroot %s/machine "$@"\n' \
	"$work" "$PCIPROBE" "$work" >agent/bin/pciprobe
sed "s|@bindir@|$work/agent/bin|; s|@localstatedir@|$work/agent/var|" "$SOURCES/etc/cloudstack/gpudiscovery.sh.in" >agent/gpudiscovery.sh
chmod +x agent/bin/pciprobe agent/gpudiscovery.sh
p -a -f cloudstack >wanted
expect 0 "in place of gpudiscovery.sh" agent/gpudiscovery.sh any argument
cmp -s out wanted; result $? "it answers the agent" out wanted
silent err "and puts nothing into its answer"
sed 's/"used_by_vm": null/"used_by_vm": "unknown: pciprobe failed"/g' wanted >unknown
cmp -s wanted unknown; [ $? -eq 1 ]; result $? "some device is free"
touch agent/broken
expect 0 "a failure gives the last good answer" agent/gpudiscovery.sh
cmp -s out unknown; result $? "in which nothing is free" out unknown
silent err "and puts nothing into that"
rm -r agent/var
expect 1 "a failure without a good answer before" agent/gpudiscovery.sh
silent out "gives none"
says err "broken" "and says why"
echo "1..$number"
