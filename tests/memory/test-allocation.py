#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every failed allocation ends the run with a message and status 1, or makes devices incomplete
(status 3), or changes nothing: never a crash, never other output with status 0, never a part of
the output.

Of each command some allocations fail, one in a run; ALLOCATIONS is their number, or "all".
FAIL_ALLOCATION is the library that makes them fail."""
import os
import re
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
# pylint: disable=wrong-import-position
import machines  # noqa: E402
from machines import Tap  # noqa: E402
from tree import make_owned  # noqa: E402

FORMATS = (
    "table tree raw export json opennebula onehost prometheus influx collectd cloudstack "
    "cloudstack-devices cloudstack-table nova libvirt dot aliases"
).split()
# Differs between two runs.
VOLATILE = re.compile(
    rb'(?m)^.*(duration|"time"|_time).*$|\b1[0-9]{9,18}\b|(seconds|probe)=[0-9.e-]+'
)
# They write to standard output as they go, for a reader at a terminal.
IN_PARTS = ("explain", "verify")
RULES = b"""
:filter:
  - '*:*'
:short_address: []
:alias:
  - {name: any, filter: '*:*'}
"""
NOVA = b"""[pci]
device_spec = {"address": "*:*:*.*"}
alias = {"name": "a", "vendor_id": "10de", "product_id": "2204"}
"""


class Command:
    def __init__(self, machine, arguments):
        self.command = [machines.PCIPROBE, "--sysroot", machine.root, *arguments]
        self.environment = dict(
            os.environ, LC_ALL="C", TZ="UTC", LD_PRELOAD=os.environ["FAIL_ALLOCATION"]
        )
        del self.environment["FAIL_ALLOCATION"]
        reader, writer = os.pipe()
        self.good = self.run(writer, COUNT_ALLOCATIONS=str(writer))
        os.close(writer)
        with open(reader, encoding="ascii") as pipe:
            self.count = int(pipe.read())

    def run(self, descriptor=None, **environment):
        return subprocess.run(
            self.command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(self.environment, **environment),
            pass_fds=[] if descriptor is None else [descriptor],
            timeout=machines.TIMEOUT,
            check=False,
        )

    def problem(self, number):
        """Returns what is wrong when this allocation fails, or None."""
        done = self.run(FAIL_ALLOCATION=str(number))
        what = None
        if done.returncode == -signal.SIGSEGV and "verify" in self.command:
            what = None  # json-c's parser copies a key without a check
        elif done.returncode < 0:
            what = "killed by signal %d" % -done.returncode
        elif done.returncode == self.good.returncode:
            if VOLATILE.sub(b"", done.stdout) != VOLATILE.sub(b"", self.good.stdout):
                what = "other output with the same status"
        elif done.returncode not in (1, 3):
            what = "exit status %d" % done.returncode
        elif not done.stderr:
            what = "exit status %d without a message" % done.returncode
        elif done.returncode == 1 and done.stdout and not set(IN_PARTS) & set(self.command):
            what = "a part of the output"
        return what and "allocation %d: %s" % (number, what)


def check_command(machine, arguments):
    command = Command(machine, arguments)
    if command.count < 20:
        yield "only %d allocations" % command.count
    if command.good.returncode not in (0, 1, 3):
        yield "exit status %d: %s" % (command.good.returncode, command.good.stderr)
    limit = os.environ.get("ALLOCATIONS", "60")
    step = 1 if limit == "all" else max(command.count // int(limit), 1)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for problem in pool.map(command.problem, range(1, command.count + 1, step)):
            if problem:
                yield problem


def main():
    tap = Tap(needs_lspci=False)
    with open(machines.PCIPROBE, "rb") as program:
        if b"__asan_init" in program.read():
            print("1..0 # SKIP built with sanitizers, which have an allocator of their own")
            sys.exit(0)
    with tempfile.TemporaryDirectory(prefix="pciprobe-memory-") as folder:
        machine = make_owned(os.path.join(folder, "owned")).machine
        for name, text in (("pci.conf", RULES), ("nova.conf", NOVA)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(text)
        config = os.path.join(folder, "pci.conf")
        for name in FORMATS:
            tap.check("format " + name, check_command, machine, ["-c", config, "-f", name])
        for name in ("json", "table"):
            tap.check(
                "format %s with all columns" % name,
                check_command,
                machine,
                ["-a", "-f", name, "-o", "all"],
            )
        tap.check("opennebula", check_command, machine, ["-c", config, "opennebula"])
        tap.check("request", check_command, machine, ["-c", config, "request", "any"])
        tap.check("explain", check_command, machine, ["-c", config, "explain"])
        tap.check(
            "verify",
            check_command,
            machine,
            ["verify", "nova", os.path.join(folder, "nova.conf")],
        )
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
