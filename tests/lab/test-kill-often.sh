#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain group
# timeout: 240
#
# vfio-bind is killed at random moments: see kill-runs. KILL_COUNT, KILL_SECONDS, KILL_SEED and
# KILL_UDEVD are set by "kill-often", which does this for hours.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e e1000 nvme vfio-pci
nvme0=$(address_of nvme0)
edu0=$(address_of edu0)
devices_to_change=("$(address_of nic0)" "$(address_of nic1)" "$(address_of nic2)" "$edu0")
pair=$(address_of pair0),$(address_of pair1)
# the host driver fails on these VFs
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
has_disk() { [ -b /dev/nvme0n1 ]; }
check "the disk appears" wait_for 10 has_disk

copy_to_memory "$VFIO_BIND"
export VFIO_BIND=/dev/shm/vfio-bind
arguments=()
if [ -n "${KILL_UDEVD-}" ]; then
    mkdir -p /run/udev/rules.d
    "$VFIO_BIND" config udev "${devices_to_change[@]:0:3}" >/run/udev/rules.d/10-vfio-bind.rules
    check "udevd starts" /lib/systemd/systemd-udevd --daemon
    arguments=(--events "$edu0")
fi
"$LAB_DIR/kill-runs" --kills "${KILL_COUNT:-60}" --seconds "${KILL_SECONDS:-60}" \
    ${KILL_SEED:+--seed "$KILL_SEED"} "${arguments[@]}" --pair "$pair" --pf "$nvme0" \
    "${devices_to_change[@]}" || fail "a kill left something behind"
