# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Checks for tests, both in the machine (through guest.sh) and on the host. The first failed check
# ends the test.

# fail MESSAGE: ends the test as failed.
fail() { echo "FAILED: $*" >&2; exit 1; }

# skip REASON: ends the test as skipped.
skip() { echo "skip: $*" >&2; exit 77; }

# check TITLE COMMAND...: fails unless COMMAND succeeds.
check() {
    "${@:2}" || fail "$1"
    echo "ok: $1"
}

# check_same TITLE EXPECTED FOUND: fails unless the strings are equal.
check_same() {
    [ "$2" = "$3" ] || fail "$1: expected \"$2\", found \"$3\""
    echo "ok: $1"
}

# exits STATUS COMMAND...: succeeds if COMMAND exits with this status. Its output is in /run/output.
exits() {
    local status=0
    "${@:2}" >/run/output 2>&1 || status=$?
    [ "$status" = "$1" ] && return
    cat /run/output >&2
    echo "status $status instead of $1" >&2
    return 1
}

# not COMMAND...: for check and wait_for, if COMMAND should fail.
not() { ! "$@"; }

# Reading an idle pipe with a timeout sleeps without starting a program.
exec {lab_idle_pipe}<> <(:)

# pause SECONDS
pause() { read -r -t "$1" -u "$lab_idle_pipe" || :; }

# wait_for SECONDS COMMAND...: repeats COMMAND until it succeeds; fails after the timeout.
wait_for() {
    local end=$((SECONDS + $1 + 1))
    until "${@:2}"; do
        [ "$SECONDS" -lt "$end" ] || return 1
        pause 0.05
    done
}

# check_becomes TITLE EXPECTED COMMAND...: waits up to a minute until COMMAND prints EXPECTED. What is
# compared is what was waited for: run once more, the command may print something else.
check_becomes() {
    local found
    wait_for 60 lab_prints "$2" "${@:3}" || :
    check_same "$1" "$2" "$found"
}
# lab_prints EXPECTED COMMAND...: COMMAND prints EXPECTED; sets found to what it printed.
lab_prints() {
    found=$("${@:2}") || :
    [ "$found" = "$1" ]
}
