#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# topology: hotplug
#
# The plugin in a real collectd reports events of real devices as notifications and values:
# hot-plug, surprise removal, driver changes, VMs (also one with a private /dev), and AER errors.

set -eu
# shellcheck source=guest.sh
. "$LAB_DIR/guest.sh"

collectd=$(PATH=$PATH:/usr/sbin type -P collectd) || skip "collectd is not installed"
plugin=$BUILD_DIR/.libs/pciprobe.so
[ -e "$plugin" ] || skip "the plugin was not built"

modprobe -a e1000e vfio-pci
hot0=$(address_of hot0)
has_driver() { [ "$(driver_of "$1")" = "$2" ]; }
check "the driver binds the device" wait_for 60 has_driver "$hot0" e1000e

home=/run/collectd-lab
mkdir -p "$home/plugins"
own=$("$collectd" -h | sed -n 's/^ *Plugin directory *//p')
cp "$own/logfile.so" "$own/csv.so" "$plugin" "$home/plugins"
cat >"$home/collectd.conf" <<END
Hostname "lab"
BaseDir "$home"
PIDFile "$home/pid"
PluginDir "$home/plugins"
Interval 0.5
LoadPlugin logfile
<Plugin logfile>
  File "$home/log"
</Plugin>
LoadPlugin csv
<Plugin csv>
  DataDir "$home/values"
</Plugin>
LoadPlugin pciprobe
END
"$collectd" -f -C "$home/collectd.conf" >"$home/err" 2>&1 </dev/null &
daemon=$!

# value INSTANCE TYPE-NAME: prints the latest value, if any.
value() {
    local file line last=
    for file in "$home/values/lab/pciprobe-$1/$2"-20*; do
        [ ! -e "$file" ] || while read -r line; do last=${line#*,}; done <"$file"
    done
    echo "${last%.000000*}"
}
value_is() { [ "$(value "$1" "$2")" = "$3" ]; }

# notified PART...: a notification contains all parts, in this order.
notified() {
    local line pattern="*Notification:"
    for part; do pattern+="*$part"; done
    while read -r line; do
        # shellcheck disable=SC2053  # a pattern
        [[ $line != $pattern* ]] || return 0
    done <"$home/log"
    return 1
}
# expect SEVERITY EVENT ADDRESS DETAIL: a notification is sent within twenty seconds.
expect() { check "notification $2 of $3 ($4)" wait_for 60 notified "severity = $1," "event=$2 address=$3 " "$4"; }
# has INSTANCE TYPE-NAME NUMBER
has() { check "$1/$2 is $3" wait_for 60 value_is "$1" "$2" "$3"; }

# initial state
has "$hot0" gauge-in_use 0
has "$hot0" gauge-iommu_group "$(group_of "$hot0")"
has "$hot0" gauge-link_width "$(attribute "$hot0" current_link_width)"
has "$hot0" gauge-link_degraded 0
has "$hot0" errors-aer_correctable 0
has summary count-devices "$("$PCIPROBE" list --all -f raw --no-headings -o address | wc -l)"
check "there is no notification" not notified ""

check "a device is plugged" plug e1000e,id=hot1,bus=slot1,romfile=
hot1=$(address_of hot1)
expect OKAY added "$hot1" "model=8086:10d3"
check "the new device is bound to its driver" wait_for 60 has_driver "$hot1" e1000e
has 8086:10d3 count-total 2

inject_aer "$hot0" BadTLP
expect WARNING aer_correctable "$hot0" "errors=1 total=1"
has "$hot0" errors-aer_correctable 1
inject_aer "$hot0" CmpltTO
expect WARNING aer_nonfatal "$hot0" "errors=1 total=1"
has "$hot0" errors-aer_nonfatal 1

check "the new device is bound to vfio-pci" bind_driver "$hot1" vfio-pci
expect OKAY driver_changed "$hot1" "driver=vfio-pci state=free"
has 8086:10d3 count-free 1

qemu-system-x86_64 -accel tcg -S -m 64 -nodefaults -display none -machine q35 -name "guest=one-123" \
    -device "vfio-pci,host=$hot1" </dev/null &
vm=$!
expect OKAY vm_attached "$hot1" "vm=one-123 program=qemu-system-x86_64 pid=$vm"
has "$hot1" gauge-in_use 1
has 8086:10d3 count-free 0
kill -9 "$vm"
wait "$vm" 2>/dev/null || :
expect OKAY vm_detached "$hot1" "pid=$vm"
has "$hot1" gauge-in_use 0

# like libvirt: the VM has a private /dev, which inotify cannot watch
number=$(group_of "$hot1")
# shellcheck disable=SC2016  # the inner shell's
unshare -m bash -c '
    read -r group container < <(stat -c "0x%t,0x%T" "/dev/vfio/$2" /dev/vfio/vfio | tr "\n" " ")
    mount -t tmpfs none /dev && mkdir /dev/vfio && mknod /dev/null c 1 3
    mknod "/dev/vfio/$2" c $((${group%,*})) $((${group#*,}))
    mknod /dev/vfio/vfio c $((${container%,*})) $((${container#*,}))
    exec "$LAB_DIR/hold-group" "$1" "$2"' hidden "$hot1" "$number" >/run/holder 2>&1 </dev/null &
holder=$!
expect OKAY vm_attached "$hot1" "pid=$holder"
has "$hot1" gauge-in_use 1
check "the holder has a private /dev" test ! -e "/proc/$holder/root/dev/kmsg"
kill -9 "$holder"
wait "$holder" 2>/dev/null || :
expect OKAY vm_detached "$hot1" "pid=$holder"
has "$hot1" gauge-in_use 0

check "a device is removed by surprise" surprise_remove hot0
expect WARNING removed "$hot0" "driver="
has 8086:10d3 count-total 1

kill "$daemon"
status=0
wait "$daemon" || status=$?
check_same "collectd exits on SIGTERM" 0 "$status"
check_same "the plugin logged no errors" "" "$(grep -i 'pciprobe plugin' "$home/log" || :)"
