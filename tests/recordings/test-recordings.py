#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""Recordings show what lspci showed on the recorded machine, and contain none of its MAC addresses.

The recordings are created by tests/lab/make-recordings. PCIPROBE is the program, SOURCES the top of
the source tree.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile

PCIPROBE = os.environ.get("PCIPROBE") or shutil.which("pciprobe") or "pciprobe"
SOURCES = os.environ.get("SOURCES") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../.."
)
LISTS = ("/usr/share/misc/pci.ids", "/usr/share/hwdata/pci.ids")
# Prefix of QEMU's MAC addresses, with any separator.
MAC = re.compile(rb"52[:.-]?54[:.-]?00", re.IGNORECASE)
MASKED = re.compile(r"02(:[0-9a-f]{2}){5}")


class Failed(Exception):
    """The program failed."""


def pciprobe(*arguments):
    done = subprocess.run(
        [PCIPROBE, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=60,
        env=dict(os.environ, LC_ALL="C.UTF-8"),
        check=False,
    )
    if done.returncode or done.stderr:
        raise Failed(f"{shlex.join(arguments)}: status {done.returncode}: {done.stderr!r}")
    return done.stdout.decode()


def version_of_names():
    for path in LISTS:
        try:
            with open(path, encoding="utf-8") as file:
                return re.search(r"^#\tVersion: (.*)$", file.read(4096), re.MULTILINE)[1]
        except (OSError, TypeError):
            continue
    return None


def split(text, plain_id):
    """Returns (name, id) of 'Name [1234]'; the name is None if lspci printed a placeholder."""
    name, number = re.fullmatch(r"(.*) \[([0-9a-f]{4})\]", text).groups()
    return (None if name == plain_id else name), number


def read_lspci(path):
    devices = []
    with open(path, encoding="utf-8") as file:
        for line in file:
            words = shlex.split(line)
            options = {word[1]: word[2:] for word in words[4:] if word.startswith("-")}
            texts = words[1:4] + [word for word in words[4:] if not word.startswith("-")]
            device = {
                "address": words[0],
                "revision": options.get("r", "00"),
                "prog_if": options.get("p", "00"),
            }
            device["class_name"], device["class"] = split(texts[0], "Class")
            device["vendor_name"], device["vendor"] = split(texts[1], "Vendor")
            device["device_name"], device["device"] = split(texts[2], "Device")
            if texts[3]:
                _, device["subsystem_vendor"] = split(texts[3], "Vendor")
                device["subsystem_name"], device["subsystem_device"] = split(texts[4], "Device")
            devices.append(device)
    return devices


def read_facts(path):
    """Returns {(address, property): values}."""
    facts = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            subject, name, value = line.rstrip("\n").split(" ", 2)
            facts.setdefault((subject, name), []).append(value)
    return facts


class Recording:
    def __init__(self, archive, directory):
        self.name = os.path.basename(archive)[: -len(".tar.xz")]
        with tarfile.open(archive) as tar:
            self.members = tar.getmembers()
            self.contents = {
                member.name: tar.extractfile(member).read() if member.isfile() else b""
                for member in self.members
            }
            # Newer tarfile versions can refuse to unpack outside of the directory.
            tar.extractall(
                directory, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {})
            )
        self.root = os.path.join(directory, self.name, "root")
        self.lspci = read_lspci(os.path.join(directory, self.name, "lspci.txt"))
        self.facts = read_facts(os.path.join(directory, self.name, "facts.txt"))
        self.inventory = None

    def devices(self):
        if self.inventory is None:
            self.inventory = json.loads(
                pciprobe("list", "--sysroot", self.root, "-f", "json", "--all")
            )
        return self.inventory["devices"]

    def compare(self, names):
        """Compares the properties NAMES with lspci."""
        found = self.devices()
        order = [device["address"] for device in found], [
            device["address"] for device in self.lspci
        ]
        if order[0] != order[1]:
            return [f"lspci listed {order[1]}, found {order[0]}"]
        return [
            f"{device['address']} {name}: expected {device.get(name)!r}, found {other.get(name)!r}"
            for device, other in zip(self.lspci, found)
            for name in names
            if device.get(name) != other.get(name)
        ]

    def check_ids(self):
        problems = self.compare(
            (
                "class",
                "vendor",
                "device",
                "subsystem_vendor",
                "subsystem_device",
                "revision",
                "prog_if",
            )
        )
        if self.inventory["incomplete"]:
            problems.append(f"{self.inventory['incomplete']} devices are incomplete")
        return problems

    def check_names(self):
        return self.compare(("class_name", "vendor_name", "device_name", "subsystem_name"))

    def path(self, address):
        """Returns the slots of the bridges above a device and its own, below the root bus."""
        slots = []
        while (address, "parent") in self.facts:
            slots.insert(0, address.rsplit(":", 1)[1])
            address = self.facts[address, "parent"][0]
        return "/".join([address] + slots)

    def check_facts(self):
        problems = []
        for device in self.devices():
            for name in ("driver", "iommu_group", "numa_node", "parent"):
                found = str(device[name]) if name in device else None
                fact = self.facts.get((device["address"], name), [None])[0]
                if found != fact:
                    problems.append(f"{device['address']} {name}: expected {fact}, found {found}")
            if device["pci_path"] != self.path(device["address"]):
                problems.append(f"{device['address']}: path {device['pci_path']}")
            fact = sorted(self.facts.get((device["address"], "interface"), []))
            if fact != device.get("interfaces", []):
                problems.append(
                    f"{device['address']} interfaces: expected {fact}, found {device.get('interfaces')}"
                )
        return problems

    def check_tree(self):
        """Each device is listed once, after its parent and indented below it."""
        lines = pciprobe(
            "list", "--sysroot", self.root, "-f", "tree", "--all", "-o", "address,driver"
        ).splitlines()
        depths = {}
        for line in lines:
            found = re.search(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", line)
            if found and found[0] in depths:
                return [f"{found[0]} is listed twice"]
            if found:
                parent = self.facts.get((found[0], "parent"), [None])[0]
                if parent and parent not in depths:
                    return [f"{found[0]} is not listed below {parent}"]
                depths[found[0]] = found.start()
                wanted = depths[parent] + 2 if parent else 0
                if found.start() != wanted:
                    return [f"{found[0]} is indented by {found.start()}, expected {wanted}"]
        if sorted(depths) != sorted(device["address"] for device in self.lspci):
            return [f"the tree lists {sorted(depths)}"]
        return []

    def check_baseline(self):
        """A host that is expected to be as it is has no findings, and no other devices."""
        text = pciprobe("baseline", "--sysroot", self.root, "--all")
        path = os.path.join(self.root, "baseline.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write(":filter:\n" + text.replace("# :expect_complete", ":expect_complete"))
        found = json.loads(
            pciprobe("list", "--sysroot", self.root, "-c", path, "-f", "json", "-o", "findings")
        )
        unexpected = [device for device in found["devices"] if device.get("findings") != []]
        complete = len(found["devices"]) - unexpected.count({})
        vfs = sum(device.get("sriov") == "vf" for device in self.devices())
        if found["findings"] or complete + vfs < len(self.devices()):
            return [f"{complete} devices are compared, findings: {found['findings']}"]
        return []

    def check_macs(self):
        """Each interface has a unique masked MAC address."""
        problems = []
        for device in self.devices():
            macs = device.get("macs", [])
            if len(macs) != len(device.get("interfaces", [])):
                problems.append(f"{device['address']} has {macs} for {device.get('interfaces')}")
            problems += [
                f"{device['address']} has {mac}" for mac in macs if not MASKED.fullmatch(mac)
            ]
        macs = [mac for device in self.devices() for mac in device.get("macs", [])]
        if len(set(macs)) != len(macs):
            problems.append(f"duplicate MAC addresses: {macs}")
        return problems

    def check_archive(self):
        """The archive contains no MAC addresses, users or times."""
        problems = []
        for member in self.members:
            for content in (
                member.name.encode(),
                member.linkname.encode(),
                self.contents[member.name],
            ):
                if MAC.search(content):
                    problems.append(f"{member.name}: {content!r}")
            if member.mtime or member.uid or member.gid or member.uname or member.gname:
                problems.append(
                    f"{member.name}: packed by {member.uid}:{member.gid} at {member.mtime}"
                )
        return problems


def main():
    folder = os.path.join(SOURCES, "tests/recordings")
    archives = sorted(name for name in os.listdir(folder) if name.endswith(".tar.xz"))
    if not archives:
        print("1..0 # SKIP no recordings")
        return 0
    count, failed, seen = 0, 0, set()

    def result(name, problems):
        nonlocal count, failed
        count += 1
        failed += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {count} - {name}")
        for problem in problems[:12]:
            print("#  ", problem.encode("ascii", "backslashreplace").decode())

    with tempfile.TemporaryDirectory() as directory:
        for archive in archives:
            recording = Recording(os.path.join(folder, archive), directory)
            checks = [
                ("addresses, order and ids match lspci", recording.check_ids),
                ("drivers, groups, NUMA nodes and interfaces match", recording.check_facts),
                ("the tree has every device below its bridge", recording.check_tree),
                ("the baseline reads back without findings", recording.check_baseline),
                ("MAC addresses are masked", recording.check_macs),
                ("no MAC address is in the archive", recording.check_archive),
            ]
            if recording.facts[("pci.ids", "version")] == [version_of_names()]:
                checks.insert(1, ("names match lspci", recording.check_names))
            for name, check in checks:
                try:
                    result(f"{recording.name}: {name}", check())
                except (Failed, ValueError, subprocess.TimeoutExpired) as error:
                    result(f"{recording.name}: {name}", [str(error)])
            if recording.inventory:
                seen.update(key for device in recording.devices() for key in device)
    # All properties occur, so that all of them are tested.
    wanted = {
        "driver",
        "iommu_group",
        "numa_node",
        "interfaces",
        "macs",
        "parent",
        "blocks",
        "drm",
        "vfs_total",
    }
    result(
        "the recordings have devices of all kinds",
        [f"no device has {name}" for name in sorted(wanted - seen)],
    )
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
