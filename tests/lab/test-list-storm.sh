#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain hotplug
# timeout: 500
# processors: 2
#
# A thousand listings while devices are taken from the kernel and found again, change their drivers,
# have virtual functions and lose them, are plugged, unplugged and pulled.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e nvme
nic0=$(address_of nic0)
nic1=$(address_of nic1)
edu0=$(address_of edu0)
nvme0=$(address_of nvme0)
hot0=$(address_of hot0)
check "the disk comes" wait_for 20 test -b /dev/nvme0n1
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
# What lies in memory starts sooner.
mkdir /dev/shm/lib
while read -r _ _ library _; do
    [[ $library != /* ]] || cp -- "$library" /dev/shm/lib
done < <(ldd "$PCIPROBE")
cp -- "$PCIPROBE" /dev/shm/pciprobe
PCIPROBE=/dev/shm/pciprobe LD_LIBRARY_PATH=/dev/shm/lib "$LAB_DIR/list-often" --count 2000 \
    --stays "$(join "${stays[@]}")" --moves "$(join "${moves[@]}")" &
listings=$!
listing() { kill -0 "$listings" 2>/dev/null; }

# What is fast, for the kernel alone does it: each at a pace of its own.
# come_and_go SECONDS DEVICE...
come_and_go() {
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
come_and_go 0.3 "$edu0" &
churns=($!)
come_and_go 2.1 "$nic0" "$nic1" &
churns+=($!)
while listing; do
    echo 4 >"$devices/$nvme0/sriov_numvfs"
    pause 1
    echo 0 >"$devices/$nvme0/sriov_numvfs"
    pause 0.5
done &
churns+=($!)

# What is slow: the port has to rest after each.
rounds=0
while listing; do
    check "a device is pulled" surprise hot0
    check "the kernel takes it away" wait_for 20 test ! -e "$devices/$hot0"
    check "one is unplugged in order" unplug hot1
    pause 6
    check "it comes back" plug e1000e,id=hot0,bus=slot0,romfile=
    check "the other too" plug e1000e,id=hot1,bus=slot1,romfile=
    rounds=$((rounds + 1))
done
wait "$listings" || fail "the listings were not as they should be"
wait "${churns[@]}"
check "devices were pulled and unplugged" test "$rounds" -ge 3

check "what is there at the end is listed as it is" "$LAB_DIR/same-as-lspci" interfaces,blocks,vfs_total
unplug hot1
check "what is not there is not listed" "$LAB_DIR/same-as-lspci" interfaces,blocks,vfs_total
