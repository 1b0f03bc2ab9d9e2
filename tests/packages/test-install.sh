#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck disable=SC2317 # called through check
# test-install.sh DIRECTORY: installs the packages in DIRECTORY, upgrades, removes, purges and installs them again, and compares
# the file system before and after. It changes the system that it runs on: only for a root directory that is thrown away. Prints TAP.
set -eu
sources=$(cd "$(dirname "$0")/../.." && pwd)
directory=$(cd "$1" && pwd)
cd /
number=0 failed=0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
probe=/var/lib/one/remotes/im/kvm-probes.d/host/system/pci.rb
discovery=/usr/share/cloudstack-common/scripts/vm/hypervisor/kvm/gpudiscovery.sh

# check NAME COMMAND...
check() {
	name=$1
	shift
	number=$((number + 1))
	if "$@" >"$work/output" 2>&1; then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$work/output" | tail -n 30
		failed=1
	fi
}

apt() {
	DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends --allow-downgrades \
		-o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@"
}

# packages: the names of ours, those with debug symbols left out.
packages() {
	for file in "$directory"/*.deb; do
		case $file in
		*-dbgsym_*) ;;
		*) dpkg-deb -f "$file" Package ;;
		esac
	done
}

files() { packages | sed "s|.*|$1/&_*.deb|"; }

# newer TARGET: the same packages with the next version.
newer() {
	mkdir "$1"
	for package in $(packages); do
		dpkg-deb -R "$directory/$package"_*.deb "$work/tree"
		version=$(sed -n 's/^Version: //p' "$work/tree/DEBIAN/control")
		sed -i "s/= $version)/= $version+1)/; s/^Version: .*/&+1/" "$work/tree/DEBIAN/control"
		dpkg-deb --root-owner-group -b "$work/tree" "$1/${package}_$version+1_all.deb" >/dev/null
		rm -r "$work/tree"
	done
}

# state: every file of the system that packages could leave behind.
state() {
	find /etc /usr /lib /var/lib /run/systemd /var/spool /root -xdev \
		\( -path /var/lib/apt -o -path /var/lib/dpkg/info -o -path /var/lib/dpkg/updates -o -path /root/pciprobe \) -prune -o \
		! -name '*.pyc' ! -name '*-old' ! -path '/var/lib/dpkg/*' ! -path /etc/ld.so.cache ! -path '/var/lib/systemd/*' -print | sort
	dpkg-divert --list | grep pciprobe || true
}

is_removed() { for package in $(packages); do ! dpkg -s "$package" >/dev/null 2>&1 || return 1; done; }
has() { grep -q -- "$1" "$2"; }
same_state() { state >"$work/after" && diff "$work/before" "$work/after"; }
unit_state() { [ "$(systemctl is-enabled "$1" 2>&1)" = "$2" ]; }

# what the packages and debian/tests need stays: it is not ours
# shellcheck disable=SC2046 # lists of names
apt install jq $(for package in $(packages); do dpkg-deb -f "$directory/$package"_*.deb Depends; done |
	tr ',' '\n' | sed 's/^ *//; s/[ (|].*//' | grep -vxF "$(packages)" | sort -u) \
	>"$work/log" 2>&1 || { tail -n 20 "$work/log"; exit 1; }
mkdir -p "${probe%/*}" "${discovery%/*}"
echo "the frontend's own probe" >"$probe"
echo "the agent's own script" >"$discovery"
state >"$work/before"

# shellcheck disable=SC2046
{
	check "the packages are installed" apt install $(files "$directory")
	for test in list vfio-bind-check collectd-plugin; do
		check "the installed packages pass debian/tests/$test" "$sources/debian/tests/$test"
	done
	check "OpenNebula's probe is replaced" has "pciprobe opennebula" "$probe"
	check "its own is kept" has "the frontend's own probe" /var/lib/pciprobe/pci.rb.distrib
	check "CloudStack's script is replaced" has "bin/pciprobe" "$discovery"
	check "the timer for Prometheus is enabled" unit_state pciprobe-textfile.timer enabled
	check "binding at boot is not" unit_state vfio-bind.service disabled
	check "watching is not" unit_state pciprobe-watch.service disabled
	echo "# edited" >>/etc/pciprobe/pci.conf
	echo "# edited" >>/etc/default/vfio-bind
	newer "$work/newer"
	check "they are upgraded" apt install $(files "$work/newer")
	check "the edited configuration is kept" has "# edited" /etc/pciprobe/pci.conf
	check "and that of vfio-bind" has "# edited" /etc/default/vfio-bind
	check "the own probe is still kept" has "the frontend's own probe" /var/lib/pciprobe/pci.rb.distrib
	check "they are removed" apt remove $(packages)
	check "OpenNebula's own probe is back" has "the frontend's own probe" "$probe"
	check "CloudStack's own script is back" has "the agent's own script" "$discovery"
	check "the configuration is still there" has "# edited" /etc/pciprobe/pci.conf
	check "they are purged" dpkg --purge $(packages)
	check "no package is left" is_removed
	check "no file is left" same_state
	check "they are installed again" apt install $(files "$directory")
	check "with the configuration as it comes" sh -c '! grep -q edited /etc/pciprobe/pci.conf /etc/default/vfio-bind'
	check "they are purged again" dpkg --purge $(packages)
	check "and no file is left" same_state
}
rm -rf "$probe" "$discovery"
echo "1..$number"
exit "$failed"
