#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format incus: parsed as YAML and validated like Incus's devices.

The validation follows IsAPIName and IsPCIAddress in shared/validate/validate.go and validateConfig
in internal/server/device/pci.go, read in Incus at be7afc5df3 (2026-08-22); it was not run, since
Debian 12 has no Incus. VECTORS hold it against names and addresses whose validity follows from the
comments and error messages there.
"""
import os
import re
import sys
import tempfile

from machines import Failed, Tap, all_machines, same
from tree import Tree, make_machine

try:
    import yaml
except ImportError:
    print("1..0 # SKIP python3-yaml is not installed")
    sys.exit(0)

ADDRESS = re.compile(r"(?:[0-9a-fA-F]{4}:)?[0-9a-fA-F]{2}:[0-9a-fA-F]{2}\.[0-9a-fA-F]")
RESERVED = set("$?&+\"'`*/")
# name, whether it is valid
VECTORS = [
    ("eth0", True),
    ("10GE-0000-01-00.0", True),
    ("x" * 64, True),
    ("x" * 65, False),
    ("a+b", False),
    ("a b", False),
    ("-a", False),
    ("a-", False),
    ("", False),
]


def is_api_name(name):
    return bool(
        len(name) <= 64
        and not re.search(r"\s", name)
        and not RESERVED & set(name)
        and re.fullmatch("[a-zA-Z0-9]+(.*[a-zA-Z0-9]+)?", name)
    )


def check_vectors():
    for name, valid in VECTORS:
        yield from same(valid, is_api_name(name), repr(name))


def devices_of(text):
    """Returns {name: options}."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise Failed("not YAML: %s" % error) from error
    if document is None:
        return {}
    if list(document) != ["devices"]:
        raise Failed("keys: %s" % list(document))
    return document["devices"] or {}


def output_of(machine, *arguments):
    return machine.pciprobe(*(arguments or machine.rules()), "-f", "incus")


def device_problems(devices):
    for name, options in devices.items():
        if not is_api_name(name):
            yield "invalid name %r" % name
        yield from same(["address", "type"], sorted(options), "options of " + name)
        yield from same("pci", options["type"], "type of " + name)
        # Incus's map has strings only
        if not isinstance(options["address"], str) or not ADDRESS.fullmatch(options["address"]):
            yield "address of %s: %r" % (name, options["address"])
    addresses = [options["address"] for options in devices.values()]
    yield from same(len(set(addresses)), len(addresses), "number of distinct addresses")


def is_assignable(machine, address):
    """A device that Incus can bind to vfio-pci and start a VM with: not a bridge, in an IOMMU group
    without a device that has a host driver. Incus does not support longer domains."""
    klass = int((machine.read(address, "class") or "0x0"), 16) >> 16
    if klass == 6 or not machine.link(address, "iommu_group") or len(address) > 12:
        return False
    for peer in machine.entries(address, "iommu_group/devices"):
        driver = machine.link(peer, "driver") or ""
        if peer != address and driver and "vfio" not in driver and driver != "pci-stub":
            return int(machine.read(peer, "class"), 16) >> 16 == 6
    return True


def check_machine(machine):
    yield from device_problems(devices_of(output_of(machine, "-a")))


def check_devices(machine):
    devices = devices_of(output_of(machine, "-a"))
    yield from same(
        [
            a
            for a in sorted(os.listdir(machine.path("sys/bus/pci/devices")))
            if is_assignable(machine, a)
        ],
        sorted(options["address"] for options in devices.values()),
        "devices",
    )


def check_names(machine):
    names = {options["address"]: name for name, options in devices_of(output_of(machine)).items()}
    yield from same(
        {
            "0000:03:00.0": "10GE-0000-03-00.0",
            "0000:04:00.0": "a_b-0000-04-00.0",
            "0000:05:00.0": "x" * 51 + "-0000-05-00.0",
            "0000:06:00.0": "pci-0000-06-00.0",
        },
        names,
        "names",
    )
    yield from device_problems(devices_of(output_of(machine)))


def make_named(root):
    tree = Tree(root, "names")
    for bus in (3, 4, 5, 6):
        tree.device("0000:0%d:00.0" % bus, 0x8086, 0x10D0 + bus, group=bus, driver="vfio-pci")
    tree.device("10000:01:00.0", 0x8086, 0x10D0, group=9, driver="vfio-pci")
    tree.file(
        "pci.conf",
        ":filter: '8086:'\n:alias:\n- {name: 10GE, filter: '8086:10d3'}\n- {name: a+b, filter: '8086:10d4'}\n"
        "- {name: %s, filter: '8086:10d5'}" % ("x" * 64),
    )
    return tree.machine


def check_long_domain(machine):
    yield from same(
        True,
        "  # 10000:01:00.0" in output_of(machine)
        and "Incus does not support PCI domains above ffff" in output_of(machine),
        "comment",
    )


def make_hostile(root):
    tree = Tree(root, "hostile")
    for i, name in enumerate(("x\n  evil: {type: pci}", "\u2028evil: {}", "\x85evil", "#", '"')):
        tree.device("0000:%02x:00.0" % i, 0x8086, 0x10D3, group=i, driver=name)
    return tree.machine


def check_hostile(machine):
    devices = devices_of(output_of(machine, "-a"))
    yield from device_problems(devices)
    yield from same(5, len(devices), "number of devices")


def main():
    tap = Tap(needs_lspci=False)
    with tempfile.TemporaryDirectory(prefix="pciprobe-incus-") as folder:
        made = make_machine(os.path.join(folder, "made")).machine
        named = make_named(os.path.join(folder, "named"))
        tap.check("the test's own rules agree with Incus's", check_vectors)
        for machine in all_machines() + [made]:
            tap.check("%s: Incus accepts the devices" % machine.name, check_machine, machine)
        tap.check("made: the assignable devices are listed", check_devices, made)
        tap.check("devices are named by their first alias and address", check_names, named)
        tap.check("a domain that Incus does not support is a comment", check_long_domain, named)
        tap.check(
            "hostile names stay in comments", check_hostile, make_hostile(os.path.join(folder, "h"))
        )
    tap.done()


if __name__ == "__main__":
    main()
