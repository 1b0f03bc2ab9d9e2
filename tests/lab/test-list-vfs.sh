#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: igb
# timeout: 240
#
# Settings of network VFs, as the driver of a real PF reports them: what ip-link(8) sets is listed.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

modprobe igb
pf=$(address_of igb0)
interface=$(ls "$devices/$pf/net")
echo 0 >"$devices/$pf/sriov_drivers_autoprobe"
echo 2 >"$devices/$pf/sriov_numvfs"
ip link set "$interface" up
vf=$(basename "$(readlink "$devices/$pf/virtfn1")")

# columns COLUMNS: prints them for the second VF.
columns() { "$PCIPROBE" list --all -s "$vf" -f raw --no-headings -o "$1"; }

check_same "a new VF has no VLAN and no rate limit, and is checked" "0 0 yes no 0 0" \
    "$(columns vf_vlan,vf_vlan_priority,vf_spoof_check,vf_trust,vf_min_rate,vf_max_rate)"
check_same "a new VF has no leftovers" no "$(columns has_leftovers)"
ip link set "$interface" vf 1 mac 52:54:00:00:00:31
ip link set "$interface" vf 1 vlan 100 qos 3
ip link set "$interface" vf 1 spoofchk off
ip link set "$interface" vf 1 trust on
check_same "what was set is listed" "52:54:00:00:00:31 100 3 no yes" \
    "$(columns vf_mac,vf_vlan,vf_vlan_priority,vf_spoof_check,vf_trust)"
check_same "the settings of a VM on a free VF are leftovers" \
    'mac\x2052:54:00:00:00:31,vlan\x20100,vlan\x20priority\x203,spoof\x20check\x20off,trust\x20on' \
    "$(columns leftovers)"
check_same "the other VF is unchanged" "0 yes no" \
    "$("$PCIPROBE" list --all -s "$(basename "$(readlink "$devices/$pf/virtfn0")")" -f raw \
        --no-headings -o vf_vlan,vf_spoof_check,vf_trust)"

"$PCIPROBE" record /run/recording
check_same "a recording has the settings, with a masked MAC address" "02:00:00:00:00 100" \
    "$("$PCIPROBE" --sysroot /run/recording list --all -s "$vf" -f raw --no-headings \
        -o vf_mac,vf_vlan | sed 's/:[0-9a-f]* / /')"

ip netns add other
ip link set "$interface" netns other
check_same "settings are unknown while the PF is in another network namespace" - \
    "$(columns vf_vlan)"
check "the reason is listed" grep -q 'network namespace' \
    <<<"$("$PCIPROBE" list --all -s "$vf" -f json)"
ip netns delete other
