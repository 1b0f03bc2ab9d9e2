#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The command line of ./setup. Building and testing is not tested here. Prints TAP.
cd "${SOURCES:-.}" || exit 1
number=0
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# expect STATUS TEXT NAME COMMAND...: checks the command's status, and TEXT in its output.
expect() {
	wanted=$1 text=$2 name=$3
	shift 3
	number=$((number + 1))
	status=0
	"$@" >"$work/output" 2>&1 </dev/null || status=$?
	if [ "$status" -eq "$wanted" ] && grep -qF -e "$text" "$work/output"; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		echo "# exit status $status instead of $wanted, or no '$text' in:"
		sed 's/^/# /' "$work/output"
	fi
}

expect 0 "./setup COMMAND" "without arguments the usage is printed" ./setup
expect 2 "unknown command 'nonsense'" "an unknown command" ./setup nonsense
expect 2 "unknown option '--quik'" "an unknown option" ./setup check --quik
expect 0 "libpci-dev" "the packages are listed" ./setup packages
if unshare -m true 2>/dev/null; then
	printf 'ID=plan9\nNAME="Plan 9"\n' >"$work/os-release"
	for command in run check bench; do
		expect 1 "libpci-dev" "on other systems the packages are listed: $command" \
			unshare -m sh -c "mount --bind '$work/os-release' /etc/os-release && ./setup $command"
	done
else
	number=$((number + 1))
	echo "ok $number - on other systems the packages are listed # SKIP cannot create a mount namespace"
fi
echo "1..$number"
