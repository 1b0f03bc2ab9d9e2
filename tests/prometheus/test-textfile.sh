#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The unit that writes the file for node_exporter: a good answer replaces the file, a part of one too, a failure doesn't. Prints TAP.
cd "${SOURCES:-.}" || exit 1
number=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

unit=$PWD/etc/prometheus/pciprobe-textfile.service.in

# run_unit: what the unit does, with a pciprobe in $work
run_unit() {
	sh -c "$(sed -n "s|^ExecStart=/bin/sh -c '\(.*\)'\$|\1|p" "$unit" | sed -e "s|@bindir@|$work|" -e 's/\$\$/$/g')"
}

# expect NAME STATUS TEXT: when pciprobe ends with STATUS, the file's text
expect() {
	number=$((number + 1))
	printf '#!/bin/sh\necho "new %s"\nexit %s\n' "$2" "$2" >"$work/pciprobe"
	chmod +x "$work/pciprobe"
	echo old >"$work/out/pciprobe.prom"
	result=0
	(cd "$work/out" && run_unit) || result=$?
	found=$(cat "$work/out/pciprobe.prom")
	if [ "$found" = "$3" ] && [ $((result != 0)) -eq $(($2 != 0 && $2 != 3)) ]; then
		echo "ok $number - $1"
	else
		echo "not ok $number - $1"
		echo "# '$found', status $result"
	fi
}

mkdir "$work/out"
expect "all well" 0 "new 0"
expect "some cards could not be read whole" 3 "new 3"
expect "a failure" 1 "old"
expect "wrong usage" 2 "old"
expect "killed" 137 "old"
number=$((number + 1))
name="$number - systemd takes the units"
if ! command -v systemd-analyze >/dev/null; then
	echo "ok $name # SKIP systemd-analyze is not installed"
else
	sed "s|@bindir@|$work|" "$unit" >"$work/pciprobe-textfile.service"
	cp etc/prometheus/pciprobe-textfile.timer "$work"
	said=$(systemd-analyze verify --man=no "$work/pciprobe-textfile.service" "$work/pciprobe-textfile.timer" 2>&1)
	if [ -z "$said" ]; then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "$said" | sed 's/^/# /'
	fi
fi
echo "1..$number"
