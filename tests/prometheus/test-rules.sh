#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The rules of etc/prometheus, by promtool. Prints TAP.
cd "${SOURCES:-.}" || exit 1
if ! command -v promtool >/dev/null; then
	echo "1..0 # SKIP not installed: prometheus"
	exit 0
fi
number=0

# prove NAME COMMAND...
prove() {
	name=$1
	shift
	number=$((number + 1))
	if said=$("$@" 2>&1); then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		echo "$said" | head -n 40 | sed 's/^/# /'
	fi
}

# Each alert and each series that a file makes must be asked for in its tests; those of collectd come in families of one form.
all_are_tested() {
	sed -n 's/^ *- \(alert\|record\): //p' etc/prometheus/pciprobe.rules.yml | while read -r name; do
		grep -q "\b$name\b" tests/prometheus/rules.test.yml || echo "$name"
	done | grep . && return 1
	return 0
}

prove "the rules are rules" promtool check rules etc/prometheus/pciprobe.rules.yml etc/prometheus/pciprobe-collectd.rules.yml
prove "they do what they say" promtool test rules tests/prometheus/rules.test.yml
prove "collectd's series get the names of the others" promtool test rules tests/prometheus/collectd-rules.test.yml
prove "each has its test" all_are_tested
echo "1..$number"
