#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# place: host
# timeout: 300
#
# The launcher: output, exit status and cleanup.

set -u
# shellcheck source=verdict.sh
. "$LAB_DIR/verdict.sh"

lab=$LAB_DIR/lab
work=$(mktemp -d -- "$LAB_RUN_DIR/launcher.XXXXXX") || exit 1
runs=$work/runs
launchers=()

# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    [ $? -eq 0 ] || cat -- "$work/errors"
    [ ${#launchers[@]} -eq 0 ] || kill -TERM "${launchers[@]}" 2>/dev/null
    wait
    rm -rf -- "$work"
}
trap cleanup EXIT
trap 'exit 143' TERM

# script NAME: creates a script from standard input.
script() { { echo '#!/bin/bash'; cat; } >"$work/$1" && chmod +x "$work/$1"; }

# run ARGUMENT...: runs the lab; sets status, writes the files output and errors.
run() {
    "$lab" --run-dir "$runs" "$@" >"$work/output" 2>"$work/errors"
    status=$?
}

# remaining: prints the processes whose working directory is that of a run, like all that it starts.
remaining() {
    local process directory
    for process in /proc/[0-9]*; do
        directory=$(readlink "$process/cwd") && [[ $directory == "$runs"/* ]] &&
            printf '%s ' "${process#/proc/}"
    done
}
none_is_left() { [ -z "$(remaining)" ]; }

mkdir "$runs"
: >"$work/errors"

# Missing requirements and usage errors are detected before a machine starts.
script empty </dev/null
LAB_QEMU=no-such-program run "$work/empty"
check_same "without QEMU the status is 77" 77 "$status"
check "the reason is reported" grep -q 'no no-such-program' "$work/errors"
run --kernel "$work/nothing" "$work/empty"
check_same "without a kernel the status is 77" 77 "$status"
run --topology no-such "$work/empty"
[ "$status" -ne 77 ] || skip "$(tail -n 1 "$work/errors")"
check_same "an unknown topology is a usage error" 125 "$status"
run "$work/no-such"
check_same "a missing script is a usage error" 125 "$status"
check "no process is left" none_is_left
rm -rf -- "${runs:?}"/*

script talk <<'TEXT'
cat "${0%/*}/bytes"
printf '%s\n' "$@" "$COLOUR" >&2
exit 3
TEXT
head -c 200000 /dev/urandom >"$work/bytes"
run --env 'COLOUR=light  green' "$work/talk" one 'two  words' "it's"
check_same "the status is the script's" 3 "$status"
check "standard output is passed on unchanged" cmp "$work/bytes" "$work/output"
check_same "arguments and variables are passed on" "one|two  words|it's|light  green" \
    "$(head -n 4 "$work/errors" | paste -s -d '|')"
log=$(sed -n 's/^lab: console log: //p' "$work/errors")
check "the console log is kept on failure" test -s "$log"
rm -rf -- "${runs:?}"/*

script wait_forever <<'TEXT'
echo begun
sleep 1000
TEXT
run --timeout 15 "$work/wait_forever"
check_same "on timeout the status is 124" 124 "$status"
check_same "output before the timeout is passed on" begun "$(cat "$work/output")"
check "no process is left after a timeout" none_is_left
rm -rf -- "${runs:?}"/*

script panic <<'TEXT'
echo c >/proc/sysrq-trigger
TEXT
run "$work/panic"
check_same "after a kernel panic the status is 125" 125 "$status"
check "the end of the console log is printed" grep -q 'Kernel Offset' "$work/errors"
rm -rf -- "${runs:?}"/*

# Each machine waits for the other.
script meet <<'TEXT'
touch "$LAB_SHARE/here"
until [ -e "$LAB_SHARE/there" ]; do sleep 0.1; done
TEXT
"$lab" --run-dir "$runs/1" "$work/meet" &
launchers+=($!)
"$lab" --run-dir "$runs/2" "$work/meet" &
launchers+=($!)
both_are_up() { [ "$(compgen -G "$runs/[12]/run.*/share/here" | wc -l)" -eq 2 ]; }
check "two machines run at the same time" wait_for 90 both_are_up
for share in "$runs"/[12]/run.*/share; do
    touch "$share/there"
done
check "the first one succeeds" wait "${launchers[0]}"
check "the second one succeeds" wait "${launchers[1]}"
launchers=()
check_same "no files are left of successful runs" "" "$(compgen -G "$runs/[12]/*")"
rm -rf -- "${runs:?}"/*

# The shell ignores SIGINT in background processes, hence env.
one_is_up() { compgen -G "$runs/run.*/qmp" >/dev/null; }
for signal in INT TERM KILL; do
    env --default-signal=INT "$lab" --run-dir "$runs" "$work/wait_forever" >/dev/null 2>"$work/errors" &
    launcher=$!
    launchers=("$launcher")
    check "a machine starts" wait_for 60 one_is_up
    kill "-$signal" "$launcher"
    wait "$launcher" 2>/dev/null
    status=$?
    check_same "$signal terminates the launcher" "$((128 + $(kill -l "$signal")))" "$status"
    launchers=()
    check "$signal terminates all its processes" wait_for 60 none_is_left
    rm -rf -- "${runs:?}"/*
done

script plug <<'TEXT'
until [ -e "$LAB_SHARE/ready" ]; do sleep 0.1; done
"$LAB_DIR/qmp" device_add driver=e1000e bus=slot1 id=new0 romfile=
TEXT
script see <<'TEXT'
. "$LAB_DIR/guest.sh"
! address_of new0 || fail "it is present too early"
touch "$LAB_SHARE/ready"
check "new0 appears" wait_for 60 device_is_present new0
TEXT
run --topology hotplug --outside "$work/plug" "$work/see"
check_same "a device can be plugged from outside" 0 "$status"

script stumble <<'TEXT'
sleep 1
exit 5
TEXT
run --outside "$work/stumble" "$work/empty"
check_same "the run fails if the outside program fails" 1 "$status"
