#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# place: host
# machines: 2
# timeout: 1800
# run: by name
#
# Like test-libvirt-hosts.sh, with a pair of a VF and a virtio interface, with which the VM migrates.

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

judge_all
report_pings
