#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# machine: shared
#
# pciprobe lists AER errors for the device that reported them only.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe e1000e

nic0=$(address_of nic0)
port0=$(address_of port0)
nvme0=$(address_of nvme0)
# totals: prints correctable, non-fatal and fatal errors of each of the three devices.
totals() {
    local device correctable nonfatal fatal line=
    while read -r device correctable nonfatal fatal; do
        case $device in
        "$nic0") line+="nic0 $correctable $nonfatal $fatal, " ;;
        "$port0") line+="port0 $correctable $nonfatal $fatal, " ;;
        "$nvme0") line+="nvme0 $correctable $nonfatal $fatal" ;;
        esac
    done < <("$PCIPROBE" list --all -f raw --no-headings \
        -o address,aer_correctable,aer_nonfatal,aer_fatal)
    echo "$line"
}
# inject DEVICE NAME KIND: injects an error and waits until the kernel has counted it.
inject() {
    local before
    before=$(aer_count "$1" "$3" "$2")
    inject_aer "$1" "$2"
    check "$1 reports $2" wait_for 60 counted "$1" "$2" "$3" "$((before + 1))"
}
counted() { [ "$(aer_count "$1" "$3" "$2")" = "$4" ]; }

# The disk has no AER capability.
check_same "there are no errors initially" "port0 0 0 0, nic0 0 0 0, nvme0 - - -" "$(totals)"
for name in BadTLP BadTLP RxErr; do
    inject "$nic0" "$name" correctable
done
check_same "three correctable errors are listed" "port0 0 0 0, nic0 3 0 0, nvme0 - - -" "$(totals)"
inject "$nic0" CmpltTO nonfatal
inject "$port0" BadDLLP correctable
check_same "a non-fatal error and one of the port are listed" \
    "port0 1 0 0, nic0 3 1 0, nvme0 - - -" "$(totals)"
# The kernel does not read fatal errors of a device behind a broken link.
inject "$port0" DLP fatal
check_same "a fatal error of the port is listed" "port0 1 0 1, nic0 3 1 0, nvme0 - - -" "$(totals)"
check "all properties are listed correctly" \
    "$LAB_DIR/same-as-lspci" aer_correctable,aer_nonfatal,aer_fatal
