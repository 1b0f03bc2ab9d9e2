#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format opennebula is byte for byte the output of OpenNebula's own probe, computed from 'lspci
-mmnn' and the tree's files, and the frontend can parse it with any names of devices and drivers."""
import base64
import os
import re
import shlex
import shutil
import tempfile
import unicodedata
import uuid
import zlib

from machines import Tap, all_machines, same
from tree import Tree, make_machine

# configuration, its filter as a list for lspci (None: all devices), vendors handled as NVIDIA
CONFIGS = [
    (":filter:\n", None, ["10de"]),
    (":filter: '0:0'\n", ["0:0"], ["10de"]),
    # overlapping filters: each device is listed once, in order of address
    (":filter: ['10de:*', '8086:*', '*:*', '8086:*']\n", ["*:*"], ["10de"]),
    (":filter: '::02xx,::03xx'\n", ["::02xx", "::03xx"], ["10de"]),
    (":filter:\n:nvidia_vendors: ['10de', '8086', '15b3']\n", None, ["10de", "8086", "15b3"]),
    (":filter:\n:nvidia_vendors: []\n", None, []),
]
ORDER = [
    "TYPE",
    "VENDOR",
    "VENDOR_NAME",
    "DEVICE",
    "CLASS",
    "CLASS_NAME",
    "ADDRESS",
    "SHORT_ADDRESS",
    "DOMAIN",
    "BUS",
    "SLOT",
    "FUNCTION",
    "NUMA_NODE",
    "IFNAME",
    "SRIOV",
    "SRIOV_NUM",
    "DEVICE_NAME",
    "UUID",
    "PROFILES",
    "MDEV_MODE",
]


def read_file(path):
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read()
    except OSError:
        return None


# ---- expected output ----


def numa_node(machine, address):
    text = machine.read(address, "numa_node")
    return "-" if text is None or int(text) < 0 else text


def interface_by_rules(machine, address):
    text = read_file(machine.path("etc/udev/rules.d/99-rename.rules")) or ""
    found = re.search(r"^#[ \t]*%s[ \t]*<-[ \t]*(\S+)" % re.escape(address), text, re.MULTILINE)
    return found[1] if found else None


def interface_by_sysfs(machine, address):
    names = machine.entries(address, "net")
    if len(names) == 1:
        return names[0]
    ports = {name: machine.read(address, "net/%s/phys_port_name" % name) or "" for name in names}
    return next((name for name in names if re.fullmatch(r"p\d+", ports[name])), None)


def interface(machine, address):
    cached = read_file(machine.path("var/lib/pciprobe/opennebula/pci_net_names", address))
    return (
        interface_by_rules(machine, address)
        or (cached or "").strip()
        or interface_by_sysfs(machine, address)
        or "-"
    )


def sriov(machine, address):
    """Returns SRIOV, and SRIOV_NUM of a PF."""
    if machine.link(address, "physfn"):
        return "vf", None
    total, enabled = machine.read(address, "sriov_totalvfs"), machine.read(address, "sriov_numvfs")
    return ("no", None) if total is None and enabled is None else ("pf", enabled or "0")


def profiles(machine, address):
    """Returns PROFILES and MDEV_MODE of an NVIDIA VF."""
    bus = machine.path("sys/class/mdev_bus", address)
    legacy = os.path.exists(bus)
    types = (
        sorted(os.listdir(bus + "/mdev_supported_types"))
        if os.path.isdir(bus + "/mdev_supported_types")
        else []
    )
    if not types:
        lines = (machine.read(address, "nvidia/creatable_vgpu_types") or "").split("\n")[1:]
        types = [
            "%s (%s)" % tuple(part.strip() for part in line.split(":", 1))
            for line in lines
            if line.strip()
        ]
    return ",".join(types), "legacy" if legacy else "nvidia"


def split_name(text):
    return re.fullmatch(r"(.*) \[([0-9a-f]{4})\]", text).groups()


def is_omitted(machine, address, nvidia):
    return int(machine.read(address, "sriov_numvfs") or 0) > 0 or (
        nvidia and machine.link(address, "virtfn0")
    )


def describe(machine, address, line, vendors):
    """Returns the attributes of a device, or None if it is omitted. LINE: its line of lspci
    -mmnn."""
    words = shlex.split(line)
    (class_name, klass), (vendor_name, vendor), (device_name, device) = (
        split_name(word) for word in words[1:4]
    )
    domain, bus, slot, function = re.split("[:.]", address)
    nvidia = vendor in vendors
    if is_omitted(machine, address, nvidia):
        return None
    role, number = sriov(machine, address)
    attributes = {
        "TYPE": "%s:%s:%s" % (vendor, device, klass),
        "VENDOR": vendor,
        "VENDOR_NAME": vendor_name,
        "DEVICE": device,
        "CLASS": klass,
        "CLASS_NAME": class_name,
        "ADDRESS": address.replace(".", ":"),
        "SHORT_ADDRESS": words[0],
        "DOMAIN": domain,
        "BUS": bus,
        "SLOT": slot,
        "FUNCTION": function,
        "NUMA_NODE": numa_node(machine, address),
        "IFNAME": interface(machine, address),
        "SRIOV": role,
        "DEVICE_NAME": device_name,
    }
    if number is not None:
        attributes["SRIOV_NUM"] = number
    if nvidia and role == "vf":
        attributes["DEVICE_NAME"] = "NVIDIA vGPU device"
        attributes["UUID"] = str(uuid.uuid5(uuid.NAMESPACE_X500, attributes["ADDRESS"]))
        attributes["PROFILES"], attributes["MDEV_MODE"] = profiles(machine, address)
    elif nvidia:
        attributes["DEVICE_NAME"] = "%s %s" % (vendor_name, device_name)
    return attributes


def write_device(device):
    lines = [
        ' %s = "%s" ' % (name, device[name].replace('"', '\\"')) for name in ORDER if name in device
    ]
    return "PCI = [\n" + ",\n".join(lines) + "\n]\n"


def expected_text(machine, filters, vendors):
    lines = dict(zip(machine.addresses(), machine.lspci("-mmnn").splitlines()))
    wanted = (
        set(lines)
        if filters is None
        else set(
            line.split()[0]
            for text in filters
            for line in machine.lspci("-Dn", "-d", text).splitlines()
        )
    )
    devices = [
        describe(machine, address, line, vendors)
        for address, line in lines.items()
        if address in wanted
    ]
    return "".join(write_device(device) for device in devices if device)


def first_difference(expected, found):
    """Yields the first line that differs."""
    if expected == found:
        return
    pairs = list(zip(expected.split("\n"), found.split("\n")))
    for number, (a, b) in enumerate(pairs, 1):
        if a != b:
            yield "line %d: expected %r, found %r" % (number, a, b)
            return
    yield "expected %d lines, found %d" % (expected.count("\n"), found.count("\n"))


# ---- the frontend's parser ----


class Unreadable(Exception):
    pass


class Template:
    """A strict parser of the subset of OpenNebula's template grammar that a probe may use."""

    def __init__(self, text):
        self.text = text
        self.at = 0

    def take(self, pattern, what):
        found = re.compile(pattern, re.DOTALL).match(self.text, self.at)
        if not found:
            raise Unreadable("%s expected at %r" % (what, self.text[self.at : self.at + 40]))
        self.at = found.end()
        return found[found.re.groups]

    def value(self):
        self.take('"', "a quote")
        value = self.take(r'((?:\\"|[^"])*?)(?<!\\)"', "a value and a quote")
        return value.replace('\\"', '"')

    def attribute(self):
        return self.take(r"([A-Za-z0-9_]+)[ \n]*=[ \n]*", "a name"), self.value()

    def vector(self):
        pairs = []
        self.take(r"\[[ \n]*", "a bracket")
        while True:
            pairs.append(self.attribute())
            if self.take(r"[ \n]*([,\]])[ \n]*", "a comma or a bracket") == "]":
                return pairs

    def read(self):
        devices = []
        while self.at < len(self.text):
            devices.append((self.take(r"([A-Za-z0-9_]+)[ \n]*=[ \n]*", "a name"), self.vector()))
        return devices


def value_errors(value):
    """Yields problems for the frontend's lexer or database."""
    try:
        value.encode()
    except UnicodeEncodeError:
        yield "%r is not UTF-8" % value
    if any(unicodedata.category(character) == "Cc" for character in value):
        yield "%r has control characters" % value
    if "\\" in value or "]]>" in value:
        yield "%r has a backslash or ]]>" % value


def grammar_errors(text):
    try:
        devices = Template(text).read()
    except Unreadable as error:
        return ["cannot parse: %s" % error]
    problems = []
    for name, pairs in devices:
        names = [pair[0] for pair in pairs]
        problems += same("PCI", name, "name")
        problems += same(
            [known for known in ORDER if known in names],
            names,
            "attributes, unique and in order",
        )
        problems += [error for _, value in pairs for error in value_errors(value)]
    addresses = [dict(pairs).get("ADDRESS") for _, pairs in devices]
    return problems + same(len(set(addresses)), len(addresses), "number of distinct addresses")


def check_reader(tap):
    """The parser itself must reject what the frontend cannot read."""
    good = 'PCI = [\n TYPE = "a \\"b\\"" ,\n VENDOR = "" \n]\n'
    tap.result("parser accepts valid output", grammar_errors(good))
    for text in (
        'PCI = [\n TYPE = "a"b" \n]\n',
        'PCI = [\n TYPE = "a\\" \n]\n',
        'PCI = [\n TYPE = "a" ,\n]\n',
        "PCI = [",
        'PCI = [\n TYPE = "\x1b[0m" \n]\n',
        'PCI = [\n TYPE = "]]>" \n]\n',
        'PCI = [\n TYPE = "\udcff" \n]\n',
        'PCI = [\n TYPE = "a\\b" \n]\n',
        'PCI = [\n VENDOR = "a" ,\n TYPE = "a" \n]\n',
        "PCI = [\n]\n",
        'PCI = [\n TYPE = "a" \n VENDOR = "b" \n]\n',
        'PCI = [\n VMID = "1" \n]\n',
        "warning\n",
        'PCI = [\n ADDRESS = "a" \n]\nPCI = [\n ADDRESS = "a" \n]\n',
    ):
        tap.result("parser rejects %a" % text, [] if grammar_errors(text) else ["accepted"])


# ---- the program ----


def write_config(folder, text):
    path = os.path.join(folder, "pci.conf")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def compare(machine, path, filters, vendors):
    found = machine.pciprobe("-f", "opennebula", "-c", path)
    yield from first_difference(expected_text(machine, filters, vendors), found)
    yield from grammar_errors(found)


def check_machine(tap, machine, folder):
    for i, (text, filters, vendors) in enumerate(CONFIGS):
        if i and machine.name.startswith("checkbox-nvidia"):
            continue  # large, without additional cases
        tap.check(
            "%s: %a" % (machine.name, text),
            compare,
            machine,
            write_config(folder, text),
            filters,
            vendors,
        )


HOSTILE = [
    'a"b',
    "a\\",
    "\\",
    "a]]>b",
    "]]]>>",
    "\x1b]0;x\x07",
    "a\tb",
    "a\rb",
    "\x7f",
    "\u0085",
    "\u009b31m",
    "\u2028",
    '\\"',
    b"\xff\xfe",
    b"\xed\xa0\x80",
    b"\xc0\xaf",
    b"\xf4\x90\x80\x80",
    b"a\xe2\x82",
    "]]",
    ">",
    "]]\\>",
    "=[",
    "é",
    b"]]\x01>",
    b"]\xff]>",
    b"]]\xff>",
    b"]\\]>",
]


def check_hostile(tree):
    """Hostile names of vGPU types and interfaces are escaped, and cannot end the message early."""

    def raw(name):
        return name if isinstance(name, bytes) else name.encode()

    lines = b"ID : vGPU Name\n" + b"".join(
        b"%d : %s\n" % (600 + i, raw(name)) for i, name in enumerate(HOSTILE)
    )
    directory = os.fsencode(tree.directory("0000:08:00.4"))
    os.makedirs(directory + b"/nvidia")
    with open(directory + b"/nvidia/creatable_vgpu_types", "wb") as file:
        file.write(lines)
    for i, name in enumerate(name for name in HOSTILE if b"/" not in raw(name)):
        address = "0000:20:%02x.%x" % (i >> 3, i & 7)
        tree.device(address, 0x8086, 0x10D3)
        os.makedirs(os.fsencode(tree.directory(address)) + b"/net/" + raw(name)[:15])
    tree.file('sys/class/mdev_bus/0000:08:00.6/mdev_supported_types/]]>"\\/name')
    text = tree.machine.pciprobe("-f", "opennebula", "-c", write_config(tree.root, ":filter:\n"))
    yield from grammar_errors(text)
    left_out = [
        address
        for address in tree.machine.addresses()
        if is_omitted(tree.machine, address, tree.machine.read(address, "vendor") == "0x10de")
    ]
    yield from same(
        len(tree.machine.addresses()) - len(left_out), text.count("PCI = ["), "number of devices"
    )
    yield from (["the hostile profiles are missing"] if "625 (" not in text else [])


def answer(tree, config):
    return tree.machine.run_pciprobe("opennebula", "-c", config)


def check_subcommand(tree):
    """The subcommand opennebula keeps the names of removed interfaces, and repeats the last
    output after a failure."""
    config = write_config(tree.root, ":filter:\n")
    before = tree.machine.pciprobe("-f", "opennebula", "--usage", "-c", config)
    yield from same(
        (0, before), (answer(tree, config).returncode, answer(tree, config).stdout), "answer"
    )
    cache = tree.path("var/lib/pciprobe/opennebula/pci_net_names")
    present = {
        address: interface_by_sysfs(tree.machine, address) for address in tree.machine.addresses()
    }
    for address, name in present.items():
        if name:
            yield from same(
                name, (read_file(os.path.join(cache, address)) or "").strip(), "cache of " + address
            )
    shutil.rmtree(os.path.join(tree.directory("0000:03:00.0"), "net"))
    yield from first_difference(before, answer(tree, config).stdout)
    write_config(tree.root, ":filter: [\n")
    done = answer(tree, config)
    yield from same(
        (0, True), (done.returncode, config in done.stderr), "exit status and error message"
    )
    yield from first_difference(before, done.stdout)


# ---- the monitor's message ----

DATAGRAM_MAX = 65507  # of UDP over IPv4
OTHER_PROBES = 4096  # what the other probes of the same message and its header may take
KEY, BLOCK = 256, 245  # bytes of an RSA key, and of the plain text in each of its blocks


def datagram_size(text, encrypted=False):
    """Returns the size of the monitor's message: blocks of RSA, which look random, then zlib and base64."""
    data = text.encode()
    if encrypted:
        data = os.urandom(-(-len(data) // BLOCK) * KEY)
    return len(base64.b64encode(zlib.compress(data, 9)))


def make_virtual_functions(root, count):
    """A machine of COUNT VFs, each of them held by another VM of OpenNebula with a random UUID."""
    tree = Tree(root)
    tree.process(1, "/sbin/init")
    for i in range(count):
        pf = "0000:%02x:00.0" % (i // 64 + 1)
        if i % 64 == 0:
            enabled = {"sriov_totalvfs": "128", "sriov_numvfs": "64"}
            tree.device(pf, 0x8086, 0x1592, driver="ice", group=count + i, files=enabled)
        address = "0000:%02x:%02x.%d" % (i // 64 + 1, 1 + i % 64 // 8, i % 8)
        tree.virtual_function(pf, i % 64, address, 0x8086, 0x1889, driver="vfio-pci", group=i)
        tree.process(
            1000 + i,
            "/usr/bin/qemu-system-x86_64",
            *("-name", "guest=one-%d" % (10000 + i), "-uuid", str(uuid.uuid4())),
            *("-device", "vfio-pci,host=" + address),
            opened=["/dev/vfio/%d" % i]
        )
    return tree


def check_message(folder, count, encrypted):
    tree = make_virtual_functions(os.path.join(folder, "vfs%d" % count), count)
    config = write_config(tree.root, ":filter:\n")
    text = tree.machine.pciprobe("-f", "opennebula", "--usage", "-c", config)
    yield from same(
        [count, count],
        [text.count("\nPCI = [") + text.startswith("PCI = ["), text.count(' STATE = "held"')],
        "devices, held",
    )
    size = datagram_size(text, encrypted)
    if size > DATAGRAM_MAX - OTHER_PROBES:
        yield "%d bytes of text make a message of %d, the limit is %d" % (
            len(text),
            size,
            DATAGRAM_MAX - OTHER_PROBES,
        )


def main():
    tap = Tap()
    check_reader(tap)
    with tempfile.TemporaryDirectory(prefix="pciprobe-opennebula-") as folder:
        made = make_machine(os.path.join(folder, "made"))
        for machine in all_machines() + [made.machine]:
            check_machine(tap, machine, folder)
        tap.check("the subcommand opennebula caches its output", check_subcommand, made)
        tap.check(
            "hostile names are escaped",
            check_hostile,
            make_machine(os.path.join(folder, "hostile")),
        )
        tap.check("2,000 VFs fit into the monitor's message", check_message, folder, 2000, False)
        tap.check("80 VFs fit into an encrypted one", check_message, folder, 80, True)
    tap.done()


if __name__ == "__main__":
    main()
