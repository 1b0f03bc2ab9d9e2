#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain group
# timeout: 320
#
# Checks the reported owners while holders of all kinds and impostors start and stop at random: see
# keep-owners. SOAK_SECONDS, SOAK_SEED and SOAK_LIBVIRT are set by "soak", which runs this for an
# hour.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"

modprobe vfio-pci
soaked=("$pair0" "$pair1" "$nic2" "$(address_of nic0)" "$(address_of nic1)" "$(address_of edu0)")
bind_devices "${soaked[@]}"
copy_to_memory "$PCIPROBE"
export PCIPROBE=/dev/shm/pciprobe
# Long runs use libvirt for half of the VMs; for short runs starting them takes too long.
if [ -n "${SOAK_LIBVIRT-}" ]; then
    # shellcheck source=libvirt.sh
    . "$LAB_DIR/libvirt.sh"
    prepare_libvirt
    check "libvirtd starts" start_libvirtd
    install_helper "$(helper_path)"
fi
"$LAB_DIR/keep-owners" ${SOAK_LIBVIRT:+--libvirt} --seconds "${SOAK_SECONDS:-25}" \
    ${SOAK_SEED:+--seed "$SOAK_SEED"} "${soaked[@]}" || fail "wrong owners were reported"
