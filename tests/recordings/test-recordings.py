#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""What was recorded of a machine tells the same elsewhere as lspci told there; and no MAC address of it.

The recordings are made by tests/lab/make-recordings, which says what is in them. PCIPROBE names the
program, SOURCES the top of the source tree.
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
# QEMU gives its devices addresses that begin so, in whatever form somebody may have written them.
MAC = re.compile(rb"52[:.-]?54[:.-]?00", re.IGNORECASE)
MASKED = re.compile(r"02(:[0-9a-f]{2}){5}")


class Failed(Exception):
    """The program did not do what it should have."""


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
    """(name, id) of 'Name [1234]'; lspci's own word for a device without a name is none."""
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
    """{(address, property): values}"""
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
            # Where tarfile can, it holds what it unpacks inside the directory.
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
        """Problems with the properties NAMES of lspci."""
        found = self.devices()
        order = [device["address"] for device in found], [
            device["address"] for device in self.lspci
        ]
        if order[0] != order[1]:
            return [f"lspci listed {order[1]}, found {order[0]}"]
        return [
            f"{device['address']} {name}: lspci said {device.get(name)!r}, found {other.get(name)!r}"
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

    def check_facts(self):
        problems = []
        for device in self.devices():
            for name in ("driver", "iommu_group", "numa_node", "parent"):
                told = str(device[name]) if name in device else None
                fact = self.facts.get((device["address"], name), [None])[0]
                if told != fact:
                    problems.append(f"{device['address']} {name}: was {fact}, found {told}")
            fact = sorted(self.facts.get((device["address"], "interface"), []))
            if fact != device.get("interfaces", []):
                problems.append(
                    f"{device['address']} interfaces: were {fact}, found {device.get('interfaces')}"
                )
        return problems

    def check_tree(self):
        """Each device stands once, deeper than the device above it, and after it."""
        lines = pciprobe(
            "list", "--sysroot", self.root, "-f", "tree", "--all", "-o", "address,driver"
        ).splitlines()
        depths = {}
        for line in lines:
            found = re.search(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", line)
            if found and found[0] in depths:
                return [f"{found[0]} stands twice"]
            if found:
                parent = self.facts.get((found[0], "parent"), [None])[0]
                if parent and parent not in depths:
                    return [f"{found[0]} does not stand below {parent}"]
                depths[found[0]] = found.start()
                wanted = depths[parent] + 2 if parent else 0
                if found.start() != wanted:
                    return [f"{found[0]} is set in by {found.start()}, not by {wanted}"]
        if sorted(depths) != sorted(device["address"] for device in self.lspci):
            return [f"the tree has {sorted(depths)}"]
        return []

    def check_macs(self):
        """Each interface has one, which says nothing."""
        problems = []
        for device in self.devices():
            macs = device.get("macs", [])
            if len(macs) != len(device.get("interfaces", [])):
                problems.append(f"{device['address']} has {macs} for {device.get('interfaces')}")
            problems += [
                f"{device['address']} has {mac}" for mac in macs if not MASKED.fullmatch(mac)
            ]
        told = [mac for device in self.devices() for mac in device.get("macs", [])]
        if len(set(told)) != len(told):
            problems.append(f"two have the same: {told}")
        return problems

    def check_archive(self):
        """No MAC address in it, and nothing that tells who packed it, or when."""
        problems = []
        for member in self.members:
            for text in (
                member.name.encode(),
                member.linkname.encode(),
                self.contents[member.name],
            ):
                if MAC.search(text):
                    problems.append(f"{member.name}: {text!r}")
            if member.mtime or member.uid or member.gid or member.uname or member.gname:
                problems.append(
                    f"{member.name}: packed by {member.uid}:{member.gid} at {member.mtime}"
                )
        return problems


def main():
    place = os.path.join(SOURCES, "tests/recordings")
    archives = sorted(name for name in os.listdir(place) if name.endswith(".tar.xz"))
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
            recording = Recording(os.path.join(place, archive), directory)
            checks = [
                ("addresses, order and ids are lspci's", recording.check_ids),
                ("drivers, groups, nodes, interfaces are the machine's", recording.check_facts),
                ("the tree has every device below its bridge", recording.check_tree),
                ("MAC addresses are masked", recording.check_macs),
                ("no MAC address is in the archive", recording.check_archive),
            ]
            if recording.facts[("pci.ids", "version")] == [version_of_names()]:
                checks.insert(1, ("names are lspci's", recording.check_names))
            for name, check in checks:
                try:
                    result(f"{recording.name}: {name}", check())
                except (Failed, ValueError, subprocess.TimeoutExpired) as error:
                    result(f"{recording.name}: {name}", [str(error)])
            if recording.inventory:
                seen.update(key for device in recording.devices() for key in device)
    # Else much of the above would be true of next to nothing.
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
        [f"none has {name}" for name in sorted(wanted - seen)],
    )
    print(f"1..{count}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
