#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
#
# Who takes a device from VFIO, or its virtual functions, while a virtual machine holds it has to wait,
# perhaps for days, and keeps the device locked. A listing must not wait with him.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a nvme vfio-pci vfio_iommu_type1
nvme0=$(address_of nvme0)
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
echo 2 >"$devices/$nvme0/sriov_numvfs"
function=$(link_name "$devices/$nvme0/virtfn1")
check "VFIO takes a virtual function" bind_driver "$function" vfio-pci

# lists: whether a listing comes to its end. One that waits for the lock cannot be killed, so that
# nothing may wait for it here.
lists() {
    local listing
    rm -f /run/listed /run/ended
    ("$PCIPROBE" list --all -f raw --no-headings -s "${nvme0%:*}:" -o address,sriov,vfs_enabled >/run/listed; : >/run/ended) &
    listing=$!
    wait_for 20 test -e /run/ended && return
    read -r listing <"/proc/$listing/task/$listing/children" || :
    cat "/proc/${listing% }/stack" >&2
    return 1
}
check "devices are listed while it is not held" lists

hold() {
    exec {held}< <(exec "$LAB_DIR/hold-group" "$function" "$(group_of "$function")")
    holder=$!
    read -r -t 20 -u "$held" _ || fail "it cannot be held"
}
# blocked COMMAND: a listing while that waits for the holder, with the device locked.
blocked() {
    hold
    check "devices are listed while $function is held" lists
    "$@" &
    taker=$!
    waits() { [[ $(</proc/$taker/stack) == *vfio* ]]; }
    check "$* waits" wait_for 20 waits
    check "devices are listed while it waits" lists
    check "the device is among them" grep -q "^$nvme0 pf " /run/listed
    check "and the one that is held" grep -q "^$function " /run/listed
    kill "$holder"
    wait "$taker"
}
release() { echo "$function" >"$devices/$function/driver/unbind"; }
disable() { echo 0 >"$devices/$nvme0/sriov_numvfs"; }

blocked release
check "VFIO takes it again" bind_driver "$function" vfio-pci
blocked disable
check "at last the functions are gone" test ! -e "$devices/$function"
