#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# place: host
# machines: 2
# timeout: 1800
# run: by name
#
# Runs the commands of docs/migration.md on two hosts: a VM with a VF really migrates between them,
# while an outside host pings it; the migration of a pair is aborted. Throughout, both inventories are
# queried, and every answer is compared with what the kernel and libvirt's files say at that time.

set -eu
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

document=$LAB_DIR/../../docs/migration.md
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

on a 'virsh -q save-image-dumpxml "$GUEST/state" >web.xml; virsh -q define web.xml; start_pings'
check_on a "the VM runs" 'virsh -q restore "$GUEST/state"'
note "the VM runs"
check_on a "a VF is found" 'wait_for 60 eval "pciprobe request -q -f libvirt 10GE >vf.xml"'
check_on a "it is attached" "virsh -q attach-device web vf.xml --live --config"
check_owner a "${a[0]}" "held web"
check_on a "the guest uses its VF" "wait_for 300 guest_has igbvf,up"
check_on a "it answers" "wait_for 120 answers"
note "the VM answers by its VF"
on a watch_owners
on b watch_owners

# Detach the VF, attach another

on a 'step "1 source"'
copy a b web.xml old.xml
on b 'domain other "$(pciprobe -f libvirt)" >other.xml; virsh -q define other.xml
    refuses() { ! pciprobe request -f libvirt 10GE >none.xml 2>none && grep -qF "reserved for VM '"'other'"'" none; }'
check_on b "without a free VF, the request fails and says why" "wait_for 300 refuses"
check_on b "it has printed nothing" "test ! -s none.xml"
check_owner a "${a[0]}" "held web"
on b 'virsh -q undefine other'
on b 'patient_step "2 target"'
check_owner b "${b[0]}" "reserved web"
on a 'step "3 source"'
check_owner a "${a[0]}" "free -"
note "the VF is detached"
on a 'export target=qemu+tcp://b/system; check "the VM migrates" strict_step "4 source"'
note "the VM has migrated"
check_owner b "${b[0]}" "reserved web"
check_on b "the new VF is attached" 'strict_step "5 target"'
check_owner b "${b[0]}" "held web"
check_on b "the guest uses its new VF" "wait_for 300 guest_has igbvf,up"
check_on a "it answers" "wait_for 120 answers"
note "the VM answers by its new VF"

# A pair

pair='failover,up igbvf,up virtio_net,up'
on b 'virsh -q detach-device web new.xml --live --config'
check_owner b "${b[0]}" "free -"
on b 'patient_step "pair attach"'
check_on b "the guest has made an interface of both" \
    "wait_for 300 guest_has '$pair'"
check_on a "it answers" "wait_for 120 answers"
check_owner b "${b[0]}" "held web"
note "the VM answers by the pair"

# reserve FROM TO: the steps before the migration
reserve() {
    on "$2" 'patient_step "pair target"'
    copy "$2" "$1" new.xml
    on "$1" "export target=qemu+tcp://$2/system"'; step "pair define"'
}
reserve b a
check_owner a "${a[0]}" "reserved web"
on b 'check "the VM migrates" strict_step "pair migrate"'
note "the VM has migrated"
check_owner a "${a[0]}" "held web"
check_owner b "${b[0]}" "free -"
check_on a "the guest uses its new VF" "wait_for 300 guest_has '$pair'"
check_on a "it answers" "wait_for 120 answers"
note "the VM answers by the pair"

# A guest that does not release its VF

reserve a b
check_owner b "${b[0]}" "reserved web"
on a 'virsh -q suspend web
    status_is() { virsh qemu-monitor-command web --hmp "info migrate" | grep -q "Migration status: $1"; }
    strict_step "pair migrate" & migration=$!'
check_on a "the migration waits for the guest" "wait_for 300 status_is wait-unplug"
check_owner a "${a[0]}" "held web"
check_owner b "${b[0]}" "held web"
on a 'strict_step "pair abort"; check "the migration fails" not wait $migration'
check_owner a "${a[0]}" "held web"
check_owner b "${b[0]}" "reserved web"
on a 'step "pair off"'
check_owner b "${b[0]}" "free -"
note "the migration was aborted"
# It was asked to release it, and does so now.
on a 'virsh -q resume web'
check_owner a "${a[0]}" "reserved web"
check_on a "the guest gets its VF again" 'strict_step "pair again"'
check_on a "it uses it" "wait_for 300 guest_has '$pair'"
check_on a "it answers" "wait_for 120 answers"
check_owner a "${a[0]}" "held web"
note "the VM is as before"

# A target that dies

reserve a b
on a 'virsh -q migrate-setspeed web 1
    strict_step "pair migrate" & migration=$!'
check_on a "the migration begins" "wait_for 300 status_is active"
check_owner a "${a[0]}" "held web"
cp "${shares[b]}/owners" "$work/b.owners"
kill_machine b
note "the target has died"
on a 'strict_step "pair abort"; check "the migration fails" not wait $migration'
check_owner a "${a[0]}" "held web"
check_on a "the VM runs" 'test "$(virsh -q domstate web)" = running'
check_on a "the guest still uses its VF" "wait_for 300 guest_has '$pair'"
check_on a "it answers" "wait_for 120 answers"
note "the VM is as before"

# The records

# judge HOST: compares each answer of pciprobe with what the kernel and libvirt's files said before and
# after it. While libvirt does not answer, an owner may be unknown.
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
            else if ((before[1] == "open" || before[1] == "running") && $5 != "held" && $5 != "unknown")
                wrong("not held")
            else if (before[1] == "none" && $5 != "free" && $5 != "unknown")
                wrong("not free")
        }
        END {
            printf "# host %s: %d answers: held %d, reserved %d, free %d, unknown %d; %d while it changed\n",
                host, answers, seen["held"], seen["reserved"], seen["free"], seen["unknown"], changing
            exit failed || !seen["held"] || !seen["reserved"] || !seen["free"]
        }' "$work/$1.owners"
}
cp "${shares[a]}/owners" "$work/a.owners"
for host in a b; do
    check "all answers of host $host were right" judge "$host"
done

# Reported only: they depend on this machine.
awk 'NR > 1 && $2 > last + 2 { printf "# pings: %d lost in %.1f s\n", $2 - last - 1, $1 - time }
    { last = $2; time = $1; answers++ }
    END { printf "# pings: %d of %d answered\n", answers, last + 1 }' "${shares[a]}/pings"

# Those of rolling back are in test-libvirt-migration.sh.
check_same "the document's commands were run" "1 source,2 target,3 source,4 source,5 target,\
off source,off target,pair attach,pair target,pair define,pair migrate,pair abort,pair off,pair again," \
    "$(sed -n 's/^```sh \(.*\)/\1/p' "$document" | tr '\n' ',')"
