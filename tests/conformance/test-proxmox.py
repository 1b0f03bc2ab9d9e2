#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The formats proxmox and proxmox-mapping: parsed and checked like Proxmox VE, and read by pciprobe
itself as the configuration of a VM.

The rules are those of PVE::SectionConfig (pve-common f665029), PVE::Mapping::PCI (pve-guest-common
4a8f6cb) and PVE::QemuServer::PCI (qemu-server e6352be6). VECTORS were obtained by running that
code, with PVE::SysFSTools pointed to the machine that make_machine creates: PVE::Mapping::PCI's
parse_config of the text, and its assert_valid of each map of the node host1. The rules in this file
must give the same answers.
"""
import os
import re
import tempfile

from machines import Failed, Tap, all_machines, same
from tree import Tree, link

# pve-configid, pve-node, and the address of PVE::Mapping::PCI
CONFIG_ID = re.compile("[a-z][a-z0-9_-]+", re.IGNORECASE)
NODE = re.compile("[a-z0-9]([a-z0-9-]*[a-z0-9])?", re.IGNORECASE)
ADDRESS = r"[a-f0-9]{4,}:[a-f0-9]{2}:[a-f0-9]{2}(?:\.[a-f0-9])?"
MAP = {
    "id": "[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}",
    "iommugroup": r"\d+",
    "node": NODE.pattern,
    "path": "(?:%s;)*%s" % (ADDRESS, ADDRESS),
    "subsystem-id": "[0-9A-Fa-f]{4}:[0-9A-Fa-f]{4}",
}
# qemu-server's hostpci, as far as it is written
HOSTPCI = re.compile(
    r"hostpci(\d+): ((?:[a-f0-9]{4,}:)?[a-f0-9]{2}:[a-f0-9]{2}\.[a-f0-9])"
    r"(,mdev=[^/.:,]+)?(,driver=(?:vfio|keep))?"
)

GOOD = "\tmap id=8086:10d3,iommugroup=4,node=host1,path=0000:03:00.1,subsystem-id=8086:a01f\n"
VGPU = "\tmap id=10de:2236,iommugroup=22,node=host1,path=0000:08:00.4,subsystem-id=10de:0000\n"
# pci.cfg, and for each section and map of the node what Proxmox VE says
VECTORS = [
    ("nic\n" + GOOD, {"nic": ["valid"]}),
    ("# a comment\nnic\n  # another\n" + GOOD, {"nic": ["valid"]}),
    ("10GE\n" + GOOD, {}),
    ("pci-10GE\n" + GOOD, {"pci-10GE": ["valid"]}),
    ("a.b\n" + GOOD, {}),
    ("n\n" + GOOD, {}),
    (
        "nic\n" + GOOD.replace("10d3", "10d4"),
        {"nic": ["'id' does not match for 'nic' (8086:10d3 != 8086:10d4)"]},
    ),
    (
        "nic\n" + GOOD.replace("iommugroup=4", "iommugroup=5"),
        {"nic": ["'iommugroup' does not match for 'nic' (4 != 5)"]},
    ),
    (
        "nic\n" + GOOD.replace("iommugroup=4,", ""),
        {"nic": ["missing expected property 'iommugroup' for device '0000:03:00.1'"]},
    ),
    (
        "nic\n" + GOOD.replace(",subsystem-id=8086:a01f", ""),
        {"nic": ["missing expected property 'subsystem-id' for device '0000:03:00.1'"]},
    ),
    ("nic\n" + GOOD.replace("host1", "host2"), {"nic": []}),
    (
        "nic\n" + GOOD.replace("03:00.1", "03:00.7"),
        {"nic": ["pci device '0000:03:00.7' not found"]},
    ),
    ("nic\n\tmdev 1\n" + GOOD, {"nic": ["'mdev' does not match for 'nic' (0 != 1)"]}),
    ("gpu\n\tmdev 1\n" + VGPU, {"gpu": ["valid"]}),
    ("gpu\n" + VGPU, {"gpu": ["'mdev' does not match for 'gpu' (1 != 0)"]}),
    ("nic\n" + GOOD + "\nnic\n" + GOOD.replace("host1", "host2"), {"nic": []}),
    ("nic\n" + GOOD + "other\n" + GOOD, {"nic": ["valid", "valid"]}),
    ("nic\n\n" + GOOD, {}),
    ("nic\n\tdescription two\n" + GOOD + GOOD, {"nic": ["valid", "valid"]}),
    ("nic\n" + GOOD.replace("03:00.1", "3:00.1"), {}),
    (
        "nvme\n\tmap id=144d:a808,node=host1,path=0000:06:00.0,subsystem-id=0000:0000\n",
        {"nvme": ["valid"]},
    ),
    (
        "nvme\n\tmap id=144d:a808,iommugroup=0,node=host1,path=0000:06:00.0\n",
        {"nvme": ["unexpected property 'iommugroup' configured for device '0000:06:00.0'"]},
    ),
]


def parse_map(text):
    """Returns the properties of a map, or None if they are invalid."""
    found = {}
    for part in text.split(","):
        key, _, value = part.partition("=")
        if key in found or key not in MAP or not re.fullmatch(MAP[key], value, re.IGNORECASE):
            return None
        found[key] = value
    return found if {"id", "node", "path"} <= set(found) else None


def parse_config(text):
    """Returns {id: {"map": [properties], "mdev": text}}; invalid sections are left out, and a later one
    replaces an earlier one."""
    sections, current = {}, None
    for line in text.split("\n"):
        if re.match(r"\s*#", line):
            continue
        if not line:
            current = None
        elif current is None:
            current = {"map": []}
            header = re.fullmatch(r"(\S+)\s*", line)
            if header and CONFIG_ID.fullmatch(header[1]):
                sections[header[1]] = current
        else:
            match = re.fullmatch(r"\s+(\S+)(?:\s+(.*\S))?\s*", line)
            key, value = match.groups() if match else (None, None)
            if key == "map":
                current["map"] += [found for found in [parse_map(value)] if found]
            else:
                current[key] = value
    return {name: section for name, section in sections.items() if section["map"]}


def hex_of(machine, address, name):
    return (machine.read(address, name) or "").removeprefix("0x") or None


def expected_of(machine, address):
    """Returns what Proxmox VE expects of the map of a device."""
    group = machine.link(address, "iommu_group")
    return {
        "id": "%s:%s" % (hex_of(machine, address, "vendor"), hex_of(machine, address, "device")),
        "iommugroup": group,
        "mdev": str(
            int(
                os.path.isdir(machine.device_path(address, "mdev_supported_types"))
                or os.path.isdir(machine.device_path(address, "nvidia"))
            )
        ),
        "subsystem-id": "%s:%s"
        % (
            hex_of(machine, address, "subsystem_vendor"),
            hex_of(machine, address, "subsystem_device"),
        ),
    }


def judge(machine, name, section, found):
    """Returns 'valid', or Proxmox VE's message."""
    address = found["path"]
    if not os.path.exists(machine.device_path(address, "irq")):
        return "pci device '%s' not found" % address
    configured = dict(found, mdev=section.get("mdev", "0"))
    for key, wanted in sorted(expected_of(machine, address).items()):
        value = configured.get(key)
        if wanted is not None and value is None:
            return "missing expected property '%s' for device '%s'" % (key, address)
        if wanted is None and value is not None:
            return "unexpected property '%s' configured for device '%s'" % (key, address)
        if wanted != value:
            return "'%s' does not match for '%s' (%s != %s)" % (key, name, wanted, value)
    return "valid"


def judgements(machine, text, node="host1"):
    """Returns {id: [answer for each map of the node]}."""
    answers = {}
    for name, section in parse_config(text).items():
        answers[name] = [
            judge(machine, name, section, found)
            for found in section["map"]
            if found["node"] == node
        ]
    return answers


def check_vectors(machine):
    for text, wanted in VECTORS:
        yield from same(wanted, judgements(machine, text), repr(text))


# ---- machines ----

CONFIG = """:filter: '*:*'
:short_address: []
:alias:
- {name: 10GE, filter: '8086:10d3'}
- {name: nic, filter: '8086:10d3'}
- {name: c.x, filter: '15b3:101e'}
- {name: c_x, filter: '15b3:'}
- {name: g, filter: '10de:2204'}
- {name: vgpu, filter: '10de:2236'}
- {name: T4, filter: '10de:1eb8'}
- {name: none, numa_node: 7}
"""


def make_machine(root):
    tree = Tree(root, "made")
    tree.hostname("host1.example.org")
    tree.device("0000:00:01.0", 0x8086, 0x1901, 0x060400, driver="pcieport", group=0)
    tree.device("0000:03:00.0", 0x8086, 0x10D3, driver="e1000e", group=3)
    tree.device(
        "0000:03:00.1",
        0x8086,
        0x10D3,
        subsystem=(0x8086, 0xA01F),
        driver="vfio-pci",
        group=4,
    )
    tree.device("0001:03:00.0", 0x8086, 0x10D3, group=5)
    tree.device("0000:04:00.0", 0x15B3, 0x101D, driver="mlx5_core", group=6)
    for i, driver in enumerate(("mlx5_vfio_pci", "vfio-pci")):
        tree.virtual_function(
            "0000:04:00.0", i, "0000:04:00.%d" % (i + 1), 0x15B3, 0x101E, driver=driver, group=7 + i
        )
    # the GPU shares a group with its audio function
    for function, driver in enumerate(("vfio-pci", "snd_hda_intel")):
        address = "0000:05:00.%d" % function
        tree.device(address, 0x10DE, 0x2204 + function, 0x030000, group=10, driver=driver)
    tree.device("0000:06:00.0", 0x144D, 0xA808, 0x010802, driver="vfio-pci")
    tree.vgpu_device("0000:08:00", 21, 22, (0x10DE, 0))
    # a device with mediated devices
    tree.device("0000:09:00.0", 0x10DE, 0x1EB8, 0x030200, driver="nvidia", group=30)
    types = "0000:09:00.0/mdev_supported_types/nvidia-222/name"
    tree.file("sys/bus/pci/devices/" + types, "GRID T4-1B")
    link(tree.path("sys/class/mdev_bus/0000:09:00.0"), tree.directory("0000:09:00.0"))
    tree.device("0000:0a:00.0", 0x10DE, 0x1EB8, 0x030200, driver="vfio-pci", group=31)
    for address in os.listdir(tree.path("sys/bus/pci/devices")):
        group = tree.machine.link(address, "iommu_group")
        if group:
            devices = tree.path("sys/kernel/iommu_groups", group, "devices")
            link(os.path.join(devices, address), tree.directory(address))
    tree.process(1, "/sbin/init")
    tree.file("pci.conf", CONFIG)
    return tree


def output_of(machine, name, *arguments):
    return machine.pciprobe(*(arguments or machine.rules()), "-f", name)


# ---- checks ----


def paths_of(text):
    """Returns {id: addresses}."""
    return {
        name: [found["path"] for found in section["map"]]
        for name, section in parse_config(text).items()
    }


def check_mappings(machine):
    text = output_of(machine, "proxmox-mapping")
    answers = judgements(machine, text)
    yield from (
        "%s: %s" % (name, answer)
        for name, found in answers.items()
        for answer in found
        if answer != "valid"
    )
    yield from same(
        {
            "pci-10GE": ["0000:03:00.1", "0001:03:00.0"],
            "nic": ["0000:03:00.1", "0001:03:00.0"],
            "c_x": ["0000:04:00.1", "0000:04:00.2"],
            "vgpu": ["0000:08:00.4", "0000:08:00.5"],
            "T4": ["0000:09:00.0"],
        },
        paths_of(text),
        "mappings",
    )
    headers = [line for line in text.split("\n") if line and line[0] not in "\t#"]
    yield from same(len(set(headers)), len(headers), "number of distinct sections")


def check_comments(machine):
    text = output_of(machine, "proxmox-mapping")
    yield from (
        "no comment %r" % comment
        for comment in (
            "# 0000:03:00.0 82574L Gigabit Network Connection\n#      bound to host driver e1000e\n",
            "# c_x omitted: its id would be that of c.x\n",
            "#      IOMMU group 10 is not viable: 0000:05:00.1 is bound to a host driver\n",
            "# 0000:0a:00.0 omitted: without mediated devices, unlike the first device\n",
            "# none matches no selected device\n",
        )
        if comment not in text
    )


def check_hostpci(machine):
    """Devices that Proxmox VE would take from the host, or cannot assign, are comments."""
    lines = [
        line
        for line in output_of(machine, "proxmox", "-a").splitlines()
        if not line.startswith("#")
    ]
    yield from (line for line in lines if not HOSTPCI.fullmatch(line))
    yield from same(
        [
            "hostpci0: 0000:03:00.1",
            "hostpci1: 0000:04:00.1,driver=keep",
            "hostpci2: 0000:04:00.2",
            "hostpci3: 0000:08:00.4,mdev=nvidia-558",
            "hostpci4: 0000:0a:00.0",
            "hostpci5: 0001:03:00.0",
        ],
        lines,
        "lines",
    )


def check_limit(folder):
    """Later lines would be ignored by Proxmox VE."""
    tree = Tree(os.path.join(folder, "many"))
    for i in range(20):
        tree.device("0000:%02x:00.0" % i, 0x8086, 0x10D3, driver="vfio-pci", group=i)
    text = output_of(tree.machine, "proxmox", "-a")
    yield from same(
        ["hostpci%d" % i for i in range(16)],
        re.findall(r"^(hostpci\d+):", text, re.MULTILINE),
        "lines",
    )
    yield from same(4, text.count(" omitted: a VM can have 16 devices\n"), "number of comments")


def check_round_trip(tree):
    """pciprobe reads its own output as Proxmox VE's configuration: a VM with the hostpci lines and
    one with a mapping reserve the devices."""
    machine = tree.machine
    hostpci = output_of(machine, "proxmox", "-a", "-s", "0000:04:")
    tree.file("etc/pve/mapping/pci.cfg", output_of(machine, "proxmox-mapping"))
    tree.file("etc/pve/qemu-server/105.conf", "name: web\n" + hostpci)
    tree.file("etc/pve/qemu-server/106.conf", "name: db\nhostpci0: mapping=pci-10GE\n")
    found = machine.pciprobe("-a", "-f", "raw", "--no-headings", "-o", "address,ownership,vm_ids")
    wanted = {"0000:04:00.1": "105", "0000:04:00.2": "105"}
    wanted.update({"0000:03:00.1": "106", "0001:03:00.0": "106"})
    yield from same(
        wanted,
        {
            address: vm
            for address, state, vm in (line.split() for line in found.splitlines())
            if state == "reserved"
        },
        "reserved devices",
    )


def check_machine(machine):
    """On any machine, the lines have Proxmox VE's form."""
    for line in output_of(machine, "proxmox", "-a").splitlines():
        if not line.startswith("#") and not HOSTPCI.fullmatch(line):
            yield line
    output_of(machine, "proxmox-mapping", "-a")


def check_host_name(folder):
    """A name that Proxmox VE does not accept could end the map."""
    for i, name in enumerate(("a,path=0000:00:00.0", "-a", "a b", "", ".x", "\u00e4")):
        tree = Tree(os.path.join(folder, "name%d" % i))
        tree.hostname(name)
        tree.device("0000:03:00.0", 0x8086, 0x10D3, driver="vfio-pci", group=1)
        tree.file("pci.conf", ":filter: '*:*'\n:alias:\n- {name: any, filter: '*:*'}")
        text = output_of(tree.machine, "proxmox-mapping")
        yield from same({}, parse_config(text), "sections of host %r" % name)


def main():
    tap = Tap(needs_lspci=False)
    with tempfile.TemporaryDirectory(prefix="pciprobe-proxmox-") as folder:
        tree = make_machine(os.path.join(folder, "made"))
        made = tree.machine
        tap.check("the test's own rules agree with Proxmox VE's", check_vectors, made)
        tap.check("Proxmox VE accepts the mappings", check_mappings, made)
        tap.check("what is in no mapping is a comment", check_comments, made)
        tap.check("hostpci lines have the assignable devices", check_hostpci, made)
        tap.check("a VM has at most 16 lines", check_limit, folder)
        for machine in all_machines():
            tap.check(
                "%s: lines have the form of Proxmox VE" % machine.name, check_machine, machine
            )
        tap.check("an invalid host name gives no mapping", check_host_name, folder)
        tap.check("pciprobe reads the lines and mappings again", check_round_trip, tree)
    tap.done()


if __name__ == "__main__":
    main()
