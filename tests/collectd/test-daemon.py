#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin in a real collectd: its values are those that 'pciprobe list -f json' has of the same machine, what changes is
notified, a block that is wrong stops it and it alone, a configuration that changes is taken up."""
import math
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
# pylint: disable=wrong-import-position
from daemon import PLUGIN, Daemon, need_collectd, wait_for
import metrics
from machines import Tap, same
from tree import link, make_machine

need_collectd()

CONFIG = ":filter: '*:*'\n:alias: [{name: ten_gig, filter: '8086:*'}, {name: none, filter: 'dead:beef'}]\n"


def make_live_machine(root):
    """With what a kernel says of each device in one line, so that the driver is where its link leads."""
    tree = make_machine(root)
    for address in os.listdir(tree.path("sys/bus/pci/devices")):
        ids = [
            int(tree.machine.read(address, name), 16)
            for name in ("vendor", "device", "subsystem_vendor", "subsystem_device", "class")
        ]
        tree.file(
            "sys/bus/pci/devices/%s/modalias" % address,
            "pci:v%08Xd%08Xsv%08Xsd%08Xbc%02Xsc%02Xi%02X"
            % (*ids[:4], ids[4] >> 16, ids[4] >> 8 & 0xFF, ids[4] & 0xFF),
        )
    return tree


def number(value):
    """NaN is like NaN here."""
    return "unknown" if isinstance(value, float) and math.isnan(value) else value


def expected_values(document):
    """All of them but the counts of errors (which the daemon gives as rates) and the time it took."""
    return {
        (instance, what): number(value)
        for instance, values in metrics.collectd(document).items()
        for what, value in values.items()
        if not what.startswith("errors-")
    }


class Place:
    """A folder with a machine, its configuration, and room for a daemon."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.tree = make_live_machine(os.path.join(self.folder, "machine"))
        self.config(CONFIG)

    def config(self, text):
        with open(self.folder + "/new.conf", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.folder + "/new.conf", self.folder + "/pci.conf")

    def daemon(self, options="", **more):
        home = tempfile.mkdtemp(dir=self.folder)
        return Daemon(
            home,
            '  SysRoot "%s"\n  ConfigFile "%s/pci.conf"\n%s'
            % (self.tree.root, self.folder, options),
            **more
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def has_all(daemon):
    return daemon.value("summary", "duration-probe") is not None


def check_values(tap, place):
    """With everything, and with the same machine as a recording, which has no processes."""
    for name in "a machine", "a recording":
        with place.daemon() as daemon:
            wait_for("the last of the values", lambda daemon=daemon: has_all(daemon))
            found = {key: number(value) for key, value in daemon.values().items()}
            document = place.tree.machine.json(
                "list", "-c", place.folder + "/pci.conf", "-o", "+iommu_group,ownership,aliases"
            )
            errors = {key for key in found if key[1].startswith("errors-")}
            wanted = {
                (device["address"], "errors-" + what)
                for device in document["devices"]
                for what in ("aer_correctable", "aer_nonfatal", "aer_fatal")
                if what in device
            }
            tap.result(
                "%s: errors are counted where the listing has them" % name,
                same(wanted, errors, "errors"),
            )
            duration = found.pop(("summary", "duration-probe"))
            tap.result("%s: the duration is one" % name, [] if 0 < duration < 5 else [duration])
            expected = expected_values(document)
            found = {key: value for key, value in found.items() if key not in errors}
            tap.result(
                "%s: all values are those of the listing (%d)" % (name, len(expected)),
                [
                    "%s: expected %s, found %s" % (key, expected.get(key), found.get(key))
                    for key in sorted(expected.keys() | found.keys())
                    if expected.get(key) != found.get(key)
                ]
                or ([] if len(expected) > 150 else ["so few values?"]),
            )
            tap.result("%s: nothing was notified" % name, daemon.notices())
            tap.result("%s: it stops when it is told to" % name, same(0, daemon.stop(), "status"))
        shutil.rmtree(place.tree.path("proc"), ignore_errors=True)


def check_symbols(tap, _):
    """A symbol more could meet one of the daemon's, or of another plugin's."""
    names = (
        subprocess.run(["nm", "-D", "--defined-only", PLUGIN], stdout=subprocess.PIPE, check=True)
        .stdout.decode()
        .split()[2::3]
    )
    tap.result("it gives one symbol to others", same(["module_register"], names, "symbols"))


def check_faults(tap, place):
    """The daemon goes on without it."""
    for options, message in [
        ("  Colour red\n", "unknown option 'Colour'; there are ConfigFile"),
        ("  Report everything\n", "option 'Report': 'everything' won't do"),
        ('  Device "zz"\n', "Device: invalid slot 'zz'"),
        ('  SysRoot "/nowhere/at/all"\n', "/nowhere/at/all: No such file"),
        ('  ConfigFile "/nowhere/pci.conf"\n', "/nowhere/pci.conf: No such file"),
    ]:
        with place.daemon(options) as daemon:
            said = daemon.read_log()
            problems = (
                []
                if message in said and "Initialization of plugin `pciprobe' failed" in said
                else [said]
            )
            problems += [str(key) for key in daemon.values()]
            tap.result("refused: %s" % options.strip(), problems)
            daemon.stop()


def check_options(tap, place):
    with place.daemon(
        '  Device "0000:03:00.0" "0000:06:"\n  Report owner\n  PluginInstanceFormat vm\n'
    ) as daemon:
        wait_for("the last of the values", lambda: has_all(daemon))
        devices = {instance for instance, what in daemon.values() if what == "gauge-in_use"}
        tap.result(
            "only these devices, named for their VM",
            same(
                {
                    "0000:03:00.0",
                    "one-17:0000:06:00.0",
                    "0000:06:00.1",
                    "0000:06:00.2",
                    "0000:06:00.3",
                },
                devices,
                "devices",
            ),
        )
        tap.result(
            "nothing that isn't reported",
            [key for key in daemon.values() if "link" in key[1] or "total" in key[1]],
        )
        daemon.stop()
    with place.daemon(
        '  Device "0000:03:00.0" "0000:06:"\n  IgnoreSelected true\n  PluginInstanceFormat alias\n'
    ) as daemon:
        wait_for("the last of the values", lambda: has_all(daemon))
        devices = {instance for instance, what in daemon.values() if what == "gauge-in_use"}
        tap.result(
            "all but these, named for their alias",
            (
                []
                if "ten_gig:0001:03:00.0" in devices
                and "0000:07:00.0" not in devices
                and "0000:04:00.0" in devices
                and not [
                    device for device in devices if "0000:06:" in device or "0000:03:00.0" in device
                ]
                else [devices]
            ),
        )
        daemon.stop()


def check_changes(tap, place):
    """Each once, and as a value."""
    tree = place.tree
    with place.daemon() as daemon:
        wait_for("the last of the values", lambda: has_all(daemon))
        tree.device("0000:06:01.0", 0x8086, 0x1521, driver="vfio-pci", group=50)
        tap.result(
            "added",
            same("OKAY", daemon.wait_notice("event=added", "address=0000:06:01.0")[0], "severity"),
        )
        tree.process(4300, "qemu-kvm", "-name", "one 'two'\n", opened=["/dev/vfio/50"])
        tree.file("dev/vfio/50")
        notice = daemon.wait_notice(
            "event=vm_attached", "0000:06:01.0", "vm=one??two??", "alias=ten_gig"
        )
        tap.result("attached", same("OKAY", notice[0], "severity"))
        daemon.wait_value("0000:06:01.0", "gauge-in_use", 1)
        shutil.rmtree(tree.path("proc/4300"))
        tree.file("dev/vfio/50")
        tap.result(
            "detached",
            same("OKAY", daemon.wait_notice("event=vm_detached", "0000:06:01.0")[0], "severity"),
        )
        daemon.wait_value("0000:06:01.0", "gauge-in_use", 0)
        os.unlink(tree.path("sys/bus/pci/devices/0000:06:01.0"))
        tap.result(
            "removed",
            same("WARNING", daemon.wait_notice("event=removed", "0000:06:01.0")[0], "severity"),
        )
        tree.file("sys/bus/pci/devices/0000:03:00.0/aer_dev_nonfatal", "TOTAL_ERR_NONFATAL 3")
        tap.result(
            "errors",
            same(
                "WARNING",
                daemon.wait_notice("event=aer_nonfatal", "errors=2 total=3")[0],
                "severity",
            ),
        )
        tree.file("sys/bus/pci/devices/0000:03:00.0/current_link_speed", "8.0 GT/s PCIe")
        tree.file("sys/bus/pci/devices/0000:03:00.0/current_link_width", "8")
        tap.result(
            "recovered",
            same("OKAY", daemon.wait_notice("event=link_recovered", "0000:03:00.0")[0], "severity"),
        )
        daemon.wait_value("0000:03:00.0", "gauge-link_degraded", 0)
        os.unlink(tree.path("sys/bus/pci/devices/0000:03:00.0/driver"))
        link(
            tree.path("sys/bus/pci/devices/0000:03:00.0/driver"),
            tree.path("sys/bus/pci/drivers/vfio-pci"),
        )
        daemon.wait_notice("event=driver_changed", "driver_was=e1000e driver=vfio-pci")
        tap.result("each of them once", same(7, len(daemon.notices()), "notifications"))
        daemon.stop()


def check_config(tap, place):
    with place.daemon() as daemon:
        wait_for("the last of the values", lambda: has_all(daemon))
        place.config(":filter: '10de:*'\n")
        notice = daemon.wait_notice("event=config_taken", "pci.conf")
        tap.result("a new configuration is taken", same("OKAY", notice[0], "severity"))
        devices = sum(device["vendor"] == "10de" for device in place.tree.machine.devices())
        daemon.wait_value("summary", "count-devices", devices)
        place.config(":filter: [nonsense, '10de:*']\n")
        notice = daemon.wait_notice("event=config_refused", "pci.conf")
        tap.result("a broken one isn't", same("WARNING", notice[0], "severity"))
        said = daemon.read_log()
        tap.result(
            "which is told, with the line",
            [] if "pci.conf:1:11: invalid filter 'nonsense'" in said else [said],
        )
        before = daemon.ask('GETVAL "here/pciprobe-summary/duration-probe"')
        wait_for(
            "another reading",
            lambda: daemon.ask('GETVAL "here/pciprobe-summary/duration-probe"') != before,
        )
        tap.result(
            "the old rules hold on",
            same(devices, daemon.value("summary", "count-devices"), "devices"),
        )
        others = [notice for notice in daemon.notices() if "event=config" not in notice[2]]
        tap.result("no device was said to come or go", others)
        daemon.stop()


def main():
    tap = Tap(needs_lspci=False)
    for check in (
        check_symbols,
        check_values,
        check_faults,
        check_options,
        check_changes,
        check_config,
    ):
        with Place() as place:
            check(tap, place)
    print("1..%d" % tap.count)


main()
