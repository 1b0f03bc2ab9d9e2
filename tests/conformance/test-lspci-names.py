#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Addresses, order, ids and names match 'lspci -Dmmnn'."""
import os
import random
import re
import shlex
import tempfile

from machines import MountedMachine, Tap, all_machines, same
from tree import Tree, make_machine, make_machine_without_uevents

HWDB = "/usr/lib/udev/hwdb.d/20-pci-vendor-model.hwdb"
LISTS = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids")
SAMPLE = 1500
SEED = 3
PROPERTIES = (
    "class",
    "class_name",
    "vendor",
    "vendor_name",
    "device",
    "device_name",
    "subsystem_vendor",
    "subsystem_device",
    "subsystem_name",
    "revision",
    "prog_if",
)


def parse_name(both, alone, number):
    """Returns the name in 'Name [1234]', or None. Without ids, lspci prints 'Device 1234' for an
    unknown device, which tells it from a device named 'Device'. It truncates very long names,
    including the id, and appends dots.
    """
    if not both:
        return None
    name = both[: -len(" [1234]")] if both.endswith(" [%s]" % number) else both
    return (
        None
        if name in ("Vendor", "Device", "Class") and alone == "%s %s" % (name, number)
        else name
    )


def option(words, letter):
    """Returns the value of lspci's -r or -p, which it omits if zero."""
    return next((word[2:] for word in words if word.startswith(letter)), "00")


def read_line(both, names, ids, machine):
    """Returns the properties in a device's lines of lspci with names and ids, names only, and
    ids only."""
    words = shlex.split(ids)
    # class, vendor, device, options, subsystem vendor and device
    options = [word for word in words[4:] if word.startswith("-")]
    both, names, numbers = (
        [line[i] for i in (1, 2, 3, -2, -1)]
        for line in (shlex.split(both), shlex.split(names), words)
    )
    klass, vendor, device, _, subsystem = map(parse_name, both, names, numbers)
    record = {
        "address": words[0],
        "class_name": klass,
        "vendor_name": vendor,
        "device_name": device,
        "subsystem_name": subsystem,
    }
    record.update(
        zip(
            ("class", "vendor", "device", "subsystem_vendor", "subsystem_device"),
            (number or None for number in numbers),
        )
    )
    record["prog_if"] = option(options, "-p")
    # without this file lspci reads configuration space, which pciprobe never does
    has_revision = machine.read(words[0], "revision") is not None
    record["revision"] = option(options, "-r") if has_revision else None
    return record


def read_lspci(machine):
    outputs = [machine.lspci(letters).splitlines() for letters in ("-Dmmnn", "-Dmm", "-Dmmn")]
    return [read_line(*lines, machine) for lines in zip(*outputs)]


def without_end(expected, found):
    """Truncates both names if lspci truncated one."""
    long = expected and found and len(expected) > 110 and expected.endswith("...")
    return (expected[:-3], found[: len(expected) - 3]) if long else (expected, found)


def compare_property(expected, devices, name):
    found = {device["address"]: device for device in devices}
    for device in expected:
        address = device["address"]
        yield from same(*without_end(device[name], found.get(address, {}).get(name)), address)


def check_machine(tap, machine):
    expected = read_lspci(machine)
    if not expected:
        raise RuntimeError("%s: lspci lists no device" % machine.name)
    tap.check(
        "%s: addresses match in lspci's order (%d)" % (machine.name, len(expected)),
        lambda: same(
            [device["address"] for device in expected],
            [device["address"] for device in machine.devices()],
            "addresses",
        ),
    )
    for name in PROPERTIES:
        tap.check(
            "%s: %s matches lspci" % (machine.name, name),
            lambda name=name: compare_property(expected, machine.devices(), name),
        )


def read_ids(path):
    """Reads pci.ids: lists of (vendor, device), of (vendor, device, subvendor, subdevice), of
    classes."""
    devices, subsystems, classes = [], [], []
    vendor = device = base = None
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        for line in file:
            head = re.match(
                r"(C [0-9a-f]{2}|\t[0-9a-f]{2}|\t?[0-9a-f]{4}|\t\t[0-9a-f]{4} [0-9a-f]{4})  ", line
            )
            words = head[1].split() if head else []
            if not head:
                continue
            if head[1].startswith("C"):
                base, vendor = int(words[1], 16), None
                classes.append(base << 8 | 0xFE)
            elif not line.startswith("\t"):
                vendor = int(words[0], 16)
                devices.append((vendor, 0xFFFE))
            elif vendor is None:
                classes.append(base << 8 | int(words[0], 16))
            elif not line.startswith("\t\t"):
                device = int(words[0], 16)
                devices.append((vendor, device))
            else:
                subsystems.append((vendor, device, int(words[0], 16), int(words[1], 16)))
    return devices, subsystems, classes


def pick_devices(path):
    """Returns a sample of the list: known devices, devices differing in one id, and all classes."""
    known, subsystems, classes = read_ids(path)
    draw = random.Random(SEED)
    devices = [pair + (0x8086, 0xFFFE) for pair in draw.sample(known, SAMPLE // 3)]
    devices += draw.sample(subsystems, SAMPLE // 3)
    devices += [pair + pair for pair in draw.sample(known, SAMPLE // 6)]
    devices += [(v, d, sv, sd ^ 1) for v, d, sv, sd in draw.sample(subsystems, SAMPLE // 6)]
    klass = [classes[i] if i < len(classes) else draw.choice(classes) for i in range(len(devices))]
    return [device + (klass[i],) for i, device in enumerate(devices)]


def pick_devices_of_hwdb(path):
    """Returns devices that only udev's hwdb has, and devices that both may have with other
    names."""
    listed, subsystems, classes = map(set, read_ids(path))
    with open(HWDB, encoding="utf-8") as file:
        ids = re.findall(
            r"^pci:v0000(\w{4})d0000(\w{4})(?:sv0000(\w{4})sd0000(\w{4}))?\*",
            file.read(),
            re.MULTILINE,
        )
    known = [tuple(int(number, 16) for number in numbers if number) for numbers in ids]
    draw = random.Random(SEED)
    devices = [
        device + draw.choice([(0x8086, 0xFFFE), device])
        for device in known
        if len(device) == 2 and device not in listed
    ]
    devices = draw.sample(devices, min(len(devices), SAMPLE // 3))
    devices += draw.sample(
        [device for device in known if len(device) == 4 and device not in subsystems], 10
    )
    devices += [
        device + device
        for device in draw.sample([device for device in known if len(device) == 2], SAMPLE // 3)
    ]
    return [device + (draw.choice(sorted(classes)),) for device in devices] + [
        (0x8086, 0x1BCD, 0x1028, 0x0B1E, 0x0C03)
    ]


def make_sample(root, devices, name="sample of pci.ids"):
    tree = Tree(root, name)
    for i, (vendor, device, subvendor, subdevice, klass) in enumerate(devices):
        address = "%04x:%02x:%02x.%x" % (i >> 14, i >> 8 & 0x3F, i >> 3 & 0x1F, i & 7)
        tree.device(
            address, vendor, device, klass << 8 | i & 0xFF, (subvendor, subdevice), i & 0xFF
        )
    return tree.machine


def main():
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="pciprobe-names-") as folder:
        made = [
            make_machine(os.path.join(folder, "made")),
            make_machine_without_uevents(os.path.join(folder, "old")),
        ]
        for machine in all_machines() + [tree.machine for tree in made]:
            check_machine(tap, machine)
        path = next((path for path in LISTS if os.access(path, os.R_OK)), None)
        if path:
            check_machine(tap, make_sample(os.path.join(folder, "sample"), pick_devices(path)))
        else:
            tap.skip("sample of pci.ids: not found: %s" % " or ".join(LISTS))
        if path and os.path.exists(HWDB):
            tree = make_sample(os.path.join(folder, "hwdb"), pick_devices_of_hwdb(path))
            mounted = MountedMachine("sample of hwdb", tree.root)
            if mounted.can_be_mounted():
                check_machine(tap, mounted)
            else:
                tap.skip("sample of hwdb: mount namespaces are not available")
        else:
            tap.skip("sample of hwdb: not found: %s" % HWDB)
    tap.done()


if __name__ == "__main__":
    main()
