#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# place: host
# machines: 2
# timeout: 1800
# run: by name
#
# Runs the commands of docs/migration.md on two hosts: the VF of a VM is detached, the VM really
# migrates, while an outside host pings it, and another VF is attached. Throughout, both inventories
# are queried, and every answer is compared with what the kernel and libvirt's files say at that time.

set -eu
# shellcheck source=hosts.sh
. "$LAB_DIR/hosts.sh" a

check_on a "a VF is found" 'wait_for 60 eval "pciprobe request -q -f libvirt 10GE >vf.xml"'
check_on a "it is attached" "virsh -q attach-device web vf.xml --live --config"
check_owner a "${a[0]}" "held web"
check_on a "the guest uses its VF" "wait_for 300 guest_has igbvf,up"
check_on a "it answers" "wait_for 120 answers"
note "the VM answers by its VF"
on a watch_owners
on b watch_owners

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

judge_all
report_pings

# Those of a pair are in test-libvirt-pair.sh, those of rolling back in test-libvirt-migration.sh.
check_same "the document's commands were run" "1 source,2 target,3 source,4 source,5 target,\
off source,off target,pair attach,pair target,pair define,pair migrate,pair abort,pair off,pair again," \
    "$(sed -n 's/^```sh \(.*\)/\1/p' "$LAB_DIR/../../docs/migration.md" | tr '\n' ',')"
