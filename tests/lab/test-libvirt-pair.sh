#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# place: host
# machines: 2
# timeout: 1800
# run: by name
#
# Like test-libvirt-hosts.sh, with a pair of a VF and a virtio interface, with which the VM migrates.
# Then a guest does not release its VF, and at last a target dies.

set -eu
# shellcheck source=hosts.sh
. "$LAB_DIR/hosts.sh" b

attach_pair b "${b[0]}"
on a watch_owners
on b watch_owners
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

judge_all
report_pings
