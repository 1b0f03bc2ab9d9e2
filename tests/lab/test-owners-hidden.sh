#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: group
# machine: shared
# timeout: 240
#
# Devices held by processes that are hard to detect, with real VFIO, are never reported as free,
# offered by a request, or released. If /proc shows the process, it is reported as owner. Devices
# are free again once the holder has exited.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
# shellcheck source=owners.sh
. "$LAB_DIR/owners.sh"

modprobe vfio-pci
bind_devices "$pair0" "$pair1" "$nic2"
rows_free "$pair0" "$pair1" "$nic2"

try_visible "container plain" "group plain" "container unlinked" "container recreated" \
    "container chroot" "group elsewhere" "group detached" "container thread" "container leader" \
    "container forked" "container passed" "container pidns"
try_hidden "device plain" "device thread" "group flight" "container flight" "device flight" \
    "group uring" "device uring"

# One device of a group, only through the device's descriptor.
hold device plain "$pair1"
row "one device of a group: not offered" is_held_or_unknown "$pair1"
row "one device of a group: the other one is not offered" not_offered "$pair0"
row "one device of a group: release of the other one is refused" release_is_refused "$pair0"
end_hold

# A holder that pciprobe is prevented from seeing.
vmm_arguments one-123 2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b1 "$nic2"
hold container plain "$nic2" "${vmm[@]}"

# run_with TITLE COMMAND...: COMMAND runs pciprobe in a restricted environment.
run_with() {
    local output
    output=$("${@:2}" "$PCIPROBE" list -q --all -s "$nic2" -f raw --no-headings \
        -o ownership,available) || :
    case $output in
    "held held" | "unknown unknown" | '') echo "ok: $1: $output" ;;
    *) echo "WRONG: $1: $output"; wrong=$((wrong + 1)) ;;
    esac
    if "${@:2}" "$PCIPROBE" request -q -a "address=$nic2" >/run/output 2>&1; then
        echo "WRONG: $1: request offers it"
        wrong=$((wrong + 1))
    fi
}
run_with "in a PID namespace" unshare --pid --fork --mount-proc
run_with "in a PID namespace with the host's /proc" unshare --pid --fork
run_with "without a /proc" unshare --mount sh -c 'umount -l /proc; exec "$@"' sh
run_with "with an empty /proc" unshare --mount sh -c 'mount -t tmpfs tmpfs /proc; exec "$@"' sh
run_with "with hidepid, as another user" unshare --mount sh -c \
    'mount -o remount,hidepid=2 /proc; exec setpriv --reuid=1000 --clear-groups "$@"' sh
run_with "as another user" setpriv --reuid=1000 --clear-groups
run_with "without CAP_SYS_PTRACE" setpriv --bounding-set=-sys_ptrace --inh-caps=-sys_ptrace
mount -o remount,hidepid=0 /proc

# Failing system calls.
for limit in 4 5 6 7 8 9 10; do
    run_with "with $limit descriptors" prlimit --nofile="$limit"
done
if command -v strace >/dev/null; then
    # Slow on an emulated processor; the unit tests cover each single call.
    for call in openat newfstatat getdents64 readlinkat read; do
        run_with "$call fails from the 60th call on" \
            strace -qq -o /dev/null -e "inject=$call:error=EIO:when=60+"
    done
fi
end_hold
finish
