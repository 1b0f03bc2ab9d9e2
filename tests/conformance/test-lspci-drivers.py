#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Driver and path are the same as lspci's; these and other details match the tree's files, read
directly."""
import os
import re
import tempfile
from itertools import zip_longest

from machines import Tap, all_machines, same
from tree import make_machine, make_machine_without_uevents

ADDRESS = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"


def lspci_drivers(machine):
    """Returns 'Kernel driver in use' of each device that has one."""
    drivers, address = {}, None
    for line in machine.lspci("-Dk").splitlines():
        if not line.startswith("\t"):
            address = line.split()[0]
        elif line.startswith("\tKernel driver in use: "):
            drivers[address] = line.split(": ", 1)[1]
    return drivers


def lspci_paths(machine):
    """Returns the path of each device whose bridges lspci sees: it reads their configuration space,
    which recordings lack."""
    paths = {}
    for address, line in zip(machine.addresses(), machine.lspci("-DPn").splitlines()):
        path = line.split()[0]
        if path.count("/") == len(path_of(machine, address)) - 1:
            paths[address] = path
    return paths


def number(text, base=10):
    """Parses a number; None if there is none, or -1, the kernel's value for 'none'."""
    return None if text is None or text.startswith("-") else int(text, base)


def text_of(name):
    return lambda machine, address: machine.read(address, name) or None


def number_of(name):
    return lambda machine, address: number(machine.read(address, name))


def iommu_group(machine, address):
    return number(machine.link(address, "iommu_group"))


def revision(machine, address):
    value = number(machine.read(address, "revision"), 16)
    return None if value is None else "%02x" % value


def role(machine, address):
    if machine.link(address, "physfn"):
        return "vf"
    counts = [machine.read(address, name) for name in ("sriov_totalvfs", "sriov_numvfs")]
    return "no" if counts == [None, None] else "pf"


def vf_index(machine, address):
    """Returns the number of the PF's link to this VF."""
    if not machine.link(address, "physfn"):
        return None
    for name in machine.entries(address, "physfn"):
        if name.startswith("virtfn") and machine.link(address, "physfn/" + name) == address:
            return int(name[len("virtfn") :])
    return None


def of_pf(name):
    return (
        lambda machine, address: number(machine.read(address, name))
        if role(machine, address) == "pf"
        else None
    )


def interface_paths(machine, address):
    """Returns the paths of a device's interfaces; for virtio devices they are one level deeper."""
    directories = ["net"]
    if machine.link(address, "driver") == "virtio-pci":
        directories += [
            name + "/net" for name in machine.entries(address, "") if name.startswith("virtio")
        ]
    return [
        directory + "/" + name
        for directory in directories
        for name in machine.entries(address, directory)
    ]


def interfaces(machine, address):
    """Returns sorted pairs of interface and MAC address."""
    paths = interface_paths(machine, address)
    return (
        sorted(
            (os.path.basename(path), machine.read(address, path + "/address") or "")
            for path in paths
        )
        or None
    )


def is_suspended(machine, address):
    return (machine.read(address, "power/runtime_status") or "").startswith("suspend")


def speed_of(name):
    def read(machine, address):
        found = re.match(r"(\d+\.\d) GT/s", machine.read(address, name) or "")
        return float(found[1]) if found and not is_suspended(machine, address) else None

    return read


def width_of(name):
    def read(machine, address):
        width = number(machine.read(address, name))
        # 255: the device does not respond; without a speed: not PCI Express
        unknown = width == 255 or speed_of("max_link_speed")(machine, address) is None
        return None if unknown or is_suspended(machine, address) else width

    return read


def link_degraded(machine, address):
    """Compares with the port, whose directory is the device's parent directory."""
    port = os.path.basename(os.path.dirname(os.path.realpath(machine.device_path(address))))
    if not re.fullmatch(ADDRESS, port) or machine.read(address, "class")[2:4] == "06":
        return None
    at, limits = [], []
    for kind, of in ("speed", speed_of), ("width", width_of):
        at.append(of("current_link_" + kind)(machine, address))
        limits.append([of("max_link_" + kind)(machine, device) for device in (address, port)])
    if None in at + limits[0] + limits[1]:
        return None
    return int(any(now < min(most) for now, most in zip(at, limits)))


def aer_of(name):
    def read(machine, address):
        found = re.search(r"^TOTAL_ERR_\w+ (\d+)$", machine.read(address, name) or "", re.MULTILINE)
        return int(found[1]) if found else None

    return read


def reset_methods(machine, address):
    text = machine.read(address, "reset_method")
    return None if text is None else text.split()


def bridges(machine, address):
    """Returns the bridges above a device, from the root."""
    path = os.path.realpath(machine.device_path(address)).split("/")
    return [part for part in path if re.fullmatch(ADDRESS, part)][:-1]


def parent(machine, address):
    return (bridges(machine, address) or [None])[-1]


def root_port(machine, address):
    return (bridges(machine, address) or [None])[0]


def path_of(machine, address):
    """Returns the addresses from the root bus of its domain to the device."""
    domain = address.split(":")[0] + ":"
    above = bridges(machine, address)
    while any(not bridge.startswith(domain) for bridge in above):
        above = above[1:]
    return above + [address]


def pci_path(machine, address):
    """Returns the path; a VF on a later bus than its PF has the offset of the bus in it."""
    root, *below = path_of(machine, address)
    pf = machine.link(address, "physfn") or address
    offset = int(address.split(":")[1], 16) - int(pf.split(":")[1], 16)
    slots = [bridge.split(":")[2] for bridge in below]
    if offset and slots:
        slots[-1] = "+%x:%s" % (offset, slots[-1])
    return "/".join([root] + slots)


def entries_on(machine, directory, address):
    """Returns the entries of a class directory whose closest PCI parent is this device."""
    try:
        names = os.listdir(machine.path(directory))
    except OSError:
        return []
    parents = {
        name: re.findall(ADDRESS, os.path.realpath(machine.path(directory, name))) for name in names
    }
    return sorted(name for name, found in parents.items() if found and found[-1] == address)


def blocks(machine, address):
    # nvme0c1n2 is a multipath member of nvme0n2
    return [
        re.sub(r"^(nvme\d+)c\d+(n\d+)$", r"\1\2", name)
        for name in entries_on(machine, "sys/block", address)
    ] or None


def drm(machine, address):
    return [
        name for name in entries_on(machine, "sys/class/drm", address) if "-" not in name
    ] or None


def physical_slot(machine, address):
    folder = machine.path("sys/bus/pci/slots")
    for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, name, "address"), encoding="utf-8") as file:
            if file.read().strip() == address.rsplit(".", 1)[0]:
                return name
    return None


def vgpu_types(machine, address):
    """Returns the kernel's mdev types, or the ids in NVIDIA's list, of display controllers,
    accelerators and VFs."""
    if machine.read(address, "class")[2:4] not in ("03", "12") and role(machine, address) != "vf":
        return None
    folder = machine.path("sys/class/mdev_bus", address, "mdev_supported_types")
    types = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    listed = re.findall(
        r"^[ \t]*(\d+)[ \t]*:",
        machine.read(address, "nvidia/creatable_vgpu_types") or "",
        re.MULTILINE,
    )
    return types or listed or None


def vgpu_type(machine, address):
    return (
        machine.read(address, "nvidia/current_vgpu_type")
        if role(machine, address) == "vf"
        else None
    )


def vgpu_instances(machine, address):
    """Returns the mediated devices whose parent is this device."""
    devices = machine.path("sys/bus/mdev/devices")
    uuids = sorted(os.listdir(devices)) if os.path.isdir(devices) else []
    return [
        uuid
        for uuid in uuids
        if os.path.basename(os.path.dirname(os.path.realpath(os.path.join(devices, uuid))))
        == address
    ] or None


def vfs_enabled(machine, address):
    """Counts the links in recordings without the file."""
    found = of_pf("sriov_numvfs")(machine, address)
    if found is None and of_pf("sriov_totalvfs")(machine, address) is not None:
        found = len(
            [name for name in os.listdir(machine.device_path(address)) if name.startswith("virtfn")]
        )
    return found


EXPECTED = {
    "iommu_group": iommu_group,
    "numa_node": number_of("numa_node"),
    "revision": revision,
    "sriov": role,
    "pf": lambda machine, address: machine.link(address, "physfn"),
    "vf_index": vf_index,
    "vfs_total": of_pf("sriov_totalvfs"),
    "vfs_enabled": vfs_enabled,
    "interfaces": interfaces,
    "link_speed": speed_of("current_link_speed"),
    "link_width": width_of("current_link_width"),
    "link_degraded": link_degraded,
    "max_link_speed": speed_of("max_link_speed"),
    "max_link_width": width_of("max_link_width"),
    "power_state": text_of("power_state"),
    "runtime_status": text_of("power/runtime_status"),
    "label": text_of("label"),
    "modalias": text_of("modalias"),
    "reset_methods": reset_methods,
    "aer_correctable": aer_of("aer_dev_correctable"),
    "aer_nonfatal": aer_of("aer_dev_nonfatal"),
    "aer_fatal": aer_of("aer_dev_fatal"),
    "parent": parent,
    "root_port": root_port,
    "pci_path": pci_path,
    "blocks": blocks,
    "drm": drm,
    "physical_slot": physical_slot,
    "vgpu_types": vgpu_types,
    "vgpu_type": vgpu_type,
    "vgpu_instances": vgpu_instances,
}


def published(device, name):
    """Returns a property in the form of the functions above."""
    if name == "interfaces" and name in device:
        return sorted(
            zip_longest(device["interfaces"], device.get("macs", []), fillvalue="nothing")
        )
    return device.get(name)


def compare(machine, name):
    for device in machine.devices():
        address = device["address"]
        yield from same(EXPECTED[name](machine, address), published(device, name), address)


def compare_drivers(machine, expected):
    for device in machine.devices():
        yield from same(expected(device["address"]), device.get("driver"), device["address"])


def compare_paths(machine, expected):
    """lspci does not print the offset of a VF's bus."""
    for device in machine.devices():
        if device["address"] in expected:
            found = re.sub(r"\+[0-9a-f]+:", "", device["pci_path"])
            yield from same(expected[device["address"]], found, device["address"])


def compare_steps(machine):
    """With -o, each property is read even if no other is selected."""
    for name in ["driver", "macs"] + sorted(EXPECTED):
        alone = machine.json("-a", "-o", "address," + name)["devices"]
        yield from same(
            len(machine.devices()), len(alone), "-o address,%s: number of devices" % name
        )
        for device, found in zip(machine.devices(), alone):
            whole = {key: device[key] for key in ("address", name) if key in device}
            yield from same(whole, found, "-o address," + name)


def check_machine(tap, machine):
    drivers = lspci_drivers(machine)
    tap.check(
        "%s: drivers match lspci -k (%d)" % (machine.name, len(drivers)),
        compare_drivers,
        machine,
        drivers.get,
    )
    tap.check(
        "%s: drivers match the tree" % machine.name,
        compare_drivers,
        machine,
        lambda address: machine.link(address, "driver"),
    )
    paths = lspci_paths(machine)
    tap.check(
        "%s: paths match lspci -P (%d)" % (machine.name, len(paths)), compare_paths, machine, paths
    )
    for name in EXPECTED:
        tap.check("%s: %s matches the tree" % (machine.name, name), compare, machine, name)
    tap.check("%s: each property can be selected alone" % machine.name, compare_steps, machine)


def check_all_seen(made):
    """The made machine has all properties, so that all are tested without recordings."""
    seen = {key for device in made.devices() for key in device}
    for name in sorted(set(EXPECTED) | {"driver"}):
        if name not in seen:
            yield "%s: no device has it" % name


def check_paths_seen(made):
    """lspci sees the bridges of the made machine."""
    deepest = max(path.count("/") for path in lspci_paths(made).values())
    yield from same(3, deepest, "bridges above a device")
    yield from same(len(made.devices()), len(lspci_paths(made)), "devices whose bridges are seen")


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="pciprobe-drivers-") as folder:
        made = make_machine(os.path.join(folder, "made")).machine
        old = make_machine_without_uevents(os.path.join(folder, "old")).machine
        for machine in all_machines() + [made, old]:
            check_machine(tap, machine)
        tap.check("the made machine has all properties", check_all_seen, made)
        tap.check("lspci sees the bridges of the made machine", check_paths_seen, made)
    tap.done()


if __name__ == "__main__":
    main()
