#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Each installed service is sandboxed: systemd rates its exposure 3.0 of 10 at most. Prints TAP.
# shellcheck source=tests/tap.sh
. "${SOURCES:-.}/tests/tap.sh"
cd "${SOURCES:-.}" || exit 1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

if ! systemd-analyze --help 2>/dev/null | grep -q -e --offline; then
	echo "1..0 # SKIP systemd-analyze is not installed, or has no --offline (before systemd 251)"
	exit 0
fi
for unit in etc/*/*.service*; do
	name=$(basename "$unit" .in)
	# the program need not be installed
	sed 's|^ExecStart=[^ ]*|ExecStart=/bin/true|' "$unit" >"$work/$name"
	systemd-analyze security --no-pager --offline=true --threshold=30 "$work/$name" >"$work/out" 2>&1
	status=$?
	grep -E '✗|exposure' "$work/out" >"$work/rating"
	result $status "$name is sandboxed" "$work/rating"
done
# a unit without any sandboxing is rated worse
printf '[Service]\nExecStart=/bin/true\n' >"$work/bare.service"
! systemd-analyze security --no-pager --offline=true --threshold=30 "$work/bare.service" >/dev/null 2>&1
result $? "a service that is not sandboxed is rejected"
echo "1..$number"
