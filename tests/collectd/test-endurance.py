#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ten thousand readings at an interval of a millisecond, while devices, VMs and configurations change: collectd's memory and number of
open files stay constant. Then some hundred readings under valgrind, including shutdown: no leaks and no invalid accesses in the
plugin."""
import os
import random
import re
import shutil
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
# pylint: disable=wrong-import-position
from daemon import Daemon, need_collectd, wait_for
from machines import Tap, same
from tree import Tree

need_collectd()

READINGS = 10000
WARM_UP = 2000  # readings after which every device, VM and configuration has occurred
GROWTH = 1024  # KiB: accepted variation of its memory
CONFIGS = [
    ":filter: '8086:*'\n",
    ":filter: '8086:1521'\n:alias: [{name: a1, device_name: Ethernet}]\n",
    ":filter: nonsense\n",
]
PLUGIN_FRAMES = r"pciprobe|\((monitor|publish|events|values|watch|notice|settings|module)\.c:"  # in valgrind's report
LINK = {
    "max_link_speed": "8.0 GT/s PCIe",
    "max_link_width": "8",
    "current_link_speed": "2.5 GT/s PCIe",
    "current_link_width": "8",
}


class ChangingMachine:
    """A machine that changes with every step."""

    def __init__(self, folder):
        self.folder = folder
        self.tree = Tree(folder + "/machine")
        self.vms = []
        self.random = random.Random(1)
        self.tree.process(1, "init")
        self.tree.device(
            "0000:00:01.0", 0x8086, 0x3420, 0x060400, files={**self.line(0x3420, 6), **LINK}
        )
        for i in range(8):
            self.tree.device(
                self.address(i),
                0x8086,
                0x1521,
                driver="vfio-pci",
                group=i,
                parent="0000:00:01.0",
                files={
                    **self.line(0x1521, 2),
                    **(LINK if i == 0 else {}),
                    "aer_dev_correctable": "TOTAL_ERR_COR 0",
                },
            )
            self.tree.file("dev/vfio/%d" % i)
        os.mkdir(self.tree.path("absent"))
        self.config(0)

    @staticmethod
    def address(i):
        return "0000:01:00.%d" % i

    @staticmethod
    def line(device, klass):
        return {"modalias": "pci:v00008086d%08Xsv00000000sd00000000bc%02Xsc00i00" % (device, klass)}

    def config(self, i):
        with open(self.folder + "/new.conf", "w", encoding="utf-8") as file:
            file.write(CONFIGS[i])
        os.rename(self.folder + "/new.conf", self.folder + "/pci.conf")

    def touch(self, i):
        with open(self.tree.path("dev/vfio/%d" % i), encoding="utf-8"):
            pass

    def toggle_device(self, i):
        present, absent = self.tree.path("sys/bus/pci/devices", self.address(i)), self.tree.path(
            "absent", self.address(i)
        )
        if os.path.lexists(present):
            os.rename(present, absent)
        else:
            os.rename(absent, present)

    def toggle_vm(self, i):
        if i in self.vms:
            self.vms.remove(i)
            self.tree.end_process(100 + i)
        else:
            self.vms.append(i)
            self.tree.process(100 + i, "qemu-kvm", "-name", "vm%d" % i, opened=["/dev/vfio/%d" % i])
        self.touch(i)

    def toggle_driver(self, i):
        path = self.tree.path("sys/devices/pci0000:00/0000:00:01.0", self.address(i), "driver")
        if os.path.lexists(path):
            os.unlink(path)
        else:
            os.symlink("../../../../bus/pci/drivers/vfio-pci", path)

    def count_errors(self, i):
        with open(
            self.tree.path(
                "sys/devices/pci0000:00/0000:00:01.0", self.address(i), "aer_dev_correctable"
            ),
            "r+",
            encoding="utf-8",
        ) as file:
            count = int(file.read().split()[1]) + 1
            file.seek(0)
            file.write("TOTAL_ERR_COR %d\n" % count)

    def step(self):
        """Makes a random change. Device 0 stays: its degraded link is notified once per reading."""
        change = self.random.choice(
            [
                self.toggle_device,
                self.toggle_vm,
                self.toggle_vm,
                self.toggle_driver,
                self.count_errors,
            ]
        )
        change(self.random.randrange(1, 8))
        if self.random.random() < 0.01:
            self.config(self.random.randrange(len(CONFIGS)))

    def reset(self):
        for i in list(self.vms):
            self.toggle_vm(i)
        for i in range(1, 8):
            if os.path.lexists(self.tree.path("absent", self.address(i))):
                self.toggle_device(i)
            if not os.path.exists(
                os.path.dirname(self.tree.path("sys/bus/pci/devices", self.address(i), "driver"))
            ):
                raise RuntimeError("device %d is missing" % i)
            if not os.path.lexists(
                self.tree.path("sys/bus/pci/devices", self.address(i), "driver")
            ):
                self.toggle_driver(i)
        self.config(0)

    def options(self):
        return '  SysRoot "%s"\n  ConfigFile "%s/pci.conf"\n  PersistentNotifications true\n' % (
            self.tree.root,
            self.folder,
        )


class Readings:
    """Counts readings by the notifications of the link that stays degraded. The log is read incrementally."""

    def __init__(self, daemon):
        self.path = daemon.log
        self.offset = 0
        self.count = 0
        self.kinds = {}

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            file.seek(self.offset)
            text = file.read()
        text = text[: text.rfind("\n") + 1]
        self.offset += len(text.encode())
        self.count += text.count(
            "message = event=link_degraded address=%s " % ChangingMachine.address(0)
        )
        for kind in re.findall(r"message = event=(\w+)", text):
            self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return self.count


EVENTS = {
    "added",
    "removed",
    "vm_attached",
    "vm_detached",
    "driver_changed",
    "aer_correctable",
    "config_loaded",
    "config_rejected",
}


def run(machine, daemon, readings, count):
    while readings.read() < count:
        if daemon.process.poll() is not None:
            raise RuntimeError("the daemon has exited: " + daemon.stderr()[-2000:])
        for _ in range(3):
            machine.step()
        time.sleep(0.003)


def check_endurance(tap, folder):
    machine = ChangingMachine(folder)
    home = folder + "/daemon"
    os.mkdir(home)
    with Daemon(home, machine.options(), interval="0.001", timeout=2) as daemon:
        readings = Readings(daemon)
        # without files that are open only during a reading
        descriptors = min(daemon.descriptors() for _ in range(200))
        run(machine, daemon, readings, WARM_UP)
        memory = daemon.memory()
        began = time.monotonic()
        run(machine, daemon, readings, READINGS)
        grown = daemon.memory() - memory
        tap.result(
            "%d readings, the last %d of them in %.0f s; memory from %d to %+d KiB"
            % (readings.count, READINGS - WARM_UP, time.monotonic() - began, memory, grown),
            [grown] if abs(grown) > GROWTH else [],
        )
        tap.result(
            "all kinds of events occurred: %s" % readings.kinds, EVENTS - readings.kinds.keys()
        )
        machine.reset()
        for instance, series, count in [
            ("summary", "devices", 9),
            ("8086:1521", "free", 8),
            ("8086:1521", "in_use", 0),
        ]:
            daemon.wait_value(instance, "count-" + series, count)
        wait_for("the number of open files as before", lambda: daemon.descriptors() <= descriptors)
        tap.result("afterwards values and open files are as before", [])
        tap.result("it terminates on SIGTERM", same(0, daemon.stop(), "status"))


def records(text):
    """Splits valgrind's report into records, which end with an empty line."""
    lines = [
        re.sub(r"^==\d+== ?", "", line) for line in text.splitlines() if re.match(r"==\d+==", line)
    ]
    return [record for record in "\n".join(lines).split("\n\n") if record.strip()]


def check_valgrind(tap, folder):
    valgrind = shutil.which("valgrind")
    if not valgrind:
        tap.skip("valgrind is not installed")
        return
    machine = ChangingMachine(folder)
    home = folder + "/daemon"
    os.mkdir(home)
    before = [
        valgrind,
        "--leak-check=full",
        "--show-leak-kinds=definite,indirect,possible",
        "--keep-debuginfo=yes",
        "--num-callers=30",
        "--track-fds=yes",
        "--log-file=%s/valgrind" % home,
    ]
    with Daemon(home, machine.options(), interval="0.005", before=before) as daemon:
        readings = Readings(daemon)
        run(machine, daemon, readings, 300)
        tap.result(
            "under valgrind all kinds of events occurred: %s" % readings.kinds,
            EVENTS - readings.kinds.keys(),
        )
        tap.result("under valgrind it terminates on SIGTERM", same(0, daemon.stop(), "status"))
    with open(home + "/valgrind", encoding="utf-8", errors="replace") as file:
        found = records(file.read())
    tap.result(
        "valgrind's report is complete",
        [] if any("HEAP SUMMARY" in record for record in found) else found[-5:],
    )
    plugin_records = [
        record for record in found if "Command:" not in record and re.search(PLUGIN_FRAMES, record)
    ]
    tap.result("no errors in the plugin", plugin_records)
    tap.result(
        "no invalid reads and writes",
        [
            record
            for record in found
            if re.search(
                r"^ ?(Invalid|Conditional jump|Use of uninit|Source and destination|Mismatched)",
                record,
            )
        ],
    )


def main():
    tap = Tap(needs_lspci=False)
    for check in check_endurance, check_valgrind:
        with tempfile.TemporaryDirectory() as folder:
            check(tap, folder)
    print("1..%d" % tap.count)


main()
