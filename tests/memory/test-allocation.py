#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every failed allocation ends the run with a message and status 1, or makes devices incomplete
(status 3), or changes nothing: never a crash, never other output with status 0, never a part of
the output.

Of each command some allocations fail, one in a run; ALLOCATIONS is their number, or "all".
FAIL_ALLOCATION is the library that makes them fail."""
import json
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
from tree import Tree, make_owned  # noqa: E402

FORMATS = (
    "table tree raw export json opennebula onehost prometheus openmetrics influx collectd cloudstack "
    "cloudstack-devices cloudstack-table nova libvirt proxmox proxmox-mapping kubevirt incus zabbix-lld dot aliases"
).split()
# Differs between two runs.
VOLATILE = re.compile(
    rb"""(?m)^.*(duration|"time"|_time).*$|\b1[0-9]{9,18}\b|(seconds|probe|'time')=[0-9.e-]+"""
)
# They write to standard output as they go, for a reader at a terminal; or a report of devices, which
# says what happened to each.
IN_PARTS = ("explain", "verify", "check", "status", "bind", "release", "vfs", "apply")
RULES = b"""
:filter:
  - '*:*'
:short_address: []
:alias:
  - {name: any, filter: '*:*'}
  - {name: gpu, filter: '10de:', nova: {resource_class: gpu, traits: [a, b], managed: no}}
"""
NOVA = b"""[pci]
report_in_placement = yes
device_spec = {"vendor_id": "10de", "address": "*:*:*.*", "resource_class": "a", "traits": "a,HW_B"}
alias = {"name": "a", "vendor_id": "10de", "product_id": "2204", "resource_class": "A"}
alias = {"name": "b", "resource_class": "a", "traits": "a"}
[filter_scheduler]
pci_in_placement = yes
"""
GPUS = b"""{"gpudevice": [
  {"busaddress": "20:00.0", "state": "Allocated", "virtualmachinename": "i-2-3-VM"},
  {"busaddress": "99:00.0", "state": "Free", "id": "a"}]}
"""


# An accelerator, a disk and a NIC, with host drivers.
FPGA = "0000:30:00.0"
DISK = "0000:31:00.0"
NIC = "0000:32:00.0"
BINDER_COMMANDS = (
    "check",
    "check --json",
    "check " + DISK,
    "check --json %s %s" % (FPGA, NIC),
    "status",
    "status --json",
    "status %s 0000:20:00.0" % NIC,
    "bind --dry-run " + DISK,
    "bind --dry-run --json --persist " + FPGA,
    "release --dry-run 0000:21:00.0",
    "vfs --dry-run --json %s 2" % FPGA,
    "apply --dry-run",
    "config service " + FPGA,
    "config udev " + FPGA,
    "config initramfs " + FPGA,
    "config dracut " + FPGA,
    "config modprobe " + FPGA,
    "config kernel " + FPGA,
    "config qemu " + FPGA,
)


def is_json(output):
    try:
        return isinstance(json.loads(output), dict)
    except ValueError:
        return False


class Command:
    def __init__(self, machine, arguments, program=machines.PCIPROBE):
        # with "check", options come after the subcommand
        at = int(arguments[0] == "check")
        self.command = [program, *arguments[:at], "--sysroot", machine.root, *arguments[at:]]
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

    def is_same(self, output):
        return VOLATILE.sub(b"", output) == VOLATILE.sub(b"", self.good.stdout)

    def has_unknown(self, output):
        """vfio-bind says in its report which checks could not be made."""
        lines = set(output.splitlines()) - set(self.good.stdout.splitlines())
        pattern = re.compile(rb"(?i)unknown|\?|: null|Cannot allocate|not all of its")
        return self.command[0] != machines.PCIPROBE and any(map(pattern.search, lines))

    def problem(self, number):
        """Returns what is wrong when this allocation fails, or None."""
        done = self.run(FAIL_ALLOCATION=str(number))
        what = None
        if done.returncode == -signal.SIGSEGV and "verify" in self.command:
            what = None  # json-c's parser copies a key without a check
        elif done.returncode < 0:
            what = "killed by signal %d" % -done.returncode
        elif done.returncode == self.good.returncode:
            failed = done.returncode and done.stderr and not done.stdout
            # libsmartcols prints blanks, and its mbrtowc(3) overwrites errno
            blank = "table" in self.command and len(done.stdout) == len(self.good.stdout)
            same = blank or self.is_same(done.stdout) or self.has_unknown(done.stdout)
            if not (failed or same):
                what = "other output with the same status"
        elif done.returncode not in (1, 3, 5):
            what = "exit status %d" % done.returncode
        elif not done.stderr and not done.stdout.startswith(b"PCI UNKNOWN - "):
            what = "exit status %d without a message" % done.returncode
        elif done.returncode == 1 and done.stdout and not set(IN_PARTS) & set(self.command):
            what = "a part of the output"
        elif "--json" in self.command and done.stdout and not is_json(done.stdout):
            what = "not JSON"
        return what and "allocation %d: %s" % (number, what)


def make_vgpu(root):
    """A GPU with a vGPU whose name is remembered, and one whose name is in vgpuConfig.xml."""
    tree = Tree(root, "vgpu")
    tree.process(1, "/sbin/init")
    tree.device("0000:08:00.0", 0x10DE, 0x2236, 0x030200, driver="nvidia")
    for i, profile in enumerate(("558", "559")):
        address = "0000:08:00.%d" % (i + 4)
        tree.virtual_function(
            "0000:08:00.0", i, address, 0x10DE, 0x2236, klass=0x030200, driver="nvidia", group=i
        )
        tree.file("sys/bus/pci/devices/%s/nvidia/current_vgpu_type" % address, profile)
    tree.file("var/lib/pciprobe/cloudstack/vgpu-names", "558 NVIDIA A10-2Q")
    tree.file(
        "usr/share/nvidia/vgpu/vgpuConfig.xml",
        '<vgpuType id="559" name="NVIDIA A10-3Q"><numHeads>4</numHeads></vgpuType>',
    )
    return tree.machine


def check_command(machine, arguments, program=machines.PCIPROBE, limit="60"):
    command = Command(machine, arguments, program)
    if command.count < 20:
        yield "only %d allocations" % command.count
    if command.good.returncode not in (0, 1, 3, 69):
        yield "exit status %d: %s" % (command.good.returncode, command.good.stderr)
    limit = os.environ.get("ALLOCATIONS", limit)
    step = 1 if limit == "all" else max(command.count // int(limit), 1)
    numbers = range(1, command.count + 1, step)
    print("# %s: %d of %d allocations" % (" ".join(arguments), len(numbers), command.count))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for problem in pool.map(command.problem, numbers):
            if problem:
                yield problem


def add_binder_devices(tree):
    files = {"driver_override": "(null)\n", "reset_method": "flr\n"}
    vfs = {"sriov_totalvfs": "4\n", "sriov_numvfs": "0\n"}
    tree.device(FPGA, 0x10EE, 0x7038, 0x120000, driver="xdma", group=95, files={**files, **vfs})
    tree.device(DISK, 0x1B36, 0x0010, 0x010802, driver="nvme", group=96, files=files)
    tree.device(NIC, 0x8086, 0x10D3, 0x020000, driver="e1000e", group=97, files=files)
    tree.interface(NIC, "eth0")
    tree.file("sys/bus/pci/devices/0000:21:00.0/driver_override", "vfio-pci\n")
    tree.file("etc/default/vfio-bind", 'DEVICES="%s"\n' % FPGA)
    tree.file("etc/udev/rules.d/99.rules")
    tree.file("proc/sys/kernel/osrelease", "6.12.0\n")
    tree.file("lib/modules/6.12.0/modules.dep", "kernel/drivers/vfio/pci/vfio-pci.ko.xz:\n")
    tree.file("lib/modules/6.12.0/modules.alias", "alias pci:v000010EEd00007038sv* xdma\n")
    tree.file("proc/cmdline", "intel_iommu=on\n")
    tree.file("proc/self/mountinfo", "21 1 254:1 / / rw - ext4 /dev/vda1 rw\n")
    tree.file("proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n")


def main():
    tap = Tap(needs_lspci=False)
    with open(machines.PCIPROBE, "rb") as program:
        if b"__asan_init" in program.read():
            print("1..0 # SKIP built with sanitizers, which have an allocator of their own")
            sys.exit(0)
    with tempfile.TemporaryDirectory(prefix="pciprobe-memory-") as folder:
        machine = make_owned(os.path.join(folder, "owned")).machine
        for name, text in (("pci.conf", RULES), ("nova.conf", NOVA), ("gpus.json", GPUS)):
            with open(os.path.join(folder, name), "wb") as file:
                file.write(text)
        config = os.path.join(folder, "pci.conf")
        for name in FORMATS:
            tap.check("format " + name, check_command, machine, ["-c", config, "-f", name])
        vgpu = make_vgpu(os.path.join(folder, "vgpu"))
        tap.check("vGPUs for CloudStack", check_command, vgpu, ["-a", "-f", "cloudstack"])
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
        tap.check("baseline", check_command, machine, ["-a", "baseline"])
        tap.check(
            "check",
            check_command,
            machine,
            ["check", "--config", config, "-c", "conflicts=~:", "-w", "available:any=0:"],
        )
        tap.check(
            "verify",
            check_command,
            machine,
            ["verify", "nova", os.path.join(folder, "nova.conf")],
        )
        for options in ([], ["--json"]):
            tap.check(
                "verify of records" + "".join(options),
                check_command,
                machine,
                ["-c", config, "verify", "cloudstack", os.path.join(folder, "gpus.json"), *options],
            )
        if os.environ.get("VFIO_BIND"):
            tree = make_owned(os.path.join(folder, "binder"))
            add_binder_devices(tree)
            for arguments in BINDER_COMMANDS:
                tap.check(
                    "vfio-bind " + arguments,
                    check_command,
                    tree.machine,
                    arguments.split(),
                    os.environ["VFIO_BIND"],
                    "12",
                )
    tap.done(wants_machines=False)


if __name__ == "__main__":
    main()
