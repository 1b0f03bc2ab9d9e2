#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain peripherals
#
# vfio-bind refuses NICs by what the kernel's rtnetlink reports: routes of all tables and next hops,
# also through bonds and VRFs, the path of the caller's SSH connection, interfaces in other network
# namespaces.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe -a e1000e xhci-pci cdc_ether dummy vrf bonding
nic0=$(address_of nic0)
nic1=$(address_of nic1)
usb0=$(address_of usb0)
interface_of() { local path=("$devices/$1"/net/*); echo "${path[0]##*/}"; }
reports() { grep -q -- "$1" /run/output || { cat /run/output >&2; return 1; }; }
refused() { exits 3 "$VFIO_BIND" bind "$@"; }
eth0=$(interface_of "$nic0")
eth1=$(interface_of "$nic1")

check "an interface that is down could be bound" exits 0 "$VFIO_BIND" check "$nic0"

# other network namespaces
ip netns add blue
ip link set "$eth0" netns blue
ip -n blue link set "$eth0" up
check "a NIC that is up in another network namespace is refused" refused "$nic0"
check "the namespace is given as reason" \
    reports "net-up: $eth0 is up in the network namespace of /run/netns/blue"
ip netns exec blue sleep 1000 &
sleeper=$!
in_namespace() { [ "$(readlink "/proc/$sleeper/ns/net")" != "$(readlink /proc/self/ns/net)" ]; }
check "a process enters the namespace" wait_for 60 in_namespace
check "a NIC that a container has is refused" refused "$nic0"
check "its process is given as reason" reports "up in the network namespace of process $sleeper ("
ip -n blue link set "$eth0" down
check "a NIC that is down there is refused as well" refused "$nic0"
check "that is given as reason" reports "net-hidden: $eth0 is down in the network namespace of"
check "it could be bound if that is allowed" exits 0 "$VFIO_BIND" check --allow net-hidden "$nic0"
check "without privileges it is refused" \
    exits 3 setpriv --reuid=65534 --clear-groups "$VFIO_BIND" check "$nic0"
kill "$sleeper"
wait "$sleeper" 2>/dev/null || :
ip -n blue link set "$eth0" netns $$
ip netns del blue

# tables, next hops, bonds and VRFs
ip link set "$eth1" up
ip link set "$eth0" up
ip addr add 10.9.0.2/24 dev "$eth0"
ip addr add 10.8.0.2/24 dev "$eth1"
ip route add 10.77.0.0/16 via 10.9.0.1 table 1000
ip route add 10.78.0.0/16 nexthop via 10.8.0.1 dev "$eth1" nexthop via 10.9.0.1 dev "$eth0"
check "a NIC with routes is refused" refused "$nic0"
check "a route of another table is given as reason" \
    reports "route: the route to 10.77.0.0/16 in table 1000 goes through $eth0"
check "a route whose second next hop it is, too" \
    reports "route: the route to 10.78.0.0/16 goes through $eth0"
check "the SSH connection by that next hop is refused" \
    exits 3 env SSH_CONNECTION="10.78.5.5 5000 10.8.0.2 22" \
    "$VFIO_BIND" bind --allow net-up,route "$nic0"
check "the SSH connection to the NIC's address is refused" \
    exits 3 env SSH_CONNECTION="192.0.2.5 5000 10.9.0.2 22" \
    "$VFIO_BIND" bind --allow net-up,route "$nic0"
check "it is given as reason" reports "ssh: your SSH connection (192.0.2.5 5000 10.9.0.2 22)"
check "another SSH connection is no reason" \
    exits 0 env SSH_CONNECTION="192.0.2.5 5000 10.8.0.2 22" \
    "$VFIO_BIND" check --allow net-up,route "$nic0"
ip addr flush dev "$eth0"
ip link add red type vrf table 10
ip link set red up
ip link set "$eth0" master red
ip addr add 10.9.0.2/24 dev "$eth0"
ip route add 10.79.0.0/16 via 10.9.0.1 vrf red
ip addr add 10.6.0.1/32 dev red
check "a NIC of a VRF is refused" refused "$nic0"
check "the VRF's route is given as reason" \
    reports "route: the route to 10.79.0.0/16 in table 10 goes through $eth0"
check "the SSH connection in the VRF is refused" \
    exits 3 env SSH_CONNECTION="10.79.5.5 5000 10.6.0.1 22" \
    "$VFIO_BIND" bind --allow net-up,route "$nic0"
check "it is given as reason" reports "ssh: your SSH connection (10.79.5.5 5000 10.6.0.1 22)"
ip link del red
ip addr flush dev "$eth0"
ip link set "$eth0" down
ip link add bond7 type bond
ip link set "$eth0" master bond7
ip link set bond7 up
ip addr add 10.9.0.2/24 dev bond7
check "a NIC of a bond is refused" refused "$nic0"
check "the bond's route is given as reason" \
    reports "route: the route to 10.9.0.0/24 goes through bond7"
ip link del bond7
ip link set "$eth0" down

# a NIC behind a USB controller
find_usb() { usb=$(cd "$devices/$usb0" && echo usb*/*/*/net/*) && usb=${usb##*/} && [ "$usb" != '*' ]; }
check "the USB NIC appears" wait_for 60 find_usb
ip link set "$usb" up
ip addr add 10.5.0.2/24 dev "$usb"
check "the USB controller of the caller's SSH connection is refused" \
    exits 3 env SSH_CONNECTION="10.5.0.9 5000 10.5.0.2 22" "$VFIO_BIND" bind "$usb0"
check "the connection is given as reason" reports "ssh: your SSH connection (10.5.0.9 5000"
check "the interface is given as reason" reports "net-up: $usb is up"
ip addr flush dev "$usb"
ip netns add green
ip link set "$usb" netns green
ip -n green link set "$usb" up
check "the USB controller of a container's NIC is refused" refused "$usb0"
check "the namespace is given as reason" \
    reports "net-up: $usb is up in the network namespace of /run/netns/green"
