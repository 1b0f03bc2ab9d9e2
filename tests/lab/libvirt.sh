# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real libvirtd in the lab's machine, after guest.sh:   . "$LAB_DIR/libvirt.sh"

export LIBVIRT_DEFAULT_URI=qemu:///system

# prepare_libvirt: what libvirtd wants to be there; where the host or the build hasn't got it the test is skipped.
prepare_libvirt() {
    local program
    [ -x "$BUILD_DIR/helper/libvirt-domains" ] ||
        skip "this build can't ask libvirt (Debian packages libvirt-dev and libxml2-dev)"
    for program in libvirtd virtlogd virsh; do
        command -v "$program" >/dev/null ||
            skip "no $program (Debian packages libvirt-daemon, libvirt-daemon-driver-qemu and libvirt-clients)"
    done
    # Debian's package libvirt-daemon-system would make the user that libvirtd wants for its VMs, and this directory.
    mkdir -p /var/log/libvirt
    echo "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
    echo "libvirt-qemu:x:64055:" >>/etc/group
    virtlogd -d
}

# start_libvirtd: comes back when it answers.
start_libvirtd() { libvirtd -d && wait_for 60 virsh -q list >/dev/null; }

# helper_place: where pciprobe looks for the program that asks libvirt, by its own word, while libvirtd runs and it isn't there.
helper_place() { "$PCIPROBE" list --all 2>&1 >/dev/null | sed -n 's|.*(/run/libvirt/[^ ]*: \(.*\): No such file or directory).*|\1|p'; }

# install_helper PLACE
install_helper() { mkdir -p "${1%/*}" && cp "$BUILD_DIR/helper/libvirt-domains" "$1"; }

# libvirt_is STATE: how that source of ownership fared, by pciprobe's own word.
libvirt_is() {
    [[ $("$PCIPROBE" list -q --all -f json | tr -d ' \n') == *"\"name\":\"libvirt\",\"state\":\"$1\""* ]]
}

# For sed -nE: of domains' XML, the addresses of the host's devices, which stand in a <source>, one to a line.
# shellcheck disable=SC2034 # for whoever reads this
devices_in_xml="/<source/,/<\/source>/s/.*<address.* domain='0x(....)' bus='0x(..)' slot='0x(..)' function='0x(.)'.*/\1:\2:\3.\4/p"

# guest_addresses_in_xml: likewise, where the VM has them.
guest_addresses_in_xml() {
    sed -n '/<hostdev/,/<\/hostdev/p' | sed '/<source/,/<\/source/d' |
        sed -nE "s/.*<address.* bus='0x(..)' slot='0x(..)' function='0x(.)'.*/0000:\1:\2.\3/p"
}
