#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# machine: shared
#
# Unbinding a device from vfio-pci, or disabling virtual functions, blocks with the device locked
# while a VM holds it. Listing devices must not block.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a nvme vfio-pci vfio_iommu_type1
nvme0=$(address_of nvme0)
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
echo 2 >"$devices/$nvme0/sriov_numvfs"
function=$(link_name "$devices/$nvme0/virtfn1")
check "a virtual function is bound to vfio-pci" bind_driver "$function" vfio-pci

# lists: a listing finishes within 20 s. It runs in the background, because it cannot be killed
# while it waits for the lock.
lists() {
    local listing
    rm -f /run/listed /run/ended
    (
        "$PCIPROBE" list --all -f raw --no-headings -s "${nvme0%:*}:" \
            -o address,sriov,vfs_enabled >/run/listed
        : >/run/ended
    ) &
    listing=$!
    wait_for 60 test -e /run/ended && return
    read -r listing <"/proc/$listing/task/$listing/children" || :
    cat "/proc/${listing% }/stack" >&2
    return 1
}
check "devices are listed while $function is not held" lists

hold() {
    exec {held}< <(exec "$LAB_DIR/hold-group" "$function" "$(group_of "$function")")
    holder=$!
    read -r -t 20 -u "$held" _ || fail "hold-group failed"
}
# blocked COMMAND: devices are listed while COMMAND waits for the holder with the device locked.
blocked() {
    hold
    check "devices are listed while $function is held" lists
    "$@" &
    blocked_pid=$!
    waits() { [[ $(</proc/$blocked_pid/stack) == *vfio* ]]; }
    check "$* blocks" wait_for 60 waits
    check "devices are listed while $* blocks" lists
    check "the physical function is listed" grep -q "^$nvme0 pf " /run/listed
    check "the virtual function is listed" grep -q "^$function " /run/listed
    kill "$holder"
    wait "$blocked_pid"
}
release() { echo "$function" >"$devices/$function/driver/unbind"; }
disable() { echo 0 >"$devices/$nvme0/sriov_numvfs"; }

blocked release
check "the virtual function is bound to vfio-pci again" bind_driver "$function" vfio-pci
blocked disable
check "the virtual functions are gone" test ! -e "$devices/$function"
