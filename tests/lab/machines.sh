# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions for tests on the host that run commands in several machines at the same time; after
# verdict.sh:   work=DIRECTORY; . "$LAB_DIR/machines.sh"

declare -A launchers=() shares=() commands=()
# The paths of sockets are limited to 107 characters.
wire=$(mktemp -d) || exit 1

# start_machine NAME LIMIT TOPOLOGY SCRIPT [LAB_OPTION]...: starts a machine that runs SCRIPT and then
# the commands of on. SCRIPT can define functions and variables for these.
start_machine() {
    mkdir -- "$work/$1"
    LAB_HOST=$1 LAB_WIRE=$wire "$LAB_DIR/lab" --run-dir "$work/$1" --timeout "$2" --topology "$3" \
        --env "BUILD_DIR=$BUILD_DIR" --env "PCIPROBE=$PCIPROBE" --env "LAB_HOST=$1" "${@:5}" \
        "$LAB_DIR/run-commands" "$4" >"$work/$1.log" 2>&1 &
    launchers[$1]=$!
    commands[$1]=0
    wait_for 60 machine_started "$1" || fail "machine $1 has not started"
}

# machine_runs NAME
machine_runs() { kill -0 "${launchers[$1]}" 2>/dev/null; }

# machine_started NAME: its QEMU runs, or the launcher has ended. Sets the path of its share.
machine_started() {
    local run
    machine_runs "$1" || machine_ended "$1"
    run=$(compgen -G "$work/$1/run.*") && [ -S "$run/qmp" ] && shares[$1]=$run/share
}

# machine_ended NAME: ends the test as its machine did.
machine_ended() {
    local status=0
    wait "${launchers[$1]}" || status=$?
    cat -- "$work/$1.log" >&2
    [ "$status" -ne 77 ] || skip "$(sed -n 's/^\(lab\|skip\): //p' "$work/$1.log" | tail -n 1)"
    echo "FAILED: machine $1 ended with status $status" >&2
    [ "$status" -ne 0 ] || status=1
    exit "$status"
}

# kill_machine NAME: as if its power failed. The launcher would report it.
kill_machine() {
    kill -KILL "${launchers[$1]}"
    pkill -KILL -f -- "$work/$1/run" || : # its QEMU
    wait "${launchers[$1]}" 2>/dev/null || :
    unset "launchers[$1]"
}

# end_machines: ends those that still run.
end_machines() {
    [ ${#launchers[@]} -eq 0 ] || kill -TERM "${launchers[@]}" 2>/dev/null || :
    wait || :
    launchers=()
    rm -rf -- "$wire"
}

# on NAME COMMANDS: runs shell commands in a machine, in one shell after the other, and prints their
# output. If the machine ended, the whole test does.
on() {
    local number=$((++commands[$1])) share=${shares[$1]} status
    printf '%s\n' "$2" >"$share/command.new"
    mv -- "$share/command.new" "$share/command.$number"
    until [ -e "$share/status.$number" ]; do
        machine_runs "$1" || {
            cat -- "$share/output.$number" >&2
            machine_ended "$1"
        }
        pause 0.05
    done
    cat -- "$share/output.$number"
    read -r status <"$share/status.$number"
    return "$status"
}
