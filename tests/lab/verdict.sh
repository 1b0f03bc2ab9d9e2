# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# How a test says what it found, in the machine (by way of guest.sh) and on the host. The first check
# that fails ends the test.

# fail TEXT: the test has failed.
fail() { echo "FAILED: $*" >&2; exit 1; }

# skip REASON: the test cannot be made here.
skip() { echo "skip: $*" >&2; exit 77; }

# check TEXT COMMAND...: the test fails unless COMMAND succeeds.
check() {
    "${@:2}" || fail "$1"
    echo "ok: $1"
}

# check_same TEXT WANTED GOT: the test fails unless the two are the same.
check_same() {
    [ "$2" = "$3" ] || fail "$1: wanted \"$2\", got \"$3\""
    echo "ok: $1"
}

# ends STATUS COMMAND...: succeeds when the command ends with this status. What it says is in /run/said then.
ends() {
    local status=0
    "${@:2}" >/run/said 2>&1 || status=$?
    [ "$status" = "$1" ] && return
    cat /run/said >&2
    echo "status $status instead of $1" >&2
    return 1
}

# not COMMAND...: for check and wait_for, where success is not wanted.
not() { ! "$@"; }

# A pipe that nobody writes to: reading it with a time limit is a sleep without a program.
exec {lab_silence}<> <(:)

# pause SECONDS
pause() { read -r -t "$1" -u "$lab_silence" || :; }

# wait_for SECONDS COMMAND...: until COMMAND succeeds; fails if it does not in that time.
wait_for() {
    local end=$((SECONDS + $1 + 1))
    until "${@:2}"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        pause 0.05
    done
}
