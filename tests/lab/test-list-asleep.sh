#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# timeout: 240
#
# pciprobe never wakes suspended devices: checked by the kernel's counters of active time, and by
# tracing its functions that read configuration space.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a vfio-pci nvme

# vfio-pci puts nic0 into D3hot; edu0, without a driver, only counts as suspended. nvme0 is unbound
# from its driver, because the disk would keep it active.
nic0=$(address_of nic0)
nvme0=$(address_of nvme0)
edu0=$(address_of edu0)
check "nic0 is bound to vfio-pci" bind_driver "$nic0" vfio-pci
check "nvme0 is bound to vfio-pci" bind_driver "$nvme0" vfio-pci
echo auto >"$devices/$edu0/power/control"
sleepers=("$nic0" "$nvme0" "$edu0")

asleep() { [ "$(attribute "$1" power/runtime_status)" = suspended ]; }
for device in "${sleepers[@]}"; do
    check "$device is suspended" wait_for 60 asleep "$device"
done
check_same "nic0 is in D3hot" D3hot "$(attribute "$nic0" power_state)"

# awake_times: prints the total active time of each device in milliseconds.
awake_times() {
    local device
    for device in "${sleepers[@]}"; do
        echo "$device $(attribute "$device" power/runtime_status)" \
            "$(attribute "$device" power/runtime_active_time)"
    done
}
asleep_time() { attribute "$nic0" power/runtime_suspended_time; }
now() { local up; read -r up _ </proc/uptime; up=${up/./}0; echo "$((10#$up))"; }

mount -t tracefs tracefs /sys/kernel/tracing
tracing=/sys/kernel/tracing
# Reads by the kernel itself, and through the sysfs file "config".
for width in byte word dword; do
    echo "p:kernel_$width pci_bus_read_config_$width" >>"$tracing/kprobe_events"
    echo "p:user_$width pci_user_read_config_$width" >>"$tracing/kprobe_events"
done
# reads COMMAND...: prints how often it made the kernel read configuration space.
reads() {
    local name=${1##*/} line count=0
    echo "comm == \"$name\"" >"$tracing/events/kprobes/filter"
    echo 1 >"$tracing/events/kprobes/enable"
    : >"$tracing/trace"
    "$@" >/dev/null || return
    while read -r line; do
        [[ $line == \#* ]] || count=$((count + 1))
    done <"$tracing/trace"
    echo 0 >"$tracing/events/kprobes/enable"
    echo "$count"
}

# without those of the other subcommands
formats=$("$PCIPROBE" list -f help | grep -v ' watch: ' | cut -d ' ' -f 1)
check "there are formats" test "$(wc -w <<<"$formats")" -ge 6
before=$(awake_times)
slept=$(asleep_time)
started=$(now)
for round in 1 2 3 4 5 6; do
    for format in $formats; do
        "$PCIPROBE" list --all -f "$format" >/dev/null
    done
done
"$PCIPROBE" list --all -f raw -o "$("$PCIPROBE" list -o help | cut -d ' ' -f 1 | paste -s -d ,)" >/dev/null
"$PCIPROBE" explain >/dev/null
"$PCIPROBE" record /run/recording >/dev/null
ended=$(now)
slept=$(($(asleep_time) - slept))
check_same "$round listings in each format woke no device" "$before" "$(awake_times)"
elapsed=$((ended - started))
check "nic0 was suspended all the time" \
    test "$slept" -ge "$elapsed" -a "$slept" -le "$((elapsed + 1000))"
check_same "nic0 is listed as suspended, without link properties" \
    "$nic0 vfio-pci D3hot suspended - - - -" \
    "$("$PCIPROBE" list --all -s "$nic0" -f raw --no-headings -o \
        address,driver,power_state,runtime_status,link_speed,link_width,max_link_speed,max_link_width)"

for format in $formats; do
    for device in "${sleepers[@]}"; do
        check_same "$format does not read the configuration space of $device" 0 \
            "$(reads "$PCIPROBE" list --all -s "$device" -f "$format")"
    done
done

# Verify that this test detects reads and resumed devices.
check "reads by lspci are counted" test "$(reads lspci -s "$nic0")" -gt 0
echo on >"$devices/$nic0/power/control"
check "the active time of a resumed device changes" test "$before" != "$(awake_times)"
check_same "link properties of a resumed device are listed" "2.5 1" \
    "$("$PCIPROBE" list --all -s "$nic0" -f raw --no-headings -o link_speed,link_width)"
