#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: igb
# timeout: 240
#
# Settings of network VFs with a real driver: vfio-bind keeps them when it changes the number of VFs,
# when it binds and releases one, and returns them to their defaults. Cross-checked with ip-link(8).

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a igb vfio-pci
pf=$(address_of igb0)
interface=$(ls "$devices/$pf/net")
echo 0 >"$devices/$pf/sriov_drivers_autoprobe"
check "virtual functions are enabled" exits 0 "$VFIO_BIND" vfs "$pf" 2
vf=$(link_name "$devices/$pf/virtfn1")
has_carrier() { [ "$(cat "/sys/class/net/$interface/carrier" 2>/dev/null)" = 1 ]; }
ip link set "$interface" up
check "the link comes up, which igb demands for rates" wait_for 60 has_carrier

# settings: prints those of the second VF.
settings() { ip link show dev "$interface" | sed -n 's/^ *vf 1 *link\/ether //p'; }
defaults=$(settings)
ip link set "$interface" vf 1 mac 52:54:00:00:00:31
ip link set "$interface" vf 1 vlan 100 qos 3
ip link set "$interface" vf 1 max_tx_rate 100
ip link set "$interface" vf 1 spoofchk off
ip link set "$interface" vf 1 trust on
made=$(settings)
check "the settings are made" grep -q '52:54:00:00:00:31.*vlan 100, qos 3.*100.*off.*trust on' <<<"$made"

check "the virtual function is bound" exits 0 "$VFIO_BIND" bind "$vf"
check_same "its settings are kept" "$made" "$(settings)"
exec {group}<>"/dev/vfio/$(group_of "$vf")"
check "it is not reset while it is held" exits 3 "$VFIO_BIND" vf "$pf" 1 --reset
check "the holder is reported" grep -q "held: $vf is held by process $$" /run/output
check_same "nothing was set" "$made" "$(settings)"
exec {group}>&-
check "the virtual function is released" exits 0 "$VFIO_BIND" release "$vf"
check_same "its settings are kept" "$made" "$(settings)"

check "the number of virtual functions is changed" exits 0 "$VFIO_BIND" vfs "$pf" 3
check_same "sysfs shows the new number" 3 "$(attribute "$pf" sriov_numvfs)"
check_same "the settings were set again" "$made" "$(settings)"
check "settings of a VF that would disappear are a reason to refuse" exits 3 "$VFIO_BIND" vfs "$pf" 1
check "they are named" grep -q "$vf: vf-settings: MAC 52:54:00:00:00:31, VLAN 100 priority 3" /run/output

check "a dry run of a reset succeeds" exits 0 "$VFIO_BIND" vf -n "net:$interface" 1 --reset
check "it shows what would be set" grep -q "set \"vf 1 vlan 0 qos 0\" of $interface" /run/output
check_same "it sets nothing" "$made" "$(settings)"
check "the virtual function is reset" exits 0 "$VFIO_BIND" vf "$pf" 1 --reset
check_same "it has the settings of a new one" "$defaults" "$(settings)"
check "it is reset again" exits 0 "$VFIO_BIND" vf "$pf" 1 --reset
check "there is nothing to do" grep -q "$vf: already at its defaults" /run/output
