#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain group
# timeout: 240
#
# vfio-bind is killed at random moments, without and with udevd: see kill-runs. KILL_COUNT,
# KILL_SECONDS, KILL_SEED and KILL_UDEVD (yes or no) are set by "kill-often", which does this for hours.

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
check "the disk appears" wait_for_disk has_disk

copy_to_memory "$VFIO_BIND"
export VFIO_BIND=/dev/shm/vfio-bind

# kill_runs KILLS SECONDS [OPTION]...: fails after a wrong result. 0 seconds: no time limit.
kill_runs() {
    "$LAB_DIR/kill-runs" --kills "$1" --seconds "$2" ${KILL_SEED:+--seed "$KILL_SEED"} "${@:3}" \
        --pair "$pair" --pf "$nvme0" "${devices_to_change[@]}" || fail "a kill left something behind"
}

[ "${KILL_UDEVD-}" = yes ] || kill_runs "${KILL_COUNT:-25}" "${KILL_SECONDS:-25}"
[ "${KILL_UDEVD-}" != no ] || exit 0
mkdir -p /run/udev/rules.d
"$VFIO_BIND" config udev "${devices_to_change[@]:0:3}" >/run/udev/rules.d/10-vfio-bind.rules
check "udevd starts" /lib/systemd/systemd-udevd --daemon
kill_runs "${KILL_COUNT:-15}" "${KILL_SECONDS:-15}" --events "$edu0"
