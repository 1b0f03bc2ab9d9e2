#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# ./setup as a newcomer meets it. What it builds and tests is not tried here: that is how this test came to run. Prints TAP.
cd "${SOURCES:-.}" || exit 1
number=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# expect STATUS TEXT NAME COMMAND...: the command's status, and a text in what it says.
expect() {
	wanted=$1 text=$2 name=$3
	shift 3
	number=$((number + 1))
	status=0
	"$@" >"$work/said" 2>&1 </dev/null || status=$?
	if [ "$status" -eq "$wanted" ] && grep -qF -e "$text" "$work/said"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		echo "# exit status $status instead of $wanted, or no '$text' in:"
		sed 's/^/# /' "$work/said"
	fi
}

expect 0 "./setup COMMAND" "alone it says what it can do" ./setup
expect 2 "unknown command 'nonsense'" "a typing error" ./setup nonsense
expect 2 "unknown option '--quik'" "a typing error in an option" ./setup check --quik
expect 0 "libpci-dev" "it names the packages" ./setup packages
if unshare -m true 2>/dev/null; then
	printf 'ID=plan9\nNAME="Plan 9"\n' >"$work/os-release"
	for command in run check bench; do
		expect 1 "libpci-dev" "elsewhere it names the packages and stops: $command" \
			unshare -m sh -c "mount --bind '$work/os-release' /etc/os-release && ./setup $command"
	done
else
	number=$((number + 1))
	echo "ok $number - elsewhere it names the packages and stops # SKIP no mount namespaces here"
fi
echo "1..$number"
