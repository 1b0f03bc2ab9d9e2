#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""The format libvirt: the expected elements are computed from the tree's files; libvirt's schema
(virt-xml-validate) and parser (virsh with the test driver, which needs no daemon) must accept
them."""
import functools
import os
import re
import shutil
import tarfile
import tempfile
import xml.etree.ElementTree as ET

from machines import Failed, Machine, Tap, all_machines, run, same
from tree import Tree, make_machine

SOURCES = os.environ.get("SOURCES") or os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "../.."
)
DOMAIN = """<domain type='test'>
  <name>test1</name>
  <memory unit='MiB'>64</memory>
  <os><type>hvm</type></os>
  <devices>
%s
  </devices>
</domain>
"""


# ---- expected ----


def host_driver(machine, address):
    driver = machine.link(address, "driver")
    return (
        driver
        if driver and "vfio" not in driver and driver not in ("pci-stub", "pciback", "xen-pciback")
        else None
    )


def class_of(machine, address):
    """Returns class and subclass. Recordings only have them in the modalias."""
    text = machine.read(address, "class")
    return (
        int(text, 16) >> 8
        if text
        else int("".join(re.search("bc(..)sc(..)", machine.read(address, "modalias")).groups()), 16)
    )


def is_bridge(machine, address):
    return class_of(machine, address) >> 8 == 6


def nonviable_peers(machine, address):
    return [
        peer
        for peer in machine.entries(address, "iommu_group/devices")
        if peer != address and not is_bridge(machine, peer) and host_driver(machine, peer)
    ]


def pf_interface(machine, address):
    """Returns the interface of a VF's PF: the only one, or the first uplink."""
    names = machine.entries(address, "physfn/net")
    ports = {
        name: machine.read(address, "physfn/net/%s/phys_port_name" % name) or "" for name in names
    }
    uplinks = [name for name in names if re.fullmatch(r"p\d+", ports[name])]
    return names[0] if len(names) == 1 else uplinks[0] if uplinks else None


def vlan_of(machine, address):
    """Returns the VLAN and its priority in the recorded settings of the VF, or None."""
    pf = machine.link(address, "physfn")
    for name in machine.entries(address, "physfn"):
        if pf and name.startswith("virtfn") and machine.link(address, "physfn/" + name) == address:
            try:
                with open(machine.path("netlink/vf-settings"), encoding="utf-8") as file:
                    text = file.read()
            except OSError:
                return None
            found = re.search(
                "^vf %s %s .*vlan=(\\d+) priority=(\\d+)" % (pf, name[len("virtfn") :]),
                text,
                re.MULTILINE,
            )
            return found and found.group(1, 2)
    return None


def expected_element(machine, address):
    """Returns the element's name, 'interface' if it can be paired with virtio; None if there is
    none."""
    if (
        is_bridge(machine, address)
        or not machine.link(address, "iommu_group")
        or nonviable_peers(machine, address)
    ):
        return None
    return (
        "interface"
        if class_of(machine, address) == 0x0200 and pf_interface(machine, address)
        else "hostdev"
    )


def source_of(element):
    """Returns the device of a hostdev, or of an interface of type hostdev."""
    found = element.find("source/address")
    numbers = [int(found.get(name), 16) for name in ("domain", "bus", "slot", "function")]
    return "%04x:%02x:%02x.%x" % tuple(numbers)


# ---- found ----


def attributes(element, name):
    """Returns the attributes of a child element, or None."""
    found = element.find(name)
    return None if found is None else dict(found.attrib)


def split(text):
    """Splits the output as documented, at lines '<!-- ADDRESS': [(address, comment, element)]"""
    pieces = re.split(r"^(?=<!-- )", text, flags=re.MULTILINE)
    if pieces[0]:
        raise Failed("unexpected output before the first device: %r" % pieces[0][:80])
    found = []
    for piece in pieces[1:]:
        comment, rest = re.fullmatch(r"<!-- (.*?) -->\n(.*)", piece, re.DOTALL).groups()
        address = re.match(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]", comment)
        if not address:
            raise Failed("no address in %r" % comment)
        try:
            # including the comment, as in a file for virsh
            element = ET.fromstring(piece.encode()) if rest else None
        except (ET.ParseError, UnicodeEncodeError) as error:
            raise Failed("%s: invalid XML: %s" % (address[0], error)) from error
        found.append((address[0], comment, element))
    return found


def pieces_of(machine, *arguments):
    return split(machine.pciprobe("-a", "-f", "libvirt", *arguments))


def elements_of(machine, *arguments):
    return [element for _, _, element in pieces_of(machine, *arguments) if element is not None]


# ---- checks ----


def check_devices(machine, *arguments):
    """Each device is listed once, in order, with the expected element or a reason why there is
    none."""
    pieces = pieces_of(machine, *arguments)
    yield from same(
        sorted(
            os.listdir(machine.path("sys/bus/pci/devices")),
            key=lambda a: [int(n, 16) for n in re.split("[:.]", a)],
        ),
        [address for address, _, _ in pieces],
        "devices",
    )
    for address, comment, element in pieces:
        wanted = expected_element(machine, address)
        yield from same(
            wanted, element.tag if element is not None else None, "%s: element" % address
        )
        if element is None:
            yield from same(2 <= len(comment.splitlines()), True, "%s: a reason" % address)
            continue
        yield from same(address, source_of(element), "%s: source" % address)
        # in NVIDIA's own framework the VF stays bound to NVIDIA's driver
        vgpu = machine.read(address, "nvidia/current_vgpu_type")
        yield from same("no" if vgpu else "yes", element.get("managed"), "%s: managed" % address)
        driver = machine.link(address, "driver") or ""
        variant = (
            driver
            if "vfio" in driver and driver != "vfio-pci" and re.fullmatch("[A-Za-z0-9_+-]+", driver)
            else None
        )
        yield from same(
            {
                "name": "vfio",
                **({"model": variant} if variant else {}),
                **({"iommufd": "yes"} if "--iommufd" in arguments else {}),
            },
            element.find("driver").attrib,
            "%s: driver" % address,
        )
        vlan = wanted == "interface" and vlan_of(machine, address)
        yield from same(
            vlan[0] if vlan else None,
            (attributes(element, "vlan/tag") or {}).get("id"),
            "%s: VLAN" % address,
        )
        yield from same(
            wanted == "interface" and vlan is None,
            "VLAN unknown" in comment,
            "%s: unknown" % address,
        )
        yield from same(
            bool(vlan and vlan[1] != "0"), "priority" in comment, "%s: priority" % address
        )
        yield from same(
            bool(host_driver(machine, address)) and vgpu in (None, "0"),
            "bound to host driver" in comment,
            "%s: host driver" % address,
        )
        yield from same(vgpu == "0", "without a vGPU" in comment, "%s: vGPU" % address)


def check_teaming(machine):
    """Lists the same devices, with a virtio interface before each interface."""
    plain, paired = pieces_of(machine), pieces_of(machine, "--teaming")
    wanted = []
    for address, _, element in plain:
        wanted += (
            [(address, "direct")] if element is not None and element.tag == "interface" else []
        )
        wanted.append((address, element.get("type") if element is not None else None))
    yield from same(
        wanted,
        [
            (address, element.get("type") if element is not None else None)
            for address, _, element in paired
        ],
        "elements",
    )
    for (_, _, virtio), (address, _, vf) in zip(paired, paired[1:]):
        if virtio is None or virtio.get("type") != "direct":
            continue
        yield from same(
            attributes(virtio, "mac"), attributes(vf, "mac"), "%s: MAC addresses" % address
        )
        yield from same(
            {"type": "transient", "persistent": (attributes(virtio, "alias") or {}).get("name")},
            attributes(vf, "teaming"),
            "%s: teaming" % address,
        )
        yield from same(
            {"type": "persistent"},
            attributes(virtio, "teaming"),
            "%s: teaming of the virtio interface" % address,
        )
        yield from same(
            {"dev": pf_interface(machine, address), "mode": "bridge"},
            attributes(virtio, "source"),
            "%s: the PF's interface" % address,
        )
        yield from same({"type": "virtio"}, attributes(virtio, "model"), "%s: model" % address)
    aliases = [
        element.find("alias").get("name")
        for _, _, element in paired
        if element is not None and element.find("alias") is not None
    ]
    yield from same(len(set(aliases)), len(aliases), "number of distinct aliases")
    yield from (alias for alias in aliases if not re.fullmatch("ua-[A-Za-z0-9_-]+", alias))


def macs_of(machine):
    return [
        element.find("mac").get("address")
        for element in elements_of(machine)
        if element.tag == "interface"
    ]


def check_macs(machine):
    """MAC addresses are local, unicast, unique, stable, and outside of libvirt's range."""
    macs = macs_of(machine)
    yield from same(macs, macs_of(machine), "MAC addresses of the next call")
    yield from same(len(set(macs)), len(macs), "number of distinct MAC addresses")
    yield from (mac for mac in macs if not re.fullmatch("02(:[0-9a-f]{2}){5}", mac))
    if not macs:
        yield "no MAC addresses"


def check_kinds(machine):
    """The made machine has all cases, so that all of them are tested."""
    pieces = pieces_of(machine, "--teaming")
    kinds = [
        element.tag + (element.get("type") or "") for _, _, element in pieces if element is not None
    ]
    comments = "".join(comment for _, comment, _ in pieces)
    yield from (
        "no %s" % kind
        for kind in ("hostdevpci", "interfacehostdev", "interfacedirect")
        if kind not in kinds
    )
    if not any(element is not None and element.find("vlan") is not None for *_, element in pieces):
        yield "no VLAN"
    models = [
        element.find("driver").get("model")
        for _, _, element in pieces
        if element is not None and element.find("driver") is not None
    ]
    yield from (
        "no model %s" % model
        for model in ("mlx5_vfio_pci", "nvgrace-gpu-vfio-pci")
        if model not in models
    )
    yield from (
        "no comment has '%s'" % text
        for text in (
            "a bridge cannot be assigned",
            "not in an IOMMU group",
            "0000:84:00.1 is bound to a host driver",
            "bound to host driver mlx5_core",
            "not teamed",
            "without a vGPU",
        )
        if text not in comments
    )


def check_split_command(machine, folder):
    """The command in docs/migration.md splits a pair into two files."""
    with open(os.path.join(SOURCES, "docs/migration.md"), encoding="utf-8") as file:
        command = re.search("^csplit .*$", file.read(), re.MULTILINE)[0]
    with open(os.path.join(folder, "pair.xml"), "w", encoding="utf-8") as file:
        file.write(machine.pciprobe("-a", "-s", "10000:81:00.1", "-f", "libvirt", "--teaming"))
    done = run(["bash", "-c", "cd '%s' && %s" % (folder, command)])
    if done.returncode != 0:
        yield done.stderr
    files = sorted(name for name in os.listdir(folder) if name.startswith("pair-"))
    yield from same(["pair-0.xml", "pair-1.xml"], files, "files")
    yield from same(
        ["direct", "hostdev"],
        [ET.parse(os.path.join(folder, name)).getroot().get("type") for name in files],
        "types",
    )


def check_macs_of_another_host(machine, other):
    yield from same(
        True,
        set(macs_of(machine)).isdisjoint(macs_of(other)),
        "MAC addresses differ between hosts",
    )


@functools.lru_cache(maxsize=None)
def libvirt_version():
    return tuple(int(number) for number in run(["virsh", "-v"]).stdout.strip().split("."))


def serialize(element):
    """Serializes an element without what this libvirt's schema does not support."""
    driver = element.find("driver")
    if libvirt_version() < (10, 0, 0) and driver is not None:
        driver.attrib.pop("model", None)
    if libvirt_version() < (12, 1, 0) and driver is not None:
        driver.attrib.pop("iommufd", None)
    return ET.tostring(element, encoding="unicode")


def validate(folder, elements):
    path = os.path.join(folder, "domain.xml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(DOMAIN % "\n".join(elements))
    done = run(["virt-xml-validate", path, "domain"])
    return done.returncode == 0, done.stdout + done.stderr


def check_schema(machine, folder, *arguments):
    """Validates all elements together, and if that fails, each one."""
    elements = [serialize(element) for element in elements_of(machine, *arguments)]
    good, _ = validate(folder, elements)
    if good:
        return
    yield "rejected by libvirt's schema"
    for element in elements:
        good, errors = validate(folder, [element])
        if not good:
            yield element + errors


def check_parser(machine, folder, *arguments):
    """libvirt parses it, and keeps devices, MAC addresses, interfaces and aliases."""
    elements = elements_of(machine, *arguments)
    path = os.path.join(folder, "domain.xml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(
            DOMAIN % "\n".join(ET.tostring(element, encoding="unicode") for element in elements)
        )
    done = run(
        ["virsh", "-q", "-c", "test:///default", "define %s; dumpxml test1 --inactive" % path]
    )
    if done.returncode != 0:
        yield done.stdout + done.stderr
        return
    domain = ET.fromstring(done.stdout[done.stdout.index("<domain") :])

    def facts(elements):
        return sorted(
            str(
                (
                    element.tag,
                    element.get("type"),
                    element.get("managed"),
                    source_of(element)
                    if element.find("source/address") is not None
                    else element.find("source").attrib,
                    [
                        part.attrib
                        for part in element
                        if part.tag in ("mac", "alias", "teaming", "model")
                    ],
                )
            )
            for element in elements
        )

    yield from same(
        facts(elements),
        facts(
            domain.find("devices").findall("hostdev") + domain.find("devices").findall("interface")
        ),
        "elements in libvirt",
    )


# ---- machines ----


def add_devices_for_all(tree):
    """Adds devices in groups to the made machine: variant drivers, VFs whose PF has no
    interface, VFs of other classes, a domain other than 0."""
    enabled = {"sriov_totalvfs": "8", "sriov_numvfs": "8"}
    tree.device("10000:81:00.0", 0x15B3, 0x1019, driver="mlx5_core", group=100, files=enabled)
    for name, port in (("eth7", "pf0vf0"), ("eth20", "p0")):
        tree.interface("10000:81:00.0", name, port=port)
    for i, driver in enumerate(("mlx5_core", "mlx5_vfio_pci", "vfio-pci", None)):
        tree.virtual_function(
            "10000:81:00.0",
            i,
            "10000:81:00.%d" % (i + 1),
            0x15B3,
            0x101A,
            group=101 + i,
            driver=driver,
        )
    tree.interface("10000:81:00.1", "eth21")
    tree.virtual_function(
        "10000:81:00.0",
        4,
        "10000:81:00.5",
        0x15B3,
        0x101A,
        klass=0x020700,
        group=105,
        driver="vfio-pci",
    )
    tree.device("0000:82:00.0", 0x8086, 0x10FB, driver="vfio-pci", group=110, files=enabled)
    tree.virtual_function(
        "0000:82:00.0", 0, "0000:82:10.0", 0x8086, 0x10ED, group=111, driver="vfio-pci"
    )
    tree.device("0000:83:00.0", 0x10DE, 0x2342, 0x030200, driver="nvgrace-gpu-vfio-pci", group=112)
    tree.vgpu_device("0000:85:00", 106, 107)
    # the GPU shares a group with its audio function
    for function, driver in enumerate(("vfio-pci", "snd_hda_intel")):
        tree.device(
            "0000:84:00.%d" % function,
            0x10DE,
            0x2204 + function,
            0x030000,
            group=113,
            driver=driver,
        )
        os.symlink(
            tree.directory("0000:84:00.%d" % function),
            os.path.join(
                tree.path("sys/kernel/iommu_groups/113/devices"), "0000:84:00.%d" % function
            ),
        )


def make_group_folders(tree):
    """Creates the lists of devices of the groups."""
    for number in range(100, 114):
        os.makedirs(tree.path("sys/kernel/iommu_groups/%d/devices" % number), exist_ok=True)


HOSTILE_DRIVERS = ["a--b---", "-->", "vfio--><x/>", "vfio' x='", "x\x1b[2J\xff-", "a]]>&amp;<!--"]
HOSTILE_INTERFACES = ["a'b", 'a"b', "a&b", "a<b>", "-->", "]]>", "\u00e4\u20ac"]
UNWRITABLE_INTERFACES = [b"a\x01b", b"a\x1bb", b"a\xffb", b"a\tb"]


def make_hostile(root):
    """Drivers and interfaces with names that could break XML. All devices are in groups."""
    tree = Tree(root, "hostile")
    tree.hostname("<'&--\x1b>")
    for i, name in enumerate(HOSTILE_DRIVERS):
        tree.device(
            "0000:%02x:00.0" % (i + 1), 0x8086, 0x10D3, group=i, driver=name.replace("/", "_")
        )
    for i, name in enumerate(
        [name.encode() for name in HOSTILE_INTERFACES] + UNWRITABLE_INTERFACES
    ):
        pf, vf = "0000:%02x:00.0" % (i + 0x40), "0000:%02x:10.0" % (i + 0x40)
        directory = tree.device(
            pf, 0x8086, 0x10FB, group=64 + i, files={"sriov_totalvfs": "1", "sriov_numvfs": "1"}
        )
        os.makedirs(os.fsencode(directory) + b"/net/" + name)
        tree.virtual_function(pf, 0, vf, 0x8086, 0x10ED, group=128 + i)
    return tree.machine


def check_hostile(machine):
    """Names are escaped; an interface whose name XML cannot represent gets no virtio interface."""
    text = machine.pciprobe("-a", "-f", "libvirt", "--teaming")
    for character in sorted(set(re.findall("[\x00-\x09\x0b-\x1f\x7f\ufffe]", text))):
        yield "unescaped control character %r" % character
    devices = [
        element.find("source").get("dev")
        for element in elements_of(machine, "--teaming")
        if element.get("type") == "direct"
    ]
    yield from same(HOSTILE_INTERFACES, devices, "interfaces")
    yield from same(
        len(HOSTILE_INTERFACES) + len(UNWRITABLE_INTERFACES), len(macs_of(machine)), "number of VFs"
    )


def recordings(folder):
    source = os.path.join(SOURCES, "tests/recordings")
    found = []
    for name in sorted(os.listdir(source)):
        if name.endswith(".tar.xz"):
            with tarfile.open(os.path.join(source, name)) as tar:
                tar.extractall(
                    folder, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {})
                )
            name = name[: -len(".tar.xz")]
            found.append(Machine("recording " + name, os.path.join(folder, name, "root")))
    return found


def check_machine(tap, machine, folder):
    tap.check("%s: devices have the expected elements" % machine.name, check_devices, machine)
    tap.check("%s: interfaces are paired with virtio" % machine.name, check_teaming, machine)
    for arguments in ((), ("--teaming",)):
        name = " ".join((machine.name, *arguments))
        tap.check(
            "%s: libvirt's schema accepts it" % name, check_schema, machine, folder, *arguments
        )
        tap.check(
            "%s: libvirt's parser accepts it" % name, check_parser, machine, folder, *arguments
        )


def main():
    for program in ("virt-xml-validate", "xmllint", "virsh"):
        if not shutil.which(program):
            print("1..0 # SKIP no %s (Debian packages libvirt-clients and libxml2-utils)" % program)
            return
    tap = Tap(needs_lspci=False)
    with tempfile.TemporaryDirectory(prefix="pciprobe-libvirt-") as folder:
        trees = [make_machine(os.path.join(folder, name), name) for name in ("made", "other")]
        for tree in trees:
            make_group_folders(tree)
            add_devices_for_all(tree)
        trees[1].hostname("gpu-18.example.org")
        made, other = (tree.machine for tree in trees)
        machines = all_machines() + recordings(folder) + [made]
        for machine in machines:
            check_machine(tap, machine, folder)
        tap.check("made: all cases are present", check_kinds, made)
        tap.check("made: --iommufd is in all drivers", check_devices, made, "--iommufd")
        for check, what in ((check_schema, "schema"), (check_parser, "parser")):
            tap.check(
                "made --iommufd: libvirt's %s accepts it" % what, check, made, folder, "--iommufd"
            )
        tap.check("made: the documented command splits a pair", check_split_command, made, folder)
        tap.check("made: MAC addresses are valid and unique", check_macs, made)
        tap.check("another host: MAC addresses differ", check_macs_of_another_host, made, other)
        hostile = make_hostile(os.path.join(folder, "hostile"))
        tap.check("hostile names: devices have the expected elements", check_devices, hostile)
        tap.check("hostile names: names are escaped", check_hostile, hostile)
        tap.check(
            "hostile names: libvirt's parser accepts them",
            check_parser,
            hostile,
            folder,
            "--teaming",
        )
        tap.check("hostile names: libvirt's schema accepts them", check_schema, hostile, folder)
    tap.done()


if __name__ == "__main__":
    main()
