#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# "pciprobe check" as a monitoring system calls it: every run prints one line with the state first, has an exit status from 0 to 3
# and nothing on standard error. Prints TAP. PCIPROBE is the program, SOURCES the top of the source tree.
set -u
umask 022
PCIPROBE=$(realpath "$(command -v "${PCIPROBE:-pciprobe}")")
SOURCES=$(realpath "${SOURCES:-.}")
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
chmod 755 "$work"
# shellcheck source=../tap.sh
. "$SOURCES/tests/tap.sh"

# put FILE TEXT: writes a file of the machine, all at once.
put() { mkdir -p "$(dirname "machine/$1")" && printf '%s\n' "$2" >"machine/$1.new" && mv "machine/$1.new" "machine/$1"; }

port=sys/devices/pci0000:00/0000:00:01.0
gpu=$port/0000:01:00.0
nic=sys/devices/pci0000:00/0000:00:03.0
mkdir -p machine/sys/bus/pci/devices machine/sys/bus/pci/drivers/vfio-pci machine/sys/kernel/iommu_groups/{1,3}/devices \
	machine/dev/vfio machine/var/lib machine/proc/1/fd
put proc/sys/kernel/hostname host1
put proc/sys/kernel/random/boot_id 11111111-2222-3333-4444-555555555555
put proc/1/stat "1 (init) S$(printf ' 0%.0s' $(seq 50))"
printf 'init\0' >machine/proc/1/cmdline
put $port/modalias pci:v00008086d00001901sv00000000sd00000000bc06sc04i00
put $gpu/modalias pci:v000010DEd00002204sv00000000sd00000000bc03sc00i00
put $nic/modalias pci:v00008086d000010D3sv00000000sd00000000bc02sc00i00
for device in "$port" "$gpu" "$nic"; do
	ln -s "../../../../${device}" "machine/sys/bus/pci/devices/${device##*/}"
	put "$device/max_link_speed" "16.0 GT/s PCIe"
	put "$device/max_link_width" 16
	put "$device/current_link_speed" "16.0 GT/s PCIe"
	put "$device/current_link_width" 16
done
ln -s ../../../../bus/pci/drivers/vfio-pci machine/$nic/driver
ln -s ../../../../../bus/pci/drivers/vfio-pci machine/$gpu/driver
ln -s ../../../../kernel/iommu_groups/3 machine/$nic/iommu_group
ln -s ../../../../../kernel/iommu_groups/1 machine/$gpu/iommu_group
ln -s "../../../../../$gpu" machine/sys/kernel/iommu_groups/1/devices/0000:01:00.0
ln -s "../../../../../$nic" machine/sys/kernel/iommu_groups/3/devices/0000:00:03.0
errors() { for kind in correctable:COR nonfatal:NONFATAL fatal:FATAL; do
	put "$gpu/aer_dev_${kind%:*}" "TOTAL_ERR_${kind#*:} $1"; shift; done; }
errors 9 4 2
printf ":filter: ['10de:2204', '8086:10d3']\n:alias: [{name: 10GE, filter: '8086:10d3'}, {name: a1, filter: '10de:*'}]\n" >pci.conf

# contract STATUS TITLE ARGUMENT...: runs the check, and compares its output with the guidelines.
contract() {
	local wanted=$1 name=$2 states=(OK WARNING CRITICAL UNKNOWN)
	shift 2
	expect "$wanted" "$name" "$PCIPROBE" check --sysroot machine --config pci.conf "$@"
	{
		[ ! -s err ] || echo "standard error is not empty"
		head -n 1 out | grep -qE "^PCI ${states[$wanted]} - [^|;]*[^|; ]( \| .*)?$" || echo "the first line is wrong"
		head -n 1 out | sed -n 's/^[^|]*| //p' | tr ' ' '\n' |
			grep -vE "^'[^'= ]+'=[0-9]+(\.[0-9]+)?(s|c)?;[-~@:.0-9]*;[-~@:.0-9]*;0$" | sed 's/^/performance data: /'
		tail -n +2 out | grep -F '|'
		LC_ALL=C tr -d '\n -~' <out
	} >wrong
	[ ! -s wrong ]
	result $? "$name: the output is that of a plugin" wrong out err
}

contract 0 "a machine without problems"
says out "PCI OK - 2 devices, 2 free | " "the first line has the number of devices"
says out "'available:10GE'=1;;;0" "the performance data has the devices of each alias"
says out "'fatal_total'=2c;;;0" "errors before the first run are reported"
says out "'fatal'=0;;0;0" "but not judged"
contract 0 "-v lists what is checked" -v
says out "OK conflicts: 0" "-v lists a check that is OK"

# ---- faults, and their end ----
put $gpu/current_link_width 8
contract 1 "a narrow link"
says out "PCI WARNING - 1 degraded link (2 devices, 2 free)" "a narrow link is in the first line"
says out "WARNING degraded: 0000:01:00.0: link 16 GT/s x8 instead of 16 GT/s x16; check the device" "the device and what to do are on a line of their own"
contract 2 "a narrow link that is critical" -c degraded=0
contract 0 "a narrow link of another alias" -w "degraded=~:" -w degraded:10GE=0
contract 1 "a narrow link of an alias" -w "degraded=~:" -w degraded:a1=0
contract 0 "only other checks" conflicts fatal
contract 1 "only this check" degraded
put $gpu/current_link_width 16
contract 0 "the link recovers"

errors 9 5 2
contract 1 "an uncorrectable error"
says out "1 uncorrectable error" "an uncorrectable error is counted once"
contract 1 "another run does not hide it"
errors 9 5 3
contract 2 "a fatal error"
says out "0000:01:00.0: 1 fatal, 1 nonfatal, 0 correctable errors" "the line has the counts of the device"
sed -i -E 's/^(\S+ \S+) [0-9]+/\1 1000/' machine/var/lib/pciprobe/check/errors
contract 2 "it is reported once more when the hour is over"
sed -i -E 's/^(\S+ \S+) [0-9]+/\1 1000/' machine/var/lib/pciprobe/check/errors
contract 0 "and not after that"
contract 1 "correctable errors have no range of their own" -w correctable_total=8
echo nonsense >machine/var/lib/pciprobe/check/errors
contract 0 "an invalid file of counts is replaced"
grep -q "^0000:01:00.0 " machine/var/lib/pciprobe/check/errors; result $? "the new file has the counts" machine/var/lib/pciprobe/check/errors
chmod 777 machine/var/lib/pciprobe/check
contract 3 "others could change the counts"
says out "UNKNOWN fatal: unknown, expected 0 (machine/var/lib/pciprobe/check: Operation not permitted; " "the line has the path and the reason"
chmod 755 machine/var/lib/pciprobe/check
mv machine/$gpu/aer_dev_fatal machine/aer_dev_fatal
mkdir machine/$gpu/aer_dev_fatal
contract 3 "errors that cannot be read"
says out "0000:01:00.0: the error counters could not be read" "the line says so"
says out "aer_dev_fatal: " "the message of the reading is shown"
rmdir machine/$gpu/aer_dev_fatal
mv machine/aer_dev_fatal machine/$gpu/aer_dev_fatal
contract 0 "they can be read again"

mkdir -p machine/run/vfio-bind machine/var/lib/pciprobe/opennebula
printf 'vfio-bind 1\ndoing 0000:01:00.0 10de:2204 1 -,- -,- vfio-pci,-\n' >machine/run/vfio-bind/journal
contract 0 "vfio-bind is changing a device"
touch -d '-10 minutes' machine/run/vfio-bind/journal
contract 1 "vfio-bind was killed"
says out "WARNING unfinished: 0000:01:00.0: vfio-bind did not finish changing its driver; run 'vfio-bind recover'" "the device is named"
printf 'vfio-bind 1\n' >machine/run/vfio-bind/journal
touch machine/var/lib/pciprobe/opennebula/pciprobe.answer
contract 0 "vfio-bind recovered the device"
touch -d '-1 hour' machine/var/lib/pciprobe/opennebula/pciprobe.answer
contract 1 "OpenNebula gets an old answer"
contract 0 "an older answer is accepted" -w answer_age=7200
contract 2 "an answer that is critical" -c answer_age=600 answer_age
rm machine/var/lib/pciprobe/opennebula/pciprobe.answer

cp pci.conf saved.conf
printf ':expect:\n  - {short_address: "07:00.0=10de:2205"}\n' >>pci.conf
contract 2 "an expected device is missing"
says out "PCI CRITICAL - 1 missing device" "the missing device is in the first line"
says out "(pci.conf:4:5)" "the line has the place in pci.conf"
mv saved.conf pci.conf

mv machine/var/lib outside
ln -s "$work/outside" machine/var/lib
rm -r outside/pciprobe
contract 0 "a recording whose links lead out of it"
[ ! -e outside/pciprobe ]; result $? "nothing is written there"
rm machine/var/lib
mv outside machine/var/lib

# ---- thresholds ----
contract 1 "fewer devices of an alias than wanted" -w available:10GE=2:
says out "'available:10GE'=1;2:;;0" "the performance data has the range"
contract 2 "fewer devices of an alias than needed" -w available:10GE=2: -c available:10GE=@0:1
contract 0 "as many as wanted" -w available=2: -c free=1:2

# ---- nothing is selected, and wrong usage ----
printf ':filter: []\n' >none.conf
contract 3 "no device is selected" --config none.conf
says out "no device is selected: edit pci.conf" "what to do is said"
contract 3 "no pci.conf" --config nonexistent
says out "PCI UNKNOWN - nonexistent: No such file or directory" "the file is named"
printf ':filter: [x\n' >wrong.conf
contract 3 "an invalid pci.conf" --config wrong.conf
says out "PCI UNKNOWN - wrong.conf:" "the place is named"
for wrong in "-w" "-w x" "-w degraded=2:1" "-w nonsense=1" "-c available:x=1:" "-w devices=1 -w devices=2" "-t 0" "-t 1x" "-t 10000" \
	"nonsense" "held" "help degraded" "--nonsense" "-x" "--state held" "-f json" "--sysroot /nonexistent" "-d zz"; do
	# shellcheck disable=SC2086  # words
	contract 3 "wrong usage: $wrong" $wrong
done
expect 2 "options before the subcommand are rejected" "$PCIPROBE" -q check
says err "'check' must come first" "the error says how"
for arguments in "check --help" "check --version" "check -w help"; do
	# shellcheck disable=SC2086  # words
	expect 3 "$arguments is not a check that is OK" "$PCIPROBE" $arguments
	[ -s out ]; result $? "$arguments prints something" out
done
expect 0 "check help succeeds" "$PCIPROBE" check help
says out "conflicts " "check help lists the checks"
expect 0 "help check succeeds" "$PCIPROBE" help check
says out "  -c, --critical NAME=RANGE" "-c is the critical range"
says out "      --config FILE" "--config has no short form"

# ---- Checkmk, time, privileges, a full disk ----
put $gpu/current_link_width 8
expect 1 "a local check of Checkmk" "$PCIPROBE" check --sysroot machine --config pci.conf --checkmk -w available:10GE=2:
grep -qE '^1 "PCI devices" ([a-z_0-9A-Z]+=[0-9.]+;[0-9.:]*;[0-9.:]*;0\|?)+ 1 degraded link, 1 available device of 10GE \(2 devices, 2 free\)\\nWARNING degraded: [^|]*\\nWARNING available:10GE: 1, expected 2:$' out &&
	[ "$(wc -l <out)" -eq 1 ]
result $? "the line is one of Checkmk's" out
put $gpu/current_link_width 16
expect 3 "Checkmk: an error" "$PCIPROBE" check --sysroot machine --config nonexistent --checkmk
says out '3 "PCI devices" - nonexistent: No such file or directory' "Checkmk: an error is a line, too"
mkfifo fifo
sleep 60 >fifo &
writer=$!
expect 3 "a check that takes too long" bash -c '"$@" <fifo' sh "$PCIPROBE" check --sysroot machine --config - -t 1
says out "PCI UNKNOWN - no result after 1 second (-t)" "the time is named"
expect 3 "Checkmk: a check that takes too long" bash -c '"$@" <fifo' sh "$PCIPROBE" check --sysroot machine --config - -t 1 --checkmk
says out '3 "PCI devices" - no result after 1 second (-t)' "Checkmk: the time is named"
kill "$writer"
[ ! -e /dev/full ] || {
	expect 3 "standard output cannot be written" bash -c '"$@" >/dev/full' sh "$PCIPROBE" check --sysroot machine --config pci.conf
	says err "standard output: No space left on device" "the reason is on standard error"
}
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null && cp "$PCIPROBE" own && setpriv --reuid 65534 --clear-groups ./own --version >/dev/null 2>&1; then
	rm -r machine/var/lib/pciprobe
	expect 3 "a user who cannot keep the counts" setpriv --reuid 65534 --clear-groups ./own check --sysroot machine --config pci.conf
	says out "(machine/var/lib/pciprobe/check: Permission denied; the directory must belong to the user" "the directory is named"
	expect 0 "other checks need none" setpriv --reuid 65534 --clear-groups ./own check --sysroot machine --config pci.conf conflicts degraded
	mkdir -p machine/var/lib/pciprobe/check
	chown 65534 machine/var/lib/pciprobe/check
	expect 0 "with a directory of its own" setpriv --reuid 65534 --clear-groups ./own check --sysroot machine --config pci.conf
else
	skip "a user who cannot keep the counts" "requires root and setpriv"
fi
echo "1..$number"
