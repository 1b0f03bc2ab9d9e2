#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Checks the rules in etc/prometheus with promtool. Prints TAP.
cd "${SOURCES:-.}" || exit 1
if ! command -v promtool >/dev/null; then
	echo "1..0 # SKIP not installed: prometheus"
	exit 0
fi
number=0

# check NAME COMMAND...
check() {
	name=$1
	shift
	number=$((number + 1))
	if output=$("$@" 2>&1); then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		echo "$output" | head -n 40 | sed 's/^/# /'
	fi
}

# untested RULES TESTS KIND: prints the names that occur in RULES, but not in TESTS.
untested() {
	sed -n "s/^ *- \($3\): //p" "etc/prometheus/$1" | while read -r name; do
		grep -q "\b$name\b" "tests/prometheus/$2" || echo "$name"
	done
}

# Each alert and recorded series must occur in the tests, except collectd's series: a few patterns create them.
all_are_tested() {
	{
		untested pciprobe.rules.yml rules.test.yml 'alert\|record'
		untested pciprobe-collectd.rules.yml collectd-rules.test.yml alert
	} | grep . && return 1
	return 0
}

# The series that docs/fleet.md advises to leave out.
left_out_are_unused() {
	names=$(sed -n "s/^ *regex: '\(pciprobe_.*\)'$/\1/p" docs/fleet.md)
	[ -n "$names" ] || return 1
	! grep -nE "\b$names\b" etc/prometheus/pciprobe.rules.yml etc/prometheus/pciprobe-dashboard.json
}

check "the rules are valid" promtool check rules etc/prometheus/pciprobe.rules.yml etc/prometheus/pciprobe-collectd.rules.yml
check "the rules pass their tests" promtool test rules tests/prometheus/rules.test.yml
check "collectd's series get the same names as the textfile's" promtool test rules tests/prometheus/collectd-rules.test.yml
check "every rule has a test" all_are_tested
check "no rule or panel needs the series that can be left out" left_out_are_unused
echo "1..$number"
