# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A real libvirtd in the lab's machine, after guest.sh:   . "$LAB_DIR/libvirt.sh"

export LIBVIRT_DEFAULT_URI=qemu:///system

# need_libvirt: skips the test where the host or the build hasn't got it.
need_libvirt() {
    local program
    [ -x "$BUILD_DIR/helper/libvirt-domains" ] ||
        skip "this build can't ask libvirt (Debian packages libvirt-dev and libxml2-dev)"
    for program in libvirtd virtlogd virsh; do
        command -v "$program" >/dev/null ||
            skip "no $program (Debian packages libvirt-daemon, libvirt-daemon-driver-qemu and libvirt-clients)"
    done
}

# start_libvirt: comes back when it answers. The program that asks it for pciprobe is where that looks for it.
start_libvirt() {
    local helper
    # Debian's larger package would make the user that libvirtd wants for its VMs.
    echo "libvirt-qemu:x:64055:64055::/nonexistent:/usr/sbin/nologin" >>/etc/passwd
    echo "libvirt-qemu:x:64055:" >>/etc/group
    virtlogd -d && libvirtd -d && wait_for 60 virsh -q list >/dev/null || return
    helper=$("$PCIPROBE" list --all -q -f json | sed -n 's|.*libvirt-sock-ro: \(/[^:"]*\): No such file.*|\1|p')
    [ -n "$helper" ] || fail "pciprobe doesn't tell where it looks for the helper that asks libvirt"
    mkdir -p "${helper%/*}" && cp "$BUILD_DIR/helper/libvirt-domains" "$helper"
}

# libvirt_is STATE: how that source of ownership fared, by pciprobe's own word.
libvirt_is() {
    [[ $("$PCIPROBE" list -q --all -f json | tr -d ' \n') == *"\"name\":\"libvirt\",\"state\":\"$1\""* ]]
}

# libvirt_cards: of a domain's XML, the addresses of the host's cards in it, one to a line.
libvirt_cards() {
    sed -nE "/<source/,/<\/source>/s/.*<address.* domain='0x(....)' bus='0x(..)' slot='0x(..)' function='0x(.)'.*/\1:\2:\3.\4/p"
}
