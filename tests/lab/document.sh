# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the commands of a document; after guest.sh:   document=FILE; . "$LAB_DIR/document.sh"

# commands NAME: prints the document's code block with this name.
commands() {
    awk -v mark="\`\`\`sh $1" '$0 == mark {on = 1; found = 1; next} /^```/ {on = 0} on
        END {exit !found}' "${document:?}"
}

# step NAME: runs these commands in this shell, because later steps use their variables.
step() {
    commands "$1" >commands.sh || fail "the document has no commands for '$1'"
    # shellcheck source=/dev/null
    . ./commands.sh >/dev/null
    echo "ok: the document's commands '$1'"
}

# patient_step NAME: repeats these commands until they succeed: while libvirt needs more than its
# two seconds, the owner of devices is unknown and request fails.
patient_step() {
    commands "$1" >commands.sh || fail "the document has no commands for '$1'"
    check "the document's commands '$1'" wait_for 300 bash -e ./commands.sh
}

# install_document_config: installs the document's pci.conf; sets config to its path.
install_document_config() {
    config=$("$PCIPROBE" --help | sed -n 's/.*--config FILE .* instead of //p')
    mkdir -p "${config%/*}"
    sed -n '/^    :/s/^    //p' "$document" >"$config"
}
