#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: hotplug
# outside: set-link
#
# A real Icinga 2 with the installed definition sees real devices: a VM takes the last device of an
# alias and is killed, a link is degraded, a device is removed by surprise, and errors are injected; each
# time the state of the service changes with the next check, and back.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

icinga=$(PATH=$PATH:/usr/sbin type -P icinga2) || skip "icinga2 is not installed (Debian package icinga2-bin)"

# In D3, devices that no VM uses have no link.
modprobe vfio-pci disable_idle_d3=1
modprobe e1000e
hot0=$(address_of hot0)
check "the device is bound to vfio-pci" bind_driver "$hot0" vfio-pci
check "it has a link of four lanes" set_link_width "$hot0" 4 4

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
	service_format_template = "\$service.last_check\$ \$service.execution_time\$ \$service.output\$"
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

# sees TEXT: a result begins with TEXT. Sets late to the number of other results before it whose check
# began after the last change.
sees() {
    local file ended seconds text
    late=0
    for file in "$home"/old.* "$home/results"; do
        [ ! -e "$file" ] || while read -r ended seconds text; do
            # other lines are details
            [[ $ended == [0-9]* ]] && [ "$ended" -ge "$changed" ] || continue
            [[ $text != "$1"* ]] || return 0
            # both are rounded down
            [ $((ended - ${seconds%.*} - 1)) -le "$changed" ] || late=$((late + 1))
        done <"$file"
    done
    return 1
}
# change: the checks that begin from now on must see something else.
change() { changed=$EPOCHSECONDS; }
# expect TEXT: Icinga reports it, by the next check.
expect() {
    wait_for 120 sees "$1" || { cat "$home/log" "$home"/old.* >&2; fail "Icinga: $1"; }
    check_same "Icinga: $1" 0 "$late"
}

change
expect "PCI OK - 1 device, 1 free"
sleep 1000 <>"/dev/vfio/$(group_of "$hot0")" &
holder=$!
change
expect "PCI CRITICAL - 0 available devices of nic (1 device, 1 held)"
kill -KILL "$holder"
wait "$holder" 2>/dev/null || :
change
expect "PCI OK - 1 device, 1 free"

check "the link loses three lanes" set_link_width "$hot0" 1 4
change
expect "PCI WARNING - 1 degraded link (1 device, 1 free)"
check "the link is as before" set_link_width "$hot0" 4 4
change
expect "PCI OK - 1 device, 1 free"

check "the device is removed by surprise" surprise_remove hot0
check "the kernel removes it" wait_for 60 test ! -e "$devices/$hot0"
change
expect "PCI CRITICAL - 1 missing device, 0 available devices of nic, 0 devices (0 devices)"
pause 10 # the port is not ready before
check "another one is plugged" plug e1000e,id=hot1,bus=slot0,romfile=
check_same "it has the same address" "$hot0" "$(address_of hot1)"
has_driver() { [ "$(driver_of "$hot0")" = "$1" ]; }
check "its driver binds it" wait_for 60 has_driver e1000e
check "it is bound to vfio-pci" bind_driver "$hot0" vfio-pci
change
expect "PCI OK - 1 device, 1 free"

check "it is bound to its driver" bind_driver "$hot0" e1000e
errors_before=$(aer_count "$hot0" nonfatal CmpltTO)
inject_aer "$hot0" CmpltTO
counted() { [ "$(aer_count "$hot0" nonfatal CmpltTO)" -gt "$errors_before" ]; }
check "the kernel counts the error" wait_for 60 counted
change
expect "PCI CRITICAL - 0 available devices of nic, 1 uncorrectable error (1 device, 1 host)"

kill "$daemon"
wait "$daemon" || :
check_same "all performance data was valid" "" "$(grep -i "perfdata" "$home/log" | grep -v "PerfdataWriter" || :)"
