# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions used by the files in topology/, which define the devices of a machine. Topologies can be
# combined, so they use different addresses on the root bus, pcie.0. Every machine also has 00:00.0
# (host bridge), 00:1d.0 and 00:1e.0 (the two 9p shares) and 00:1f.x (chip set).

memory=2048
processors=1
devices=()
console=ttyS0
image=vmlinux
kernel_options=()
iommu=(-device "intel-iommu,intremap=on,caching-mode=on")
chassis=0
loaded=' '

# topology NAME: adds the devices of another topology, once.
topology() {
    [[ $loaded == *" $1 "* ]] && return
    loaded+="$1 "
    # From the command line: only a name, no path.
    if [[ $1 == */* ]] || ! [ -f "${here:?}/topology/$1" ]; then
        usage_error "$1: unknown topology (available: $(cd "${here:?}/topology" && echo *))"
    fi
    # shellcheck source=/dev/null
    . "$here/topology/$1"
}

# option ARGUMENT...: adds arguments for QEMU.
option() { devices+=("$@"); }

# device DEVICE: adds a device, as for QEMU's -device, with an id for guest.sh.
device() { option -device "$1"; }

# root_port BUS ID ADDRESS [PROPERTIES]: adds a PCI Express root port; ID names its secondary bus.
root_port() {
    chassis=$((chassis + 1))
    device "pcie-root-port,bus=$1,id=$2,addr=$3,chassis=$chassis,slot=$chassis${4:+,$4}"
}

# node NUMBER: adds NUMA node 0 or 1, with the processor of that number and half the memory.
node() {
    processors=2
    option -object "memory-backend-ram,id=memory$1,size=$((memory / 2))M" \
        -numa "node,nodeid=$1,cpus=$1,memdev=memory$1"
}

# no_iommu: removes the IOMMU.
# shellcheck disable=SC2034 # the launcher reads it
no_iommu() { iommu=(); }
