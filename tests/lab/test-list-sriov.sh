#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# machine: shared
#
# Virtual functions are enabled and disabled: listed roles, and devices offered to OpenNebula.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

# The nvme driver enables virtual functions.
modprobe nvme
nvme0=$(address_of nvme0)
bus=${nvme0%:*}
# QEMU assigns the addresses following the physical function.
functions=("$bus:00.1" "$bus:00.2" "$bus:00.3" "$bus:00.4")
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"

enable() { echo "$1" >"$devices/$nvme0/sriov_numvfs"; }
roles() {
    "$PCIPROBE" list --all -s "$bus:" -f raw --no-headings \
        -o address,sriov,pf,vf_index,vfs_total,vfs_enabled
}
# offered: prints the addresses on that bus in OpenNebula's format.
offered() {
    "$PCIPROBE" list --all -s "$bus:" -f opennebula | sed -n 's/^ *ADDRESS = "\(.*\)".*/\1/p'
}
in_opennebula() { printf '%s\n' "${@/./:}"; }
# expected COUNT: prints the expected output of roles with COUNT virtual functions.
expected() {
    local index
    echo "$nvme0 pf - - 4 $1"
    for ((index = 0; index < $1; index++)); do
        echo "${functions[index]} vf $nvme0 $index - -"
    done
}

check_same "four virtual functions are supported" "$(expected 0)" "$(roles)"
check_same "the physical function is offered to OpenNebula" "$(in_opennebula "$nvme0")" "$(offered)"
for count in 4 0 2; do
    enable "$count"
    check_same "$count virtual functions are listed" "$(expected "$count")" "$(roles)"
done
check_same "only the virtual functions are offered to OpenNebula" \
    "$(in_opennebula "${functions[@]:0:2}")" "$(offered)"

modprobe vfio-pci
check "a virtual function is bound to vfio-pci" bind_driver "${functions[1]}" vfio-pci
check_same "driver, group and ids of the virtual function are listed" \
    "${functions[1]} vfio-pci $(group_of "${functions[1]}") 1b36 0010" \
    "$("$PCIPROBE" list --all -s "${functions[1]}" -f raw --no-headings \
        -o address,driver,iommu_group,vendor,device)"

enable 0
check_same "no virtual functions are listed" "$(expected 0)" "$(roles)"
check_same "the physical function is offered to OpenNebula again" \
    "$(in_opennebula "$nvme0")" "$(offered)"
