#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
# machine: shared
#
# pciprobe lists AER errors for the device that reported them only, and they change the state of its check.

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
# state: prints the exit status of a check of errors, and what it reports.
state() {
    local status=0 line
    line=$("$PCIPROBE" check fatal nonfatal --all) || status=$?
    case $status in
    0) echo "0 ${line%% - *}" ;;
    *) echo "$status ${line%% (*}" ;;
    esac
}
counted() { [ "$(aer_count "$1" "$3" "$2")" = "$4" ]; }

# The disk has no AER capability.
check_same "there are no errors initially" "port0 0 0 0, nic0 0 0 0, nvme0 - - -" "$(totals)"
check_same "the first check is OK" "0 PCI OK" "$(state)"
for name in BadTLP BadTLP RxErr; do
    inject "$nic0" "$name" correctable
done
check_same "correctable errors are no problem for the check" "0 PCI OK" "$(state)"
check_same "three correctable errors are listed" "port0 0 0 0, nic0 3 0 0, nvme0 - - -" "$(totals)"
inject "$nic0" CmpltTO nonfatal
inject "$port0" BadDLLP correctable
check_same "a non-fatal error and one of the port are listed" \
    "port0 1 0 0, nic0 3 1 0, nvme0 - - -" "$(totals)"
check_same "a non-fatal error is a warning of the check" \
    "1 PCI WARNING - 1 uncorrectable error" "$(state)"
# The kernel does not read fatal errors of a device behind a broken link.
inject "$port0" DLP fatal
check_same "a fatal error of the port is listed" "port0 1 0 1, nic0 3 1 0, nvme0 - - -" "$(totals)"
check_same "a fatal error is critical" \
    "2 PCI CRITICAL - 1 fatal error, 1 uncorrectable error" "$(state)"
rm -r /var/lib/pciprobe/check
check "all properties are listed correctly" \
    "$LAB_DIR/same-as-lspci" aer_correctable,aer_nonfatal,aer_fatal
