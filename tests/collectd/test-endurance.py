#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Ten thousand readings a millisecond apart, while devices, VMs and configurations come and go: collectd's memory and its open files
stay what they were. Then some hundred of them under valgrind, to the orderly end: nothing of the plugin's is left, nothing was
read that isn't its own."""
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
SETTLED = 2000  # by then every device, VM and configuration has been there
GROWTH = 1024  # KiB: what its memory may vary by
CONFIGS = [
    ":filter: '8086:*'\n",
    ":filter: '8086:1521'\n:alias: [{name: a1, device_name: Ethernet}]\n",
    ":filter: nonsense\n",
]
OURS = (
    r"pciprobe|\((monitor|publish|events|values|watch|notice|settings|module)\.c:"  # of what valgrind says
)
LINK = {
    "max_link_speed": "8.0 GT/s PCIe",
    "max_link_width": "8",
    "current_link_speed": "2.5 GT/s PCIe",
    "current_link_width": "8",
}


class Bustle:
    """A machine on which something happens with every step."""

    def __init__(self, folder):
        self.folder = folder
        self.tree = Tree(folder + "/machine")
        self.vms = []
        self.chance = random.Random(1)
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
        os.mkdir(self.tree.path("away"))
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
        there, away = self.tree.path("sys/bus/pci/devices", self.address(i)), self.tree.path(
            "away", self.address(i)
        )
        if os.path.lexists(there):
            os.rename(there, away)
        else:
            os.rename(away, there)

    def toggle_vm(self, i):
        if i in self.vms:
            self.vms.remove(i)
            shutil.rmtree(self.tree.path("proc/%d" % (100 + i)))
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
        """The device 0 stays: its link tells the number of readings."""
        what = self.chance.choice(
            [
                self.toggle_device,
                self.toggle_vm,
                self.toggle_vm,
                self.toggle_driver,
                self.count_errors,
            ]
        )
        what(self.chance.randrange(1, 8))
        if self.chance.random() < 0.01:
            self.config(self.chance.randrange(len(CONFIGS)))

    def settle(self):
        for i in list(self.vms):
            self.toggle_vm(i)
        for i in range(1, 8):
            if os.path.lexists(self.tree.path("away", self.address(i))):
                self.toggle_device(i)
            if not os.path.exists(
                os.path.dirname(self.tree.path("sys/bus/pci/devices", self.address(i), "driver"))
            ):
                raise RuntimeError("device %d is lost" % i)
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
    """How many there were: each tells once more of the link that stays degraded. The log is read on from where it was left."""

    def __init__(self, daemon):
        self.path = daemon.log
        self.at = 0
        self.count = 0
        self.kinds = {}

    def read(self):
        with open(self.path, encoding="utf-8") as file:
            file.seek(self.at)
            text = file.read()
        text = text[: text.rfind("\n") + 1]
        self.at += len(text.encode())
        self.count += text.count("message = event=link_degraded address=%s " % Bustle.address(0))
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
    "config_taken",
    "config_refused",
}


def run(bustle, daemon, readings, count):
    while readings.read() < count:
        if daemon.process.poll() is not None:
            raise RuntimeError("the daemon has ended: " + daemon.stderr()[-2000:])
        for _ in range(3):
            bustle.step()
        time.sleep(0.003)


def check_endurance(tap, folder):
    bustle = Bustle(folder)
    home = folder + "/daemon"
    os.mkdir(home)
    with Daemon(home, bustle.options(), interval="0.001") as daemon:
        readings = Readings(daemon)
        # those that it has only while it reads don't count
        descriptors = min(daemon.descriptors() for _ in range(200))
        run(bustle, daemon, readings, SETTLED)
        memory = daemon.memory()
        began = time.monotonic()
        run(bustle, daemon, readings, READINGS)
        grown = daemon.memory() - memory
        tap.result(
            "%d readings, the last %d of them in %.0f s; memory from %d to %+d KiB"
            % (readings.count, READINGS - SETTLED, time.monotonic() - began, memory, grown),
            [grown] if abs(grown) > GROWTH else [],
        )
        tap.result("everything happened: %s" % readings.kinds, EVENTS - readings.kinds.keys())
        bustle.settle()
        for instance, what, count in [
            ("summary", "devices", 9),
            ("8086:1521", "free", 8),
            ("8086:1521", "in_use", 0),
        ]:
            daemon.wait_value(instance, "count-" + what, count)
        wait_for("as many open files as before", lambda: daemon.descriptors() <= descriptors)
        tap.result("afterwards it is as it was, with as many open files", [])
        tap.result("it stops when it is told to", same(0, daemon.stop(), "status"))


def records(text):
    """What valgrind has to say: a record ends with an empty line."""
    lines = [
        re.sub(r"^==\d+== ?", "", line) for line in text.splitlines() if re.match(r"==\d+==", line)
    ]
    return [record for record in "\n".join(lines).split("\n\n") if record.strip()]


def check_valgrind(tap, folder):
    valgrind = shutil.which("valgrind")
    if not valgrind:
        tap.skip("valgrind is not installed")
        return
    bustle = Bustle(folder)
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
    with Daemon(home, bustle.options(), interval="0.005", before=before) as daemon:
        readings = Readings(daemon)
        run(bustle, daemon, readings, 300)
        tap.result(
            "under valgrind everything happened: %s" % readings.kinds,
            EVENTS - readings.kinds.keys(),
        )
        tap.result("and it stops when it is told to", same(0, daemon.stop(), "status"))
    with open(home + "/valgrind", encoding="utf-8", errors="replace") as file:
        found = records(file.read())
    tap.result(
        "valgrind was there to the end",
        [] if any("HEAP SUMMARY" in record for record in found) else found[-5:],
    )
    ours = [record for record in found if "Command:" not in record and re.search(OURS, record)]
    tap.result("it has nothing to say of the plugin", ours)
    tap.result(
        "nor of bad reads and writes",
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
