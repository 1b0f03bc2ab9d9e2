# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The words that the files below topology/ are written in. A topology says which devices a machine has;
# several can be put together, so their addresses on the root bus, pcie.0, differ from file to file.
# Every machine also has 00:00.0 (host bridge), 00:1d.0 and 00:1e.0 (the two 9p shares) and 00:1f.x
# (chip set).

memory=2048
processors=1
devices=()
iommu=(-device "intel-iommu,intremap=on,caching-mode=on")
chassis=0
taken=' '

# topology NAME: all that another topology has, once.
topology() {
    [[ $taken == *" $1 "* ]] && return
    taken+="$1 "
    # The name comes from the command line: no path.
    if [[ $1 == */* ]] || ! [ -f "${here:?}/topology/$1" ]; then
        wrong "$1: no such topology (there are: $(cd "${here:?}/topology" && echo *))"
    fi
    # shellcheck source=/dev/null
    . "$here/topology/$1"
}

# option ARGUMENT...: arguments for QEMU as they are.
option() { devices+=("$@"); }

# device DEVICE: what stands after QEMU's -device. Give it an id, guest.sh finds it by that.
device() { option -device "$1"; }

# root_port BUS ID ADDRESS [PROPERTIES]: a PCI Express root port; its ID is the bus of the device in it.
root_port() {
    chassis=$((chassis + 1))
    device "pcie-root-port,bus=$1,id=$2,addr=$3,chassis=$chassis,slot=$chassis${4:+,$4}"
}

# node NUMBER: a NUMA node, 0 or 1, with the processor of that number and half the memory.
node() {
    processors=2
    option -object "memory-backend-ram,id=memory$1,size=$((memory / 2))M" \
        -numa "node,nodeid=$1,cpus=$1,memdev=memory$1"
}

# no_iommu: a machine without one.
# shellcheck disable=SC2034 # the launcher reads it
no_iommu() { iommu=(); }
