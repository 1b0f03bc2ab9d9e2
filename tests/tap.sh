# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# TAP functions for tests that are shell scripts. To be sourced in a temporary directory, where they
# write the files out, err and wrong.
number=0

# result STATUS TITLE [DIAGNOSTIC-FILE...]
result() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		shift 2
		head -n 20 "$@" </dev/null 2>&1 | sed 's/^/# /'
	fi
}

skip() { number=$((number + 1)); echo "ok $number - $1 # SKIP $2"; }

# expect STATUS TITLE COMMAND...: runs it with its output in out and err.
expect() {
	local wanted=$1 name=$2 status
	shift 2
	"$@" >out 2>err </dev/null
	status=$?
	echo "exit status $status instead of $wanted" >wrong
	[ "$status" -eq "$wanted" ]
	result $? "$name" wrong out err
}

# says FILE STRING TITLE: FILE contains STRING.
says() { grep -qF -- "$2" "$1"; result $? "$3" "$1"; }
