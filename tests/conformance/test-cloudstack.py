#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format cloudstack: parsed like CloudStack's agent and evaluated like its management server.

The keys are those of CloudStack's own gpudiscovery.sh. The states follow GpuServiceImpl in
CloudStack 4.21: addGpuDevicesToHost and setStateAndVmName. The expected devices are lspci's.
"""
import json
import os
import re
import tempfile

from machines import Failed, Tap, all_machines, same, unique
from tree import UUID, make_machine

DEVICE = {
    "pci_address": str,
    "vendor_id": str,
    "device_id": str,
    "vendor": str,
    "device": str,
    "driver": str,
    "pci_class": str,
    "iommu_group": str,
    "pci_root": str,
    "numa_node": int,
    "sriov_totalvfs": int,
    "sriov_numvfs": int,
    "max_instances": None,
    "video_ram": None,
    "max_heads": None,
    "max_resolution_x": None,
    "max_resolution_y": None,
    "full_passthrough": dict,
    "vgpu_instances": list,
    "vf_instances": list,
}
MEASURES = {
    "max_instances": None,
    "video_ram": None,
    "max_heads": None,
    "max_resolution_x": None,
    "max_resolution_y": None,
}
INSTANCE = {"libvirt_address": dict, "used_by_vm": (str, type(None))}
WHOLE = dict(INSTANCE, enabled=int)
VGPU = dict(INSTANCE, mdev_uuid=str, profile_name=str, **MEASURES)
VF = dict(INSTANCE, vf_pci_address=str, vf_profile=str, **MEASURES)
SHORT = re.compile(r"[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")
FULL = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]")


def shape_problems(what, thing, shape):
    """The object has exactly these keys with these types; None: a number or null."""
    yield from same(sorted(shape), sorted(thing), "keys of " + what)
    for key, wanted in shape.items():
        wanted = (int, type(None)) if wanted is None else wanted
        if key in thing and (not isinstance(thing[key], wanted) or isinstance(thing[key], bool)):
            yield "%s: %s is %r" % (what, key, thing[key])


def full_address(text):
    if not (SHORT.fullmatch(text) or (FULL.fullmatch(text) and not text.startswith("0000:"))):
        raise Failed("%r: expected a short address in domain 0, otherwise a full one" % text)
    return text if FULL.fullmatch(text) else "0000:" + text


def libvirt_address(part):
    address = part["libvirt_address"]
    return "%04x:%02x:%02x.%x" % tuple(
        int(address[key], 16) for key in ("domain", "bus", "slot", "function")
    )


class Agent:
    """The agent's flat list of assignable devices: (address, parent's address, VM, assignable)."""

    def __init__(self, text):
        try:
            self.gpus = json.loads(text.encode(), object_pairs_hook=unique)["gpus"]
        except (ValueError, KeyError, TypeError) as error:
            raise Failed("cannot parse: %s" % error) from error
        self.devices = []
        for gpu in self.gpus:
            whole = gpu["full_passthrough"]
            self.devices.append(
                (gpu["pci_address"], None, whole["used_by_vm"], whole["enabled"] == 1)
            )
            for part in gpu["vgpu_instances"]:
                self.devices.append(
                    (part["mdev_uuid"], gpu["pci_address"], part["used_by_vm"], True)
                )
            for part in gpu["vf_instances"]:
                self.devices.append(
                    (part["vf_pci_address"], gpu["pci_address"], part["used_by_vm"], True)
                )

    def problems(self):
        for gpu in self.gpus:
            name = gpu.get("pci_address", "?")
            yield from shape_problems(name, gpu, DEVICE)
            yield from shape_problems(name + " as a whole", gpu["full_passthrough"], WHOLE)
            yield from same(
                full_address(name), libvirt_address(gpu["full_passthrough"]), "libvirt's address"
            )
            if gpu["full_passthrough"]["enabled"] not in (0, 1):
                yield "%s: enabled is %r" % (name, gpu["full_passthrough"]["enabled"])
            if gpu["full_passthrough"]["enabled"] and (
                gpu["vgpu_instances"] or gpu["vf_instances"]
            ):
                yield "%s: enabled as a whole and as instances" % name
            if not re.fullmatch(r"null|\d+", gpu["iommu_group"]) or not FULL.fullmatch(
                gpu["pci_root"]
            ):
                yield "%s: group %r, root %r" % (name, gpu["iommu_group"], gpu["pci_root"])
            for part in gpu["vgpu_instances"]:
                yield from shape_problems(name + " vgpu", part, VGPU)
            for part in gpu["vf_instances"]:
                yield from shape_problems(name + " vf", part, VF)
                yield from same(
                    full_address(part["vf_pci_address"]),
                    libvirt_address(part),
                    "libvirt's address of a VF",
                )
        addresses = [address for address, _, _, _ in self.devices]
        if len(set(addresses)) != len(addresses):
            yield "duplicate addresses: %s" % sorted(addresses)


class Server:
    """The device states of the management server; VMS are the names of known VMs."""

    def __init__(self, vms):
        self.vms = vms
        self.states = {}

    def update(self, agent):
        for address, _, vm, _ in agent.devices:
            if vm is None or not vm.strip():
                self.states[address] = "Free"
            else:
                self.states[address] = "Allocated" if vm in self.vms else "Error"
        for address in set(self.states) - {device[0] for device in agent.devices}:
            self.states[address] = "Error"


def devices_of(agent):
    """Returns {PF or device: its VFs}."""
    return {
        full_address(gpu["pci_address"]): sorted(
            full_address(part["vf_pci_address"]) for part in gpu["vf_instances"]
        )
        for gpu in agent.gpus
    }


def expected_devices(machine, selected):
    """Returns the assignable devices of SELECTED, VFs under their PF."""
    classes = dict(line.split()[:2] for line in machine.lspci("-Dn").splitlines())
    mdevs = {
        os.path.basename(
            os.path.dirname(os.path.realpath(machine.path("sys/bus/mdev/devices", uuid)))
        )
        for uuid in (
            os.listdir(machine.path("sys/bus/mdev/devices"))
            if os.path.isdir(machine.path("sys/bus/mdev/devices"))
            else []
        )
    }
    expected = {}
    for address in selected:
        if classes[address].startswith("06"):
            continue
        pf = machine.link(address, "physfn")
        if pf and pf in classes:
            expected.setdefault(pf, [])
            if address not in mdevs:
                expected[pf].append(address)
        else:
            expected.setdefault(address, [])
    return {device: sorted(vfs) for device, vfs in expected.items()}


def machine_problems(machine):
    for arguments in (["-a"], ["-a", "-d", "::03xx"], ["-a", "-d", "::02xx"]):
        selected = machine.pciprobe(
            *arguments, "-f", "raw", "-o", "address", "--no-headings"
        ).split()
        agent = Agent(machine.pciprobe(*arguments, "-f", "cloudstack"))
        yield from agent.problems()
        yield from same(
            expected_devices(machine, selected), devices_of(agent), "devices with %s" % arguments
        )


def made_problems(machine):
    """Devices held by VMs, one of them a vGPU; profiles of VFs."""
    agent = Agent(machine.pciprobe("-a", "-f", "cloudstack"))
    server = Server({"i-2-3-VM"})
    server.update(agent)
    yield from same("Error", server.states["06:00.0"], "device of a VM that is not CloudStack's")
    yield from same("Free", server.states["06:00.1"], "device without owner")
    yield from same("Allocated", server.states[UUID], "vGPU of a CloudStack VM")
    parent = [parent for address, parent, _, _ in agent.devices if address == UUID]
    yield from same(["08:00.0"], parent, "parent device of a vGPU")
    profiles = {
        part["vf_pci_address"]: part["vf_profile"]
        for gpu in agent.gpus
        for part in gpu["vf_instances"]
    }
    yield from same("NVIDIA A10-2Q", profiles["08:00.5"], "profile of a VF")
    offered = {address for address, _, _, enabled in agent.devices if enabled}
    yield from same(False, "08:00.0" in offered, "a device with instances is enabled as a whole")


def unknown_problems(machine):
    """Without ownership sources, no device bound to a vfio driver is free."""
    agent = Agent(machine.pciprobe("-a", "-f", "cloudstack", "--owners", "none"))
    server = Server(set())
    server.update(agent)
    for gpu in agent.gpus:
        if gpu["driver"] == "vfio-pci":
            yield from same("Error", server.states[gpu["pci_address"]], gpu["pci_address"])
    yield from same(
        True,
        any(gpu["driver"] == "vfio-pci" for gpu in agent.gpus),
        "there are devices bound to vfio-pci",
    )


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory() as directory:
        made = make_machine(os.path.join(directory, "made")).machine
        for machine in all_machines() + [made]:
            tap.check(
                "%s: the agent finds all devices and their parents" % machine.name,
                machine_problems,
                machine,
            )
        tap.check("devices in use are not free, unused ones are", made_problems, made)
        tap.check("devices with unknown owners are not free", unknown_problems, made)
    tap.done()


if __name__ == "__main__":
    main()
