#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin in a real collectd: its values match those of 'pciprobe list -f json' for the same machine, changes are notified, an
invalid block disables only the plugin, and a changed configuration is loaded."""
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
    """With modalias, so that the driver is read from its link."""
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
    """Makes NaN comparable."""
    return "unknown" if isinstance(value, float) and math.isnan(value) else value


def is_counter(series):
    return series.startswith("errors-") or series in metrics.INTERFACE


def expected_values(document):
    """All values except counters (which the daemon converts to rates) and the duration."""
    return {
        (instance, series): number(value)
        for instance, values in metrics.collectd(document).items()
        for series, value in values.items()
        if not is_counter(series)
    }


class Setup:
    """A directory with a machine, its configuration and daemons."""

    def __init__(self):
        self.folder = tempfile.mkdtemp()
        self.tree = make_live_machine(os.path.join(self.folder, "machine"))
        self.config(CONFIG)

    def config(self, text):
        with open(self.folder + "/new.conf", "w", encoding="utf-8") as file:
            file.write(text)
        os.rename(self.folder + "/new.conf", self.folder + "/pci.conf")

    def daemon(self, options="", **kwargs):
        home = tempfile.mkdtemp(dir=self.folder)
        return Daemon(
            home,
            '  SysRoot "%s"\n  ConfigFile "%s/pci.conf"\n%s'
            % (self.tree.root, self.folder, options),
            **kwargs
        )

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder)


def has_all(daemon):
    return daemon.value("summary", "duration-probe") is not None


def check_values(tap, setup):
    """All values, of a machine and of the same machine as a recording, which has no processes."""
    for name in "a machine", "a recording":
        with setup.daemon() as daemon:
            wait_for("the last value", lambda daemon=daemon: has_all(daemon))
            found = {key: number(value) for key, value in daemon.values().items()}
            document = setup.tree.machine.json(
                "list", "-c", setup.folder + "/pci.conf", "-o", "+iommu_group,ownership,aliases"
            )
            counters = {key for key in found if is_counter(key[1])}
            wanted = {
                (address, series)
                for address, values in metrics.collectd(document).items()
                for series in values
                if is_counter(series)
            }
            tap.result(
                "%s: counters exist for the same devices as in the listing" % name,
                same(wanted, counters, "counters"),
            )
            duration = found.pop(("summary", "duration-probe"))
            tap.result(
                "%s: the duration is plausible" % name, [] if 0 < duration < 5 else [duration]
            )
            expected = expected_values(document)
            found = {key: value for key, value in found.items() if key not in counters}
            tap.result(
                "%s: all values match the listing (%d)" % (name, len(expected)),
                [
                    "%s: expected %s, found %s" % (key, expected.get(key), found.get(key))
                    for key in sorted(expected.keys() | found.keys())
                    if expected.get(key) != found.get(key)
                ]
                or ([] if len(expected) > 150 else ["too few values"]),
            )
            tap.result("%s: no notifications" % name, daemon.notices())
            tap.result("%s: it terminates on SIGTERM" % name, same(0, daemon.stop(), "status"))
        shutil.rmtree(setup.tree.path("proc"), ignore_errors=True)


def check_symbols(tap, _):
    """Further symbols could conflict with those of the daemon or of other plugins."""
    names = (
        subprocess.run(["nm", "-D", "--defined-only", PLUGIN], stdout=subprocess.PIPE, check=True)
        .stdout.decode()
        .split()[2::3]
    )
    tap.result("it exports one symbol", same(["module_register"], names, "symbols"))


def check_faults(tap, setup):
    """The daemon runs without the plugin."""
    for options, message in [
        ("  Colour red\n", "unknown option 'Colour'; valid options: ConfigFile"),
        ("  Report everything\n", "option 'Report': invalid value 'everything'"),
        ('  Device "zz"\n', "Device: invalid slot 'zz'"),
        ('  SysRoot "/nowhere/at/all"\n', "/nowhere/at/all: No such file"),
        ('  ConfigFile "/nowhere/pci.conf"\n', "/nowhere/pci.conf: No such file"),
    ]:
        with setup.daemon(options) as daemon:
            messages = daemon.read_log()
            problems = (
                []
                if message in messages and "Initialization of plugin `pciprobe' failed" in messages
                else [messages]
            )
            problems += [str(key) for key in daemon.values()]
            tap.result("rejected: %s" % options.strip(), problems)
            daemon.stop()


def check_options(tap, setup):
    with setup.daemon(
        '  Device "0000:03:00.0" "0000:06:"\n  Report owner\n  PluginInstanceFormat vm\n'
    ) as daemon:
        wait_for("the last value", lambda: has_all(daemon))
        devices = {instance for instance, series in daemon.values() if series == "gauge-in_use"}
        tap.result(
            "only the selected devices, with the VM in their instance",
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
            "no values of other groups",
            [key for key in daemon.values() if "link" in key[1] or "total" in key[1]],
        )
        daemon.stop()
    with setup.daemon(
        '  Device "0000:03:00.0" "0000:06:"\n  IgnoreSelected true\n  PluginInstanceFormat alias\n'
    ) as daemon:
        wait_for("the last value", lambda: has_all(daemon))
        devices = {instance for instance, series in daemon.values() if series == "gauge-in_use"}
        tap.result(
            "all except the selected devices, with the alias in their instance",
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


def check_changes(tap, setup):
    """Each change is notified once and changes the values."""
    tree = setup.tree
    with setup.daemon() as daemon:
        wait_for("the last value", lambda: has_all(daemon))
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
        tree.end_process(4300)
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
        tap.result("each is notified once", same(7, len(daemon.notices()), "notifications"))
        daemon.stop()


def check_config(tap, setup):
    with setup.daemon() as daemon:
        wait_for("the last value", lambda: has_all(daemon))
        setup.config(":filter: '10de:*'\n")
        notice = daemon.wait_notice("event=config_loaded", "pci.conf")
        tap.result("a changed configuration is loaded", same("OKAY", notice[0], "severity"))
        devices = sum(device["vendor"] == "10de" for device in setup.tree.machine.devices())
        daemon.wait_value("summary", "count-devices", devices)
        setup.config(":filter: [nonsense, '10de:*']\n")
        notice = daemon.wait_notice("event=config_rejected", "pci.conf")
        tap.result("an invalid one is rejected", same("WARNING", notice[0], "severity"))
        messages = daemon.read_log()
        tap.result(
            "the error is logged with its line",
            [] if "pci.conf:1:11: invalid filter 'nonsense'" in messages else [messages],
        )
        before = daemon.command('GETVAL "here/pciprobe-summary/duration-probe"')
        wait_for(
            "another reading",
            lambda: daemon.command('GETVAL "here/pciprobe-summary/duration-probe"') != before,
        )
        tap.result(
            "the previous rules are kept",
            same(devices, daemon.value("summary", "count-devices"), "devices"),
        )
        others = [notice for notice in daemon.notices() if "event=config" not in notice[2]]
        tap.result("no notifications of devices", others)
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
        with Setup() as setup:
            check(tap, setup)
    print("1..%d" % tap.count)


main()
