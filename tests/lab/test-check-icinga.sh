#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: hotplug
#
# A real Icinga 2 with the installed definition sees real devices: a VM takes the last device of an
# alias, one is removed by surprise, and errors are injected; each time the state of the service
# changes, and back.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

icinga=$(PATH=$PATH:/usr/sbin type -P icinga2) || skip "icinga2 is not installed (Debian package icinga2-bin)"

modprobe -a e1000e vfio-pci
hot0=$(address_of hot0)
check "the device is bound to vfio-pci" bind_driver "$hot0" vfio-pci

home=/run/icinga-lab
mkdir -p "$home"/{ConfigDir,DataDir,CacheDir,InitRunDir,LogDir,SpoolDir}
cat >"$home/pci.conf" <<END
:filter: '8086:10d3'
:alias: [{name: nic, filter: '8086:10d3'}]
:expect: [{short_address: '$hot0=8086:10d3'}]
END
sed "s|\"sudo\", \"-n\", \"[^\"]*/pciprobe\"|\"$PCIPROBE\"|" "$BUILD_DIR/etc/icinga2/pciprobe.conf" >"$home/icinga2.conf"
cat >>"$home/icinga2.conf" <<END
include <itl>
object CheckerComponent "checker" { }
object PerfdataWriter "results" {
	service_temp_path = "$home/results"
	service_perfdata_path = "$home/old"
	host_temp_path = "$home/hosts"
	host_perfdata_path = "$home/hosts-old"
	rotation_interval = 1s
	service_format_template = "\$service.output\$"
}
object Host "lab" { check_command = "dummy" }
object Service "PCI devices" {
	host_name = "lab"
	check_command = "pciprobe"
	check_interval = 1s
	retry_interval = 1s
	max_check_attempts = 1
	vars.pciprobe_config = "$home/pci.conf"
	vars.pciprobe_critical = [ "available:nic=1:" ]
	vars.pciprobe_timeout = 60
}
END
directories=()
for name in ConfigDir DataDir CacheDir InitRunDir LogDir SpoolDir; do
    directories+=("-D$name=$home/$name")
done
"$icinga" daemon -c "$home/icinga2.conf" -DRunAsUser=root -DRunAsGroup=root -DNodeName=lab "${directories[@]}" >"$home/log" 2>&1 </dev/null &
daemon=$!

# sees TEXT: the newest result begins with TEXT.
sees() {
    local file line last=
    for file in "$home"/old.* "$home/results"; do
        [ ! -e "$file" ] || while read -r line; do
            [[ $line != "PCI "* ]] || last=$line
        done <"$file"
    done
    [[ $last == "$1"* ]]
}
# expect TEXT: Icinga has it in time.
expect() { check "Icinga: $1" wait_for 120 sees "$1" || cat "$home/log" >&2; }

expect "PCI OK - 1 device, 1 free"
sleep 1000 <>"/dev/vfio/$(group_of "$hot0")" &
holder=$!
expect "PCI CRITICAL - 0 available devices of nic (1 device, 1 held)"
kill "$holder"
expect "PCI OK - 1 device, 1 free"

check "the device is removed by surprise" surprise_remove hot0
expect "PCI CRITICAL - 1 missing device, 0 available devices of nic, 0 devices (0 devices)"
pause 10 # the port is not ready before
check "another one is plugged" plug e1000e,id=hot1,bus=slot0,romfile=
check_same "it has the same address" "$hot0" "$(address_of hot1)"
has_driver() { [ "$(driver_of "$hot0")" = "$1" ]; }
check "its driver binds it" wait_for 60 has_driver e1000e
check "it is bound to vfio-pci" bind_driver "$hot0" vfio-pci
expect "PCI OK - 1 device, 1 free"

check "it is bound to its driver" bind_driver "$hot0" e1000e
inject_aer "$hot0" CmpltTO
expect "PCI CRITICAL - 0 available devices of nic, 1 uncorrectable error (1 device, 1 host)"

kill "$daemon"
wait "$daemon" || :
check_same "all performance data was valid" "" "$(grep -i "perfdata" "$home/log" | grep -v "PerfdataWriter" || :)"
