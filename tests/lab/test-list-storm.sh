#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain hotplug
# timeout: 500
#
# Hundreds of listings while devices are removed and rescanned, virtual functions are enabled and
# disabled, and devices are plugged, unplugged and removed by surprise.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e nvme
nic0=$(address_of nic0)
nic1=$(address_of nic1)
edu0=$(address_of edu0)
nvme0=$(address_of nvme0)
hot0=$(address_of hot0)
check "the disk appears" wait_for_disk test -b /dev/nvme0n1
check "a second device is plugged" plug e1000e,id=hot1,bus=slot1,romfile=
hot1=$(address_of hot1)
echo 0 >"$devices/$nvme0/sriov_drivers_autoprobe"
functions=("${nvme0%0}"{1..4})

join() { local IFS=,; echo "$*"; }
moves=("$nic0" "$nic1" "$edu0" "$hot0" "$hot1" "${functions[@]}")
stays=()
for device in "$devices"/*; do
    device=${device##*/}
    [[ " ${moves[*]} " == *" $device "* ]] || stays+=("$device")
done
# Programs in memory start faster.
mkdir /dev/shm/lib
while read -r _ _ library _; do
    [[ $library != /* ]] || cp -- "$library" /dev/shm/lib
done < <(ldd "$PCIPROBE")
cp -- "$PCIPROBE" /dev/shm/pciprobe
PCIPROBE=/dev/shm/pciprobe LD_LIBRARY_PATH=/dev/shm/lib "$LAB_DIR/list-often" \
    --count 300 --until /run/enough \
    --stays "$(join "${stays[@]}")" --moves "$(join "${moves[@]}")" &
listings=$!
listing() { kill -0 "$listings" 2>/dev/null; }

# Fast changes, by the kernel alone, each with its own period.
# remove_and_rescan PERIOD DEVICE...
remove_and_rescan() {
    local device
    while listing; do
        for device in "${@:2}"; do
            echo 1 >"$devices/$device/remove"
        done
        pause "$1"
        echo 1 >/sys/bus/pci/rescan
        pause "$1"
    done
}
remove_and_rescan 0.3 "$edu0" &
jobs=($!)
remove_and_rescan 2.1 "$nic0" "$nic1" &
jobs+=($!)
while listing; do
    echo 4 >"$devices/$nvme0/sriov_numvfs"
    pause 1
    echo 0 >"$devices/$nvme0/sriov_numvfs"
    pause 0.5
done &
jobs+=($!)

# Slow changes: the port needs time after each removal.
rounds=0
while listing; do
    check "a device is removed by surprise" surprise_remove hot0
    check "the kernel removes it" wait_for 60 test ! -e "$devices/$hot0"
    check "the other is unplugged on request" unplug hot1
    pause 6
    check "the first is plugged again" plug e1000e,id=hot0,bus=slot0,romfile=
    check "the other is plugged again" plug e1000e,id=hot1,bus=slot1,romfile=
    rounds=$((rounds + 1))
    # on a fast machine the listings take less time
    [ "$rounds" -lt 3 ] || : >/run/enough
done
wait "$listings" || fail "wrong listings"
wait "${jobs[@]}"
check "devices were removed and unplugged $rounds times" test "$rounds" -ge 3

check "the present devices are listed correctly at the end" \
    "$LAB_DIR/same-as-lspci" interfaces,blocks,vfs_total
unplug hot1
check "an unplugged device is not listed" "$LAB_DIR/same-as-lspci" interfaces,blocks,vfs_total
