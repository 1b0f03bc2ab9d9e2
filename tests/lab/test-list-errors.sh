#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: plain
#
# Errors that devices report are counted where they belong, and nowhere else.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"
modprobe e1000e

nic0=$(address_of nic0)
port0=$(address_of port0)
nvme0=$(address_of nvme0)
# totals: of each of the three, correctable, non-fatal and fatal.
totals() {
    local device correctable nonfatal fatal line=
    while read -r device correctable nonfatal fatal; do
        case $device in
        "$nic0") line+="nic0 $correctable $nonfatal $fatal, " ;;
        "$port0") line+="port0 $correctable $nonfatal $fatal, " ;;
        "$nvme0") line+="nvme0 $correctable $nonfatal $fatal" ;;
        esac
    done < <("$PCIPROBE" list --all -f raw --no-headings -o address,aer_correctable,aer_nonfatal,aer_fatal)
    echo "$line"
}
# inject DEVICE NAME KIND: until the kernel has counted it.
inject() {
    local before
    before=$(aer_count "$1" "$3" "$2")
    inject_aer "$1" "$2"
    check "$1 reports $2" wait_for 10 counted "$1" "$2" "$3" "$((before + 1))"
}
counted() { [ "$(aer_count "$1" "$3" "$2")" = "$4" ]; }

# The disk says nothing of its errors.
check_same "there are none at first" "port0 0 0 0, nic0 0 0 0, nvme0 - - -" "$(totals)"
for name in BadTLP BadTLP RxErr; do
    inject "$nic0" "$name" correctable
done
check_same "three were correctable" "port0 0 0 0, nic0 3 0 0, nvme0 - - -" "$(totals)"
inject "$nic0" CmpltTO nonfatal
inject "$port0" BadDLLP correctable
check_same "one was not, and one was the port's" "port0 1 0 0, nic0 3 1 0, nvme0 - - -" "$(totals)"
# Of the device's own fatal errors the kernel learns nothing: it does not ask behind a broken link.
inject "$port0" DLP fatal
check_same "the port had a fatal one" "port0 1 0 1, nic0 3 1 0, nvme0 - - -" "$(totals)"
check "all else is listed as it is" "$LAB_DIR/same-as-lspci" aer_correctable,aer_nonfatal,aer_fatal
