#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The systemd unit that writes the file for node_exporter, and the cron job in docs/prometheus.md: complete and incomplete output
# replaces the file, a failure does not. Prints TAP.
cd "${SOURCES:-.}" || exit 1
number=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

page=$PWD/docs/prometheus.md
unit=$PWD/etc/prometheus/pciprobe-textfile.service.in

# run_unit: runs the unit's command, with the pciprobe in $work
run_unit() {
	sh -c "$(sed -n "s|^ExecStart=/bin/sh -c '\(.*\)'\$|\1|p" "$unit" | sed -e "s|@bindir@|$work|" -e 's/\$\$/$/g')"
}

# run_cron: runs the page's cron job, with the same pciprobe, in cron's environment
run_cron() {
	env -i PATH=/usr/bin:/bin sh -c "$(sed -n 's|^ *\* \* \* \* \* root \(cd .* pciprobe\.prom\)$|\1|p' "$page" |
		sed -e "s|/usr/local/bin|$work|" -e "s|/var/lib/prometheus/node-exporter|$work/out|")"
}

# expect NAME STATUS TEXT: checks the contents of the file after pciprobe exited with STATUS; "none": pciprobe does not exist
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
expect "success" 0 "new 0"
expect "some devices incomplete" 3 "new 3"
expect "a failure" 1 "old"
expect "usage error" 2 "old"
expect "killed" 137 "old"
expect "exit status 127" 127 "old"
expect "pciprobe not found" none "old"
number=$((number + 1))
name="$number - systemd accepts the units"
if ! command -v systemd-analyze >/dev/null; then
	echo "ok $name # SKIP systemd-analyze is not installed"
else
	sed "s|@bindir@|$work|" "$unit" >"$work/pciprobe-textfile.service"
	cp etc/prometheus/pciprobe-textfile.timer "$work"
	output=$(systemd-analyze verify --man=no "$work/pciprobe-textfile.service" "$work/pciprobe-textfile.timer" 2>&1)
	if [ -z "$output" ]; then
		echo "ok $name"
	else
		echo "not ok $name"
		echo "$output" | sed 's/^/# /'
	fi
fi
echo "1..$number"
