# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Functions to run libvirtd in the lab's machine; after guest.sh:   . "$LAB_DIR/libvirt.sh"

export LIBVIRT_DEFAULT_URI=qemu:///system

# prepare_libvirt: creates what libvirtd requires; skips the test if host or build lack libvirt.
prepare_libvirt() {
    local program
    [ -x "$BUILD_DIR/helper/libvirt-domains" ] ||
        skip "built without libvirt support (Debian packages libvirt-dev and libxml2-dev)"
    for program in libvirtd virtlogd virsh; do
        command -v "$program" >/dev/null ||
            skip "no $program (Debian packages libvirt-daemon, libvirt-daemon-driver-qemu, libvirt-clients)"
    done
    # Debian's libvirt-daemon-system would create this directory and the user for the VMs.
    mkdir -p /var/log/libvirt
    echo "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
    echo "libvirt-qemu:x:64055:" >>/etc/group
    virtlogd -d
}

# start_libvirtd: starts it and waits until it responds.
start_libvirtd() { libvirtd -d && wait_for 60 virsh -q list >/dev/null; }

# helper_path: prints where pciprobe expects libvirt-domains, from its error message when libvirtd
# runs and the helper is missing.
helper_path() {
    "$PCIPROBE" list --all 2>&1 >/dev/null |
        sed -n 's|.*(/run/libvirt/[^ ]*: \(.*\): No such file or directory).*|\1|p'
}

# install_helper PATH
install_helper() { mkdir -p "${1%/*}" && cp "$BUILD_DIR/helper/libvirt-domains" "$1"; }

# libvirt_source_is STATE: pciprobe reports this state of the ownership source libvirt.
libvirt_source_is() {
    [[ $("$PCIPROBE" list -q --all -f json | tr -d ' \n') == *"\"name\":\"libvirt\",\"state\":\"$1\""* ]]
}

# For sed -nE: prints the host devices' addresses (in <source>) of domain XML, one per line.
# shellcheck disable=SC2034 # used by the tests
devices_in_xml="/<source/,/<\/source>/s/.*<address.* domain='0x(....)' bus='0x(..)' slot='0x(..)'"
# shellcheck disable=SC2034
devices_in_xml+=" function='0x(.)'.*/\1:\2:\3.\4/p"

# guest_addresses_in_xml: the same for their addresses in the VM.
guest_addresses_in_xml() {
    sed -n '/<hostdev/,/<\/hostdev/p' | sed '/<source/,/<\/source/d' |
        sed -nE "s/.*<address.* bus='0x(..)' slot='0x(..)' function='0x(.)'.*/0000:\1:\2.\3/p"
}
