#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# timeout: 240
#
# Devices in use by processes that are hard to see, with real VFIO: none of them is reported free, offered by a request, or
# released. What /proc does show has its process as owner. When the holder has ended, the device is free again.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"

modprobe vfio-pci
bind_devices "$pair0" "$pair1" "$nic2"
are_free "$pair0" "$pair1" "$nic2"

try_shown "container plain" "group plain" "container unlinked" "container recreated" "container chroot" "group elsewhere" \
    "group detached" "container thread" "container leader" "container forked" "container passed" "container pidns"
try_hidden "device plain" "device thread" "group flight" "container flight" "device flight" "group uring" "device uring"

# One device of a group by its own descriptor.
hold device plain "$pair1"
row "a device of a group: not offered" is_not_free "$pair1"
row "nor is the other one" not_offered "$pair0"
row "nor is either released" is_released_never "$pair0"
let_go

# A holder that the prober is kept from seeing.
vmm_arguments one-123 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 "$nic2"
hold container plain "$nic2" "${vmm[@]}"

# from_elsewhere TEXT COMMAND...: COMMAND starts the program in other surroundings.
from_elsewhere() {
    local said
    said=$("${@:2}" "$PCIPROBE" list -q --all -s "$nic2" -f raw --no-headings -o ownership,available) || :
    case $said in
    "held held" | "unknown unknown" | '') echo "ok: $1: $said" ;;
    *) echo "WRONG: $1: $said"; wrong=$((wrong + 1)) ;;
    esac
    if "${@:2}" "$PCIPROBE" request -q -a "address=$nic2" >/run/said 2>&1; then
        echo "WRONG: $1: request offers it"
        wrong=$((wrong + 1))
    fi
}
from_elsewhere "in a PID namespace" unshare --pid --fork --mount-proc
from_elsewhere "in a PID namespace with the host's /proc" unshare --pid --fork
from_elsewhere "without a /proc" unshare --mount sh -c 'umount -l /proc; exec "$@"' sh
from_elsewhere "with an empty /proc" unshare --mount sh -c 'mount -t tmpfs tmpfs /proc; exec "$@"' sh
from_elsewhere "with hidepid, as another user" unshare --mount sh -c \
    'mount -o remount,hidepid=2 /proc; exec setpriv --reuid=1000 --clear-groups "$@"' sh
from_elsewhere "as another user" setpriv --reuid=1000 --clear-groups
from_elsewhere "without CAP_SYS_PTRACE" setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace
mount -o remount,hidepid=0 /proc

# Calls that fail.
for limit in 4 5 6 7 8 9 10; do
    from_elsewhere "with $limit descriptors" prlimit --nofile="$limit"
done
if command -v strace >/dev/null; then
    # Each costs seconds on an emulated processor: the unit tests fail every single call.
    for call in openat newfstatat getdents64 readlinkat read; do
        from_elsewhere "$call fails from the 60th on" strace -qq -o /dev/null -e "inject=$call:error=EIO:when=60+"
    done
fi
let_go
finish
