#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The unit that writes the file for node_exporter, and the line for cron in docs/prometheus.md: a good answer replaces the file, a part of one too,
# a failure doesn't. Prints TAP.
cd "${SOURCES:-.}" || exit 1
number=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

page=$PWD/docs/prometheus.md
unit=$PWD/etc/prometheus/pciprobe-textfile.service.in

# run_unit: what the unit does, with a pciprobe in $work
run_unit() {
	sh -c "$(sed -n "s|^ExecStart=/bin/sh -c '\(.*\)'\$|\1|p" "$unit" | sed -e "s|@bindir@|$work|" -e 's/\$\$/$/g')"
}

# run_cron: what the page's line for cron does, with the same pciprobe, in cron's environment
run_cron() {
	env -i PATH=/usr/bin:/bin sh -c "$(sed -n 's|^ *\* \* \* \* \* root \(cd .* pciprobe\.prom\)$|\1|p' "$page" |
		sed -e "s|/usr/local/bin|$work|" -e "s|/var/lib/prometheus/node-exporter|$work/out|")"
}

# expect NAME STATUS TEXT: when pciprobe ends with STATUS, the file's text; "none" for a pciprobe that isn't there
expect() {
	printf '#!/bin/sh\necho "new %s"\n[ %s != 137 ] || kill -9 $$\nexit %s\n' "$2" "$2" "$2" >"$work/pciprobe"
	chmod +x "$work/pciprobe"
	[ "$2" != none ] || rm "$work/pciprobe"
	for how in run_unit run_cron; do
		number=$((number + 1))
		echo old >"$work/out/pciprobe.prom"
		result=0
		(cd "$work/out" && $how) 2>"$work/err" || result=$?
		found=$(cat "$work/out/pciprobe.prom")
		case $2 in 0 | 3) wanted=0 ;; *) wanted=1 ;; esac
		if [ "$found" = "$3" ] && [ $((result != 0)) -eq $wanted ]; then
			echo "ok $number - $1 ($how)"
		else
			echo "not ok $number - $1 ($how)"
			echo "# '$found', status $result"
			sed 's/^/# /' "$work/err"
		fi
	done
}

mkdir "$work/out"
expect "all well" 0 "new 0"
expect "some devices could not be read whole" 3 "new 3"
expect "a failure" 1 "old"
expect "wrong usage" 2 "old"
expect "killed" 137 "old"
expect "not found" 127 "old"
expect "not there" none "old"
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
