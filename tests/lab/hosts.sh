# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# For tests on the host that run the commands of docs/migration.md; FIRST is a or b:
#   . "$LAB_DIR/hosts.sh" FIRST
# Starts these two hosts of migration-host, and on FIRST a VM, which an outside host at a pings.

# shellcheck source=verdict.sh
. "$LAB_DIR/verdict.sh"
work=$(mktemp -d -- "$LAB_RUN_DIR/hosts.XXXXXX") || exit 1
# shellcheck source=machines.sh
. "$LAB_DIR/machines.sh"

# shellcheck disable=SC2317 # the trap calls it
cleanup() {
    local status=$?
    [ "$status" -eq 0 ] || [ "$status" -eq 77 ] || tail -n 30 "$work"/?.log "$work"/?/run.*/share/{owners,pings,guest.log} || :
    end_machines
    rm -rf -- "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 143' TERM

# copy FROM TO FILE...
copy() {
    local file
    on "$1" "cp ${*:3} $(printf '%q' /run/lab)"
    for file in "${@:3}"; do
        cp -- "${shares[$1]}/$file" "${shares[$2]}/$file"
    done
    on "$2" "(cd /run/lab && cp ${*:3} /run/work)"
}
note() { echo "# $SECONDS s: $*"; }

for host in a b; do
    start_machine "$host" 1700 pair "$LAB_DIR/migration-host" --env "GUEST=$work/guest"
done
check "a VM is saved" "$LAB_DIR/make-guest" "$LAB_KERNEL_DIR" "$work/guest"
note "the VM is saved"
on a 'printf "%s\n" "${vfs[@]}"' >"$work/vfs.a"
on b 'printf "%s\n" "${vfs[@]}"' >"$work/vfs.b"
mapfile -t a <"$work/vfs.a"
mapfile -t b <"$work/vfs.b"
check "the VFs have different addresses on the hosts" test "${a[0]}" != "${b[0]}"
note "both hosts run"

# check_owner HOST VF EXPECTED: pciprobe shows it, once the guest and libvirt are so far.
check_owner() {
    on "$1" "wait_for 300 lab_prints '$3' show $2 || :
        check_same 'the owner of $2 on host $1 is right' '$3' \"\$found\"" || exit
}
# check_on HOST TITLE COMMAND
check_on() { on "$1" "check $(printf %q "$2") $3" || exit; }

on a start_pings
on "$1" 'virsh -q save-image-dumpxml "$GUEST/state" >web.xml; virsh -q define web.xml'
check_on "$1" "the VM runs" 'virsh -q restore "$GUEST/state"'
note "the VM runs"

# judge HOST: compares each answer of pciprobe with what the kernel and libvirt's files said before and
# after it. While libvirt does not answer, an owner may be unknown, and a VF that libvirt has assigned
# to a VM, but QEMU has not opened, may be reserved by the VM's definition.
judge() {
    awk -v host="$1" '
        function wrong(why) { print "host " host ": " why ": " $0; failed = 1 }
        NF != 7 { wrong("no answer"); next }
        {
            split($3, before, ":")
            split($4, after, ":")
            answers++
            seen[$5]++
            if ($6 != "-" && $6 != before[2] && $6 != after[2])
                wrong("wrong owner")
            else if ($5 == "free" && before[1] != "none" && after[1] != "none")
                wrong("free while a VM has it")
            else if ($3 != $4)
                changing++
            else if (before[1] == "open" && $5 != "held" && $5 != "unknown")
                wrong("not held")
            else if (before[1] == "running" && $5 != "held" && $5 != "reserved" && $5 != "unknown")
                wrong("neither held nor reserved")
            else if (before[1] == "none" && $5 != "free" && $5 != "unknown")
                wrong("not free")
        }
        END {
            printf "# host %s: %d answers: held %d, reserved %d, free %d, unknown %d; %d while it changed\n",
                host, answers, seen["held"], seen["reserved"], seen["free"], seen["unknown"], changing
            exit failed || !seen["held"] || !seen["free"]
        }' "$work/$1.owners"
}

# judge_all: what a host wrote must be in a file HOST.owners already if its machine has ended.
judge_all() {
    local host
    for host in a b; do
        [ -z "${launchers[$host]-}" ] || cp "${shares[$host]}/owners" "$work/$host.owners"
        check "all answers of host $host were right" judge "$host"
    done
}

# report_pings: reported only, because they depend on this machine.
report_pings() {
    awk 'NR > 1 && $2 > last + 2 { printf "# pings: %d lost in %.1f s\n", $2 - last - 1, $1 - time }
        { last = $2; time = $1; answers++ }
        END { printf "# pings: %d of %d answered\n", answers, last + 1 }' "${shares[a]}/pings"
}

# reserve FROM TO: the document's steps before the migration of a pair
reserve() {
    on "$2" 'patient_step "pair target"'
    copy "$2" "$1" new.xml
    on "$1" "export target=qemu+tcp://$2/system"'; patient_step "pair define"'
}

pair='failover,up igbvf,up virtio_net,up'
# attach_pair HOST VF: its VM uses it.
attach_pair() {
    on "$1" 'patient_step "pair attach"'
    check_on "$1" "the guest has made an interface of both" \
        "wait_for 300 guest_has '$pair'"
    check_on a "it answers" "wait_for 120 answers"
    check_owner "$1" "$2" "held web"
    note "the VM answers by the pair"
}
