#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
#
# Virtual functions come and go: who is whose, and what OpenNebula is offered.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

# It is its driver that makes them.
modprobe nvme
nvme0=$(address_of nvme0)
bus=${nvme0%:*}
# QEMU puts them right behind their physical function.
functions=("$bus:00.1" "$bus:00.2" "$bus:00.3" "$bus:00.4")
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"

enable() { echo "$1" >"$devices/$nvme0/sriov_numvfs"; }
roles() {
    "$PCIPROBE" list --all -s "$bus:" -f raw --no-headings -o address,sriov,pf,vf_index,vfs_total,vfs_enabled
}
# offered: the addresses that OpenNebula is told of on that bus, in its own way of writing.
offered() { "$PCIPROBE" list --all -s "$bus:" -f opennebula | sed -n 's/^ *ADDRESS = "\(.*\)".*/\1/p'; }
in_opennebula() { printf '%s\n' "${@/./:}"; }
# wanted COUNT: what roles gives while there are that many.
wanted() {
    local index
    echo "$nvme0 pf - - 4 $1"
    for ((index = 0; index < $1; index++)); do
        echo "${functions[index]} vf $nvme0 $index - -"
    done
}

check_same "it could have four" "$(wanted 0)" "$(roles)"
check_same "OpenNebula is offered the device itself" "$(in_opennebula "$nvme0")" "$(offered)"
for count in 4 0 2; do
    enable "$count"
    check_same "it has $count" "$(wanted "$count")" "$(roles)"
done
check_same "OpenNebula is offered the two, and the device itself no more" \
    "$(in_opennebula "${functions[@]:0:2}")" "$(offered)"

modprobe vfio-pci
check "VFIO takes one" bind_driver "${functions[1]}" vfio-pci
check_same "its driver, group and ids are listed" "${functions[1]} vfio-pci $(group_of "${functions[1]}") 1b36 0010" \
    "$("$PCIPROBE" list --all -s "${functions[1]}" -f raw --no-headings -o address,driver,iommu_group,vendor,device)"

enable 0
check_same "they are gone" "$(wanted 0)" "$(roles)"
check_same "OpenNebula is offered the device again" "$(in_opennebula "$nvme0")" "$(offered)"
