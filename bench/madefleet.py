# SPDX-License-Identifier: GPL-2.0-or-later
"""Made-up hosts with what "pciprobe -f prometheus" prints of them, and the VMs that hold their devices. A few generated machines are
read by the real pciprobe; a host's text is that of its machine, with the lines of what VMs and links have changed replaced."""

import os
import random
import re
import subprocess
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/conformance"))
# pylint: disable=wrong-import-position
from tree import Tree

TEMPLATES = 4
HOSTS_PER_GROUP = 20
OCCUPIED = 0.6  # share of the assignable devices that VMs hold
VM_SIZES = (1, 1, 1, 2, 2, 4)  # devices of a VM
CHANGED = 0.05  # share of the hosts on which a VM starts, ends or migrates per step
# Vendors and devices that bench/tree binds to vfio-pci.
ALIASES = {
    "t4": "10de:1eb8",
    "a100": "10de:20b0",
    "vf": "8086:154c,15b3:101e",
    "qat": "8086:37c9",
    "fpga": "10ee:5000",
}
CONFIG = ":filter:\n:short_address: [%s]\n:alias:\n%s"
SAMPLE_ID, SAMPLE_PID = 123456789, 7654321


def labels_of(series):
    return dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', series))


def uuid_of(number):
    return str(uuid.UUID(int=0x4B20D080_1B54_4048_85B3_000000000000 + number))


def pid_of(number):
    return 10000 + number


class Machine:
    """A generated machine with COUNT selected devices, not counting bridges."""

    def __init__(self, build, folder, number, count):
        self.tree = Tree(os.path.join(folder, "machine%d" % number))
        self.program = os.path.join(build, "pciprobe")
        subprocess.run(
            [os.path.join(build, "bench/tree"), self.tree.root, str(count * 3 + 200)], check=True
        )
        self.tree.process(1, "/sbin/init")
        self.write_config(count, number)
        self.lines = self.read().splitlines()
        self.index = {line.rpartition(" ")[0]: i for i, line in enumerate(self.lines)}
        self.devices = self.find_devices()
        self.owner = self.learn_owner()

    def write_config(self, count, number):
        root = self.tree.path("sys/bus/pci/devices")
        devices = [name for name in sorted(os.listdir(root)) if not self.is_bridge(root, name)]
        first = (len(devices) - count) * number // TEMPLATES
        assert first >= 0, "the generated machine is too small"
        devices = devices[first : first + count]
        for name in devices:  # VFIO enables a device when a VM opens it
            self.replace(name, "enable", "0")
            self.replace(name, "numa_node", str(int(name[5:7], 16) % 2))
        names = ", ".join("'%s'" % name for name in devices)
        aliases = "".join("- {name: %s, filter: '%s'}\n" % alias for alias in ALIASES.items())
        self.tree.file("pci.conf", CONFIG % (names, aliases))

    @staticmethod
    def is_bridge(root, name):
        with open(os.path.join(root, name, "class"), encoding="ascii") as file:
            return file.read().startswith("0x06")

    def read(self, form="prometheus"):
        root = self.tree.root
        return subprocess.run(
            [self.program, "--sysroot", root, "-c", root + "/pci.conf", "-f", form],
            check=True,
            stdout=subprocess.PIPE,
        ).stdout.decode()

    def series(self, name, address):
        return 'pciprobe_device_%s{address="%s"}' % (name, address)

    def value(self, series):
        return self.lines[self.index[series]].rpartition(" ")[2]

    def find_devices(self):
        """Returns {address: labels} of the devices that a VM can hold alone, with their aliases."""
        found, groups = {}, {}
        for series in self.index:
            labels = labels_of(series)
            if series.startswith("pciprobe_device_info{"):
                found[labels["address"]] = dict(labels, aliases=[])
            elif series.startswith("pciprobe_device_alias_info{"):
                found[labels["address"]]["aliases"].append(labels["alias"])
            elif series.startswith("pciprobe_device_numa_node{"):
                found[labels["address"]]["numa_node"] = self.value(series)
            elif series.startswith("pciprobe_device_iommu_group{"):
                groups.setdefault(self.value(series), []).append(labels["address"])
        for group, addresses in groups.items():
            for address in addresses:
                found[address]["group"] = int(group)
        free = re.findall(
            r'^pciprobe_device_ownership_info\{address="(.*?)",ownership="free"\}',
            "\n".join(self.lines),
            re.MULTILINE,
        )
        return {
            address: found[address]
            for address in free
            if found[address].get("driver") == "vfio-pci"
            and found[address]["aliases"]
            and len(groups[self.value(self.series("iommu_group", address))]) == 1
        }

    def learn_owner(self):
        """Returns the line of an owner, with the names of what differs in braces."""
        address = next(iter(self.devices))
        self.start_vm(SAMPLE_ID, SAMPLE_PID, [address])
        line = re.search("^pciprobe_device_owner_info{.*", self.read(), re.MULTILINE)[0]
        header = re.search("(?:^#.* pciprobe_device_owner_info .*\n)+", self.read(), re.MULTILINE)
        self.tree.end_process(SAMPLE_PID)
        line = line.replace("{", "{{").replace("}", "}}")
        for value, name in (
            (address, "address"),
            (str(SAMPLE_ID), "vm_id"),
            (uuid_of(SAMPLE_ID), "vm_uuid"),
            (str(SAMPLE_PID), "pid"),
        ):
            assert value in line, line
            line = line.replace(value, "{%s}" % name)
        self.owner_header = header[0].splitlines()
        return line

    def start_vm(self, number, pid, addresses, by_node=False):
        """A group can be open only once, so a second VM of a device opens the device's own node."""
        arguments = [
            argument
            for address in addresses
            for argument in ("-device", "vfio-pci,host=" + address)
        ]
        self.tree.process(
            pid,
            "/usr/bin/qemu-system-x86_64",
            "-name",
            "guest=one-%d" % number,
            "-uuid",
            uuid_of(number),
            *arguments,
            opened=[self.node(address, by_node) for address in addresses],
        )

    def node(self, address, by_node):
        number = self.devices[address]["group"]
        if not by_node:
            return "/dev/vfio/%d" % number
        self.tree.device_node(number, address)
        return "/dev/vfio/devices/vfio%d" % number

    def replace(self, address, name, text):
        path = os.path.join("sys/bus/pci/devices", address, name)
        os.unlink(self.tree.path(path))  # bench/tree links equal files
        self.tree.file(path, text)


class Vm:
    def __init__(self, number, by_node=False):
        self.number = number
        self.by_node = by_node
        self.devices = []

    @property
    def name(self):
        return "one-%d" % self.number


class Host:
    def __init__(self, number, machine):
        self.name = "host-%04d" % number
        self.group = "group-%02d" % (number // HOSTS_PER_GROUP)
        self.machine = machine
        self.holders = {}  # address: its VMs, more than one in a conflict
        self.degraded = set()  # addresses
        self._body = None

    def free(self):
        return [address for address in self.machine.devices if not self.holders.get(address)]

    def free_of(self, alias, node=None):
        """The number of free devices, on a NUMA node."""
        devices = (self.machine.devices[address] for address in self.free())
        return sum(
            alias in device["aliases"] and node in (None, device["numa_node"]) for device in devices
        )

    def hold(self, vm, addresses):
        vm.devices = list(addresses)
        for address in addresses:
            self.holders.setdefault(address, []).append(vm)
        self._body = None

    def release(self, vm):
        for address in vm.devices:
            self.holders[address].remove(vm)
        vm.devices = []
        self._body = None

    def degrade(self, address, is_degraded):
        (self.degraded.add if is_degraded else self.degraded.discard)(address)
        self._body = None

    def held(self):
        """Yields (address, vm)."""
        for address in self.machine.devices:
            for vm in self.holders.get(address, ()):
                yield address, vm

    def conflicts(self):
        return {address for address, vms in self.holders.items() if len(vms) > 1}

    def text(self):
        """What pciprobe would print now."""
        if self._body is None:
            self._body = self.write()
        return self._body

    def write(self):
        machine, lines = self.machine, list(self.machine.lines)
        changes = {}  # series: what is added to its value

        def add(series, change):
            changes[series] = changes.get(series, 0) + change

        for address in (address for address, vms in self.holders.items() if vms):
            device = machine.devices[address]
            add(machine.series("in_use", address), 1)
            state = 'pciprobe_device_ownership_info{address="%s",ownership="%s"}'
            lines[machine.index[state % (address, "free")]] = state % (address, "held") + " 1"
            pools = ['pciprobe_alias_%%s{alias="%s"}' % alias for alias in device["aliases"]]
            pools.append('pciprobe_model_%%s{vendor="%(vendor)s",device="%(device)s"}' % device)
            for pool in pools:
                add(pool % "in_use", 1)
                add(pool % "free", -1)
                add(pool % "available", -1)
            if "pf" in device:
                add(machine.series("vf_in_use", device["pf"]), 1)
                add(machine.series("vf_free", device["pf"]), -1)
            add("pciprobe_host_in_use", 1)
            add("pciprobe_host_free", -1)
        for address in self.conflicts():
            add(machine.series("conflict", address), 1)
            add("pciprobe_host_conflict", 1)
        for address in self.degraded:
            add(machine.series("link_degraded", address), 1)
            width = machine.series("link_width", address)
            add(width, 1 - int(machine.value(width)))
        for series, change in changes.items():
            if series in machine.index:  # the PF of a VF may not be selected
                lines[machine.index[series]] = "%s %d" % (
                    series,
                    int(machine.value(series)) + change,
                )
        owners = [
            machine.owner.format(
                address=address, vm_id=vm.number, vm_uuid=uuid_of(vm.number), pid=pid_of(vm.number)
            )
            for address, vm in self.held()
        ]
        return "\n".join(lines + (machine.owner_header + owners if owners else [])) + "\n"

    def change_machine(self):
        """Its machine really gets its VMs and links."""
        vms = {vm.number: vm for _, vm in self.held()}
        for vm in vms.values():
            self.machine.start_vm(vm.number, pid_of(vm.number), vm.devices, vm.by_node)
        for address in self.degraded:
            self.machine.replace(address, "current_link_width", "1")

    def differences(self):
        """Compares its text with what pciprobe prints when the machine really has these VMs and links; the machine is changed."""
        self.change_machine()
        duration = re.compile("^pciprobe_host_probe_duration_seconds .*", re.MULTILINE)
        made, real = (
            set(duration.sub("", text).splitlines()) for text in (self.text(), self.machine.read())
        )
        return ["only made: " + line for line in made - real] + [
            "only real: " + line for line in real - made
        ]


class Fleet:
    """Hosts and VMs. The same seed makes the same fleet and the same history."""

    def __init__(self, build, folder, hosts, devices, seed):
        self.random = random.Random(seed)
        self.machines = [Machine(build, folder, i, devices) for i in range(TEMPLATES)]
        self.hosts = [Host(i, self.machines[i % TEMPLATES]) for i in range(hosts)]
        self.vms = {}  # Vm: its host
        self.next_vm = 1
        self.last_change = {}  # host: step
        self.steps = 0
        for host in self.hosts:
            while len(host.free()) > (1 - OCCUPIED) * len(host.machine.devices):
                self.start(host)
        for host in self.random.sample(self.hosts, max(1, hosts // 50)):
            self.make_conflict(host)
        for host in self.random.sample(self.hosts, max(1, hosts // 20)):
            self.change_link(host)

    def start(self, host):
        free = host.free()
        if free:
            vm = Vm(self.next_vm)
            self.next_vm += 1
            count = min(len(free), self.random.choice(VM_SIZES))
            host.hold(vm, self.random.sample(free, count))
            self.vms[vm] = host

    def end(self, host):
        vms = sorted({vm.number: vm for _, vm in host.held()}.items())
        if vms:
            vm = self.random.choice(vms)[1]
            host.release(vm)
            del self.vms[vm]

    def migrate(self, host):
        """A VM ends here and runs on another host, with devices of the same models."""
        vms = sorted({vm.number: vm for _, vm in host.held()}.items())
        other = self.random.choice(self.hosts)
        if not vms or other is host or not self.may_change(other):
            return
        vm = self.random.choice(vms)[1]
        wanted = sorted(host.machine.devices[address]["device"] for address in vm.devices)
        chosen = []
        for model in wanted:
            free = [
                address
                for address in other.free()
                if other.machine.devices[address]["device"] == model and address not in chosen
            ]
            if not free:
                return
            chosen.append(self.random.choice(free))
        host.release(vm)
        other.hold(vm, chosen)
        self.vms[vm] = other
        self.last_change[other] = self.steps

    def make_conflict(self, host):
        """A second VM gets a device that another one holds."""
        held = sorted({address for address, _ in host.held()} - host.conflicts())
        if held:
            vm = Vm(self.next_vm, by_node=True)
            self.next_vm += 1
            host.hold(vm, [self.random.choice(held)])
            self.vms[vm] = host

    def change_link(self, host):
        """The link of a device in use degrades; one that has degraded gets well."""
        if host.degraded:
            host.degrade(self.random.choice(sorted(host.degraded)), False)
            return
        linked = sorted(
            {
                address
                for address, _ in host.held()
                if host.machine.series("link_degraded", address) in host.machine.index
            }
        )
        if linked:
            host.degrade(self.random.choice(linked), True)

    def may_change(self, host):
        """A host changes at most every other step, so that each of its states is scraped."""
        return self.steps - self.last_change.get(host, -2) >= 2

    def step(self):
        self.steps += 1
        count = max(2, round(CHANGED * len(self.hosts)))
        for host in self.random.sample(self.hosts, min(count, len(self.hosts))):
            if not self.may_change(host):
                continue
            self.last_change[host] = self.steps
            self.random.choices(
                [self.start, self.end, self.migrate, self.change_link, self.make_conflict],
                [30, 30, 30, 8, 2],
            )[0](host)

    def holdings(self):
        """Returns {(instance, address, VM's name)}."""
        return {(host.name, address, vm.name) for host in self.hosts for address, vm in host.held()}
