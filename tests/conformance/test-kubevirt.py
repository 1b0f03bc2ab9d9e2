#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format kubevirt: parsed as YAML and evaluated like KubeVirt's virt-handler.

The evaluation follows discoverPermittedHostPCIDevices and shouldPermitNvidia in KubeVirt's
pkg/virt-handler/device-manager, read in KubeVirt at d923fdb815 (2026-08-22); it was not run, since
that needs a cluster. SCHEMA is what the custom resource definition there says about
pciHostDevices. VECTORS are the selectors of KubeVirt's own documentation and tests.
"""
import os
import re
import sys
import tempfile

from machines import Failed, Tap, same
from tree import Tree

try:
    import yaml
except ImportError:
    print("1..0 # SKIP python3-yaml is not installed")
    sys.exit(0)

# Keys of an item of pciHostDevices: (type, whether required).
SCHEMA = {
    "pciVendorSelector": (str, True),
    "resourceName": (str, True),
    "externalResourceProvider": (bool, False),
}
# Selectors that KubeVirt accepts, from docs/devel/host-devices-and-device-plugins.md and
# device_controller_test.go, and the ids that they select.
VECTORS = {
    "10DE:1EB8": (0x10DE, 0x1EB8),
    "8086:6F54": (0x8086, 0x6F54),
    "DEAD:BEE7": (0xDEAD, 0xBEE7),
}
# Kubernetes: IsQualifiedName, with a prefix.
RESOURCE = re.compile(
    r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?"
)


def permitted(text):
    """Returns the list of pciHostDevices; {} stands for an output without a document."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Failed("not YAML: %s" % error) from error
    if document is None:
        return None
    return document["spec"]["configuration"]["permittedHostDevices"]["pciHostDevices"]


def shape_problems(items):
    for item in items:
        yield from same(
            [],
            [key for key, (_, required) in SCHEMA.items() if required and key not in item],
            "missing",
        )
        yield from (
            "%s is %r" % (key, value)
            for key, value in item.items()
            if not isinstance(value, SCHEMA.get(key, (type(None),))[0])
        )
        if not RESOURCE.fullmatch(item["resourceName"]):
            yield "resourceName %r" % item["resourceName"]
    selectors = [item["pciVendorSelector"].lower() for item in items]
    yield from same(len(set(selectors)), len(selectors), "number of distinct selectors")


def pci_id(machine, address):
    match = re.search(r"^PCI_ID=(.*)$", machine.read(address, "uevent") or "", re.MULTILINE)
    return match[1].strip().lower()


def is_offered(machine, address):
    """Whether a function with a selected id is offered: bound to vfio-pci, or a VF of NVIDIA's
    driver with a vGPU type; and in an IOMMU group."""
    driver = machine.link(address, "driver")
    if driver != "vfio-pci":
        profile = machine.read(address, "nvidia/current_vgpu_type")
        if driver != "nvidia" or machine.link(address, "physfn") is None:
            return False
        if profile in (None, "", "0"):
            return False
    return machine.link(address, "iommu_group") is not None


def discover(machine, items):
    """Returns {resource: addresses}, like virt-handler on this machine."""
    resources = {
        item["pciVendorSelector"].lower(): item["resourceName"]
        for item in items
        if not item.get("externalResourceProvider")
    }
    found = {}
    for address in sorted(os.listdir(machine.path("sys/bus/pci/devices"))):
        resource = resources.get(pci_id(machine, address))
        if resource and is_offered(machine, address):
            found.setdefault(resource, []).append(address)
    return found


def output_of(machine, *arguments):
    return machine.pciprobe(*machine.rules(), "-f", "kubevirt", *arguments)


def check_devices(machine, wanted):
    items = permitted(output_of(machine))
    yield from shape_problems(items)
    yield from same(wanted, discover(machine, items), "devices of the resources")


def check_comments(machine):
    text = output_of(machine)
    yield from (
        "no comment %r" % comment
        for comment in (
            "# 0000:03:00.0 is not bound to vfio-pci, but to e1000e: KubeVirt ignores it",
            "# 0000:04:00.1 is not bound to vfio-pci, but to mlx5_vfio_pci: KubeVirt ignores it",
            "# 0000:07:00.0 is not bound to vfio-pci, but to no driver: KubeVirt ignores it",
            "# 0000:06:00.0 has the same ids, but not this alias: KubeVirt cannot exclude it",
            "# second: 8086:10D3 already is pciprobe/10GE, and can be only one resource",
            "# a+b is not a valid name of a Kubernetes resource",
            "# none matches no selected device",
        )
        if comment not in text
    )


def check_vectors(folder):
    """The selectors have the form that KubeVirt's documentation and tests use."""
    tree = Tree(os.path.join(folder, "vectors"))
    for i, (vendor, device) in enumerate(VECTORS.values()):
        tree.device("0000:%02x:00.0" % i, vendor, device, driver="vfio-pci", group=i)
    tree.file("pci.conf", ":filter: '*:*'\n:alias:\n- {name: any, filter: '*:*'}")
    items = permitted(output_of(tree.machine))
    yield from same(
        sorted(VECTORS), sorted(item["pciVendorSelector"] for item in items), "selectors"
    )


def check_without_devices(machine):
    """A patch with an empty list would withdraw the devices of all nodes."""
    for arguments in (["-d", "ffff:ffff"], ["-d", "::0604"]):
        yield from same(
            None, permitted(output_of(machine, *arguments)), "document of %s" % arguments
        )
    yield from same(None, permitted(machine.pciprobe("-a", "-f", "kubevirt")), "without aliases")


def check_hostile(machine):
    """The name of a driver cannot end its comment."""
    text = output_of(machine)
    yield from same(1, len(permitted(text)), "number of items")
    lines = re.split("[\n\r\x85\u2028\u2029]", text)
    yield from ("%r" % line for line in lines if "evil" in line and not line.startswith("      # "))
    yield from same(len(HOSTILE_DRIVERS), text.count(", but to "), "number of drivers")


CONFIG = """:filter: ['*:*', '!8086:ffff']
:short_address: []
:alias:
- {name: 10GE, filter: '8086:10d3'}
- {name: second, filter: '8086:10d3'}
- {name: cx, filter: '15b3:101e'}
- {name: gpu, short_address: '05:00.0'}
- {name: vgpu, filter: '10de:2236', role: vf}
- {name: nvme, filter: '144d:'}
- {name: a+b, filter: '8086:'}
- {name: none, numa_node: 7}
- {name: bridge, filter: '::0604'}
"""


def make_machine(root):
    tree = Tree(root, "made")
    tree.device("0000:00:01.0", 0x8086, 0x1901, 0x060400, driver="pcieport", group=0)
    tree.device("0000:03:00.0", 0x8086, 0x10D3, driver="e1000e", group=3)
    tree.device("0000:03:00.1", 0x8086, 0x10D3, driver="vfio-pci", group=4)
    tree.device("0000:04:00.0", 0x15B3, 0x101D, driver="mlx5_core", group=5)
    for i, driver in enumerate(("mlx5_vfio_pci", "vfio-pci")):
        tree.virtual_function(
            "0000:04:00.0", i, "0000:04:00.%d" % (i + 1), 0x15B3, 0x101E, driver=driver, group=6 + i
        )
    for bus in (5, 6):
        tree.device(
            "0000:0%d:00.0" % bus, 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=8 + bus
        )
    tree.device("0000:07:00.0", 0x144D, 0xA808, 0x010802, group=20)
    tree.vgpu_device("0000:08:00", 21, 22)
    tree.file("pci.conf", CONFIG)
    return tree.machine


WANTED = {
    "pciprobe/10GE": ["0000:03:00.1"],
    "pciprobe/cx": ["0000:04:00.2"],
    "pciprobe/gpu": ["0000:05:00.0", "0000:06:00.0"],
    "pciprobe/vgpu": ["0000:08:00.4"],
}


HOSTILE_DRIVERS = ("\u2028evil: 1", "\x85evil: 2", '" #evil', "\x1b[2Jevil\r- evil")


def make_hostile(root):
    tree = Tree(root, "hostile")
    for i, driver in enumerate(HOSTILE_DRIVERS):
        tree.device("0000:%02x:00.0" % i, 0x8086, 0x10D3, group=i, driver=driver)
    tree.file("pci.conf", ":filter: '*:*'\n:alias:\n- {name: any, filter: '*:*'}")
    return tree.machine


def main():
    tap = Tap(needs_lspci=False)
    with tempfile.TemporaryDirectory(prefix="pciprobe-kubevirt-") as folder:
        made = make_machine(os.path.join(folder, "made"))
        tap.check("virt-handler offers the devices of each alias", check_devices, made, WANTED)
        tap.check("what the resources cannot express is a comment", check_comments, made)
        tap.check("selectors are written as in KubeVirt's documentation", check_vectors, folder)
        tap.check("without devices there is no document", check_without_devices, made)
        tap.check(
            "hostile names stay in comments", check_hostile, make_hostile(os.path.join(folder, "h"))
        )
    tap.done()


if __name__ == "__main__":
    main()
