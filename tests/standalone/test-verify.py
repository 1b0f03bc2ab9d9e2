#!/usr/bin/python3 -B
# SPDX-License-Identifier: GPL-2.0-or-later
"""'pciprobe verify' finds each kind of difference in what each frontend's own client prints.
Prints TAP. PCIPROBE is the program.

The formats are those of OpenNebula's onehost (host.xsd, HostSharePCI.cc of 2026-08), CloudStack's
listGpuDevices (GpuDeviceResponse.java of 4.21), Nova's table pci_devices (db/main/models.py of
2026-08) and placement's providers (compute/pci_placement_translator.py), Proxmox VE's VM
configurations, and libvirt's domain XML."""
import json
import os
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../conformance"))
# pylint: disable=wrong-import-position
import machines  # noqa: E402
from machines import Tap  # noqa: E402
from tree import Tree  # noqa: E402

UUIDS = {name: "2c4e0b0c-7b1a-4f53-8d5a-0d4e33c0e1b%d" % i for i, name in enumerate("abcd")}
FIRST, SECOND, FREE, NEW, HOST, HIDDEN, GONE = ("0000:%02x:00.0" % i for i in (1, 2, 3, 4, 5, 6, 9))
CONFIG = ":filter: '10de:2204'\n"


def make_machine(root, first, second, vmids=False):
    """The VMs FIRST and SECOND, (name, uuid), hold the first two devices; HIDDEN is held by a
    process that does not show its VM."""
    tree = Tree(root)
    tree.hostname("host1.example")
    tree.process(1, "/sbin/init")
    for i, address in enumerate((FIRST, SECOND, FREE, NEW)):
        tree.device(address, 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=i)
    tree.device(HOST, 0x8086, 0x10D3, driver="e1000e", group=8)
    tree.device(HIDDEN, 0x10DE, 0x1111, 0x030000, driver="vfio-pci", group=9)
    for pid, (name, uuid), address, group in (
        (151, first, FIRST, 0),
        (152, second, SECOND, 1),
    ):
        identity = ["-id", str(pid - 46)] if vmids else []
        tree.process(
            pid,
            "/usr/bin/qemu-system-x86_64",
            *identity,
            "-name",
            "guest=" + name,
            "-uuid",
            uuid,
            "-device",
            "vfio-pci,host=" + address,
            opened=["/dev/vfio/%d" % group],
        )
    tree.process(153, "/usr/bin/qemu-system-x86_64", opened=["/dev/vfio/9"])
    tree.file("pci.conf", CONFIG)
    return tree


class Verify:
    """Runs 'pciprobe verify SYSTEM' on a machine."""

    def __init__(self, system, tree, *options):
        self.system = system
        self.tree = tree
        self.options = options

    def run(self, *arguments, text=None):
        command = [machines.PCIPROBE, "--sysroot", self.tree.root, "verify", self.system]
        return subprocess.run(
            [*command, *self.options, *arguments],
            input=text,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            timeout=machines.TIMEOUT,
            text=True,
            check=False,
        )

    def problems(self, text, status, wanted, files=("-",)):
        """WANTED: for each device in the output the kind, the VM whose record is stale ("": none)
        and the command."""
        done = self.run("--json", *files, text=text)
        if done.returncode != status:
            yield "exit status %d instead of %d: %s" % (done.returncode, status, done.stderr)
        found = {}
        for line in done.stdout.splitlines():
            entry = json.loads(line)
            stale = entry.get("stale_vm") or {}
            # without an id in the records, the name
            label = stale.get("id") or stale.get("name") or ""
            found[entry["device"]] = (entry["kind"], label, entry["command"])
            if (entry["stale"] is None) != (entry["kind"] == "unknown"):
                yield "stale is %s: %s" % (entry["stale"], line)
        if found != wanted:
            yield "wanted: %s" % wanted
            yield "found:  %s" % found
            yield done.stderr
        plain = self.run(*files, text=text)
        if plain.returncode != status:
            yield "exit status %d without --json" % plain.returncode
        lines = plain.stdout.splitlines()
        if [line.split(": ")[0] for line in lines] != list(found):
            yield "the lines are not those of the objects: %s" % plain.stdout
        for line in lines:
            kind, _, command = found.get(line.split(": ")[0], ("", "", None))
            if not line.split(": ")[1] == kind or (command and not line.endswith(": " + command)):
                yield "line: " + line


# ---- OpenNebula ----


def onehost(*devices, vms=(42, 43)):
    """As 'onehost show -x' prints: (address, VMID or -1)."""
    text = "<HOST>\n  <ID>3</ID>\n  <NAME>host1</NAME>\n  <HOST_SHARE>\n    <PCI_DEVICES>\n"
    for address, vmid in devices:
        bus = address[5:7]
        text += (
            "      <PCI>\n        <ADDRESS><![CDATA[%s]]></ADDRESS>\n"
            "        <BUS><![CDATA[%s]]></BUS>\n        <CLASS><![CDATA[0300]]></CLASS>\n"
            "        <DEVICE><![CDATA[2204]]></DEVICE>\n        <DEVICE_NAME><![CDATA[a & b]]>"
            "</DEVICE_NAME>\n        <SHORT_ADDRESS><![CDATA[%s]]></SHORT_ADDRESS>\n"
            "        <VENDOR><![CDATA[10de]]></VENDOR>\n        <VMID><![CDATA[%d]]></VMID>\n"
            "      </PCI>\n" % (address.replace(".", ":"), bus, address[5:], vmid)
        )
    text += "    </PCI_DEVICES>\n  </HOST_SHARE>\n  <VMS>\n"
    text += "".join("    <ID>%d</ID>\n" % vm for vm in vms)
    return text + "  </VMS>\n</HOST>\n"


def check_opennebula(tap, folder):
    tree = make_machine(os.path.join(folder, "one"), ("one-42", UUIDS["a"]), ("one-43", UUIDS["b"]))
    verify = Verify("opennebula", tree, "-c", tree.path("pci.conf"))
    good = [(FIRST, 42), (SECOND, 43), (FREE, -1), (NEW, -1)]

    def check(name, status, wanted, *devices, vms=(42, 43)):
        tap.check(
            "opennebula: " + name, verify.problems, onehost(*devices, vms=vms), status, wanted
        )

    check("records that agree", 0, {}, *good)
    check(
        "a powered off VM keeps its device", 0, {}, *good[:2], (FREE, 44), good[3], vms=(42, 43, 44)
    )
    check(
        "VM gone, but VMID still set",
        1,
        {FREE: ("vm-gone", "44", "onedb fsck")},
        *good[:2],
        (FREE, 44),
        good[3],
    )
    check(
        "the VM runs without the device",
        1,
        {FREE: ("vm-gone", "42", "onevm undeploy 42")},
        *good[:2],
        (FREE, 42),
        good[3],
    )
    check(
        "held by a VM that the records do not know",
        1,
        {FIRST: ("not-recorded", "", "onevm poweroff 42")},
        (FIRST, -1),
        *good[1:],
    )
    check(
        "held by another VM",
        1,
        {FIRST: ("other-vm", "44", "onevm poweroff 42")},
        (FIRST, 44),
        *good[1:],
        vms=(42, 43, 44),
    )
    check("device gone", 1, {GONE: ("device-gone", "", "onehost forceupdate 3")}, *good, (GONE, -1))
    check(
        "device of a VM gone",
        1,
        {GONE: ("device-gone", "42", "onevm undeploy 42")},
        *good,
        (GONE, 42),
    )
    check("new device", 1, {NEW: ("new-device", "", "onehost forceupdate 3")}, *good[:3])
    check(
        "one device with two VMs",
        1,
        {FIRST: ("two-vms", "43", "onevm undeploy 43")},
        *good,
        (FIRST, 43),
    )
    check(
        "one device with two VMs that do not have it",
        1,
        {FREE: ("two-vms", "", None)},
        *good[:2],
        (FREE, 44),
        (FREE, 45),
        good[3],
        vms=(42, 43, 44, 45),
    )
    check(
        "not selected by pci.conf any more",
        1,
        {HOST: ("not-offered", "", "onehost forceupdate 3")},
        *good,
        (HOST, -1),
    )
    check(
        "one device with two VMs, one of which is gone",
        1,
        {FREE: ("two-vms", "45", "onedb fsck")},
        *good[:2],
        (FREE, 44),
        (FREE, 45),
        good[3],
        vms=(42, 43, 44),
    )
    tap.check(
        "opennebula: the VM of a process is not known",
        Verify("opennebula", tree, "-a").problems,
        onehost(*good, (HOST, -1), (HIDDEN, 44), vms=(42, 43, 44)),
        3,
        {HIDDEN: ("unknown", "", None)},
    )
    recording = Tree(os.path.join(folder, "recording"))
    recording.hostname("host1")
    recording.device(FIRST, 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=0)
    recording.file("pci.conf", CONFIG)
    tap.check(
        "opennebula: an unknown owner is not a difference, but the status is 3",
        Verify("opennebula", recording, "-a").problems,
        onehost((FIRST, 42)),
        3,
        {FIRST: ("unknown", "", None)},
    )
    tap.check(
        "opennebula: a difference outranks what is unknown",
        Verify("opennebula", recording, "-a").problems,
        onehost((FIRST, 42), (GONE, -1)),
        1,
        {FIRST: ("unknown", "", None), GONE: ("device-gone", "", "onehost forceupdate 3")},
    )
    other = onehost((GONE, 44)).replace("host1", "host2").replace("<ID>3<", "<ID>4<")
    tap.check(
        "opennebula: of several hosts only this one counts",
        verify.problems,
        "<HOST_POOL>" + onehost(*good) + other + "</HOST_POOL>",
        0,
        {},
    )
    for name, text in (
        ("truncated XML", onehost(*good)[:-20]),
        ("an entity", '<!DOCTYPE HOST [<!ENTITY e "secret">]>' + onehost(*good)),
        ("another document", "<VM><ID>secret</ID></VM>"),
        ("no XML", "root:secret:1\n"),
        ("nothing", ""),
        ("a NUL byte", onehost(*good) + "\0secret"),
        ("hosts of other names", (other + other.replace("host2", "host3"))),
    ):
        tap.check("opennebula: rejects " + name, rejected, verify, text)
    tap.check(
        "opennebula: an invalid device is left out and reported",
        invalid,
        verify,
        onehost(*good).replace("<VMID><![CDATA[-1]]>", "<VMID><![CDATA[secret]]>", 1),
        {FREE: "new-device"},
        1,
    )


def rejected(verify, text):
    """Status 3, a message that does not quote the contents, and no output."""
    done = verify.run("-", text=text)
    if done.returncode != 3 or done.stdout or not done.stderr or "secret" in done.stderr:
        yield "exit status %d, output: %s, errors: %s" % (
            done.returncode,
            done.stdout,
            done.stderr,
        )


def invalid(verify, text, kinds, status):
    done = verify.run("--json", "-", text=text)
    found = {entry["device"]: entry["kind"] for entry in map(json.loads, done.stdout.splitlines())}
    if done.returncode != status or found != kinds or "invalid" not in done.stderr:
        yield "exit status %d, found %s: %s" % (done.returncode, found, done.stderr)
    if "secret" in done.stderr:
        yield "quoted: " + done.stderr


# ---- CloudStack ----

UUID_OF = "11111111-1111-4111-8111-%012d"


def gpu(address, vm=None, vm_state="Running", state=None, host="host1"):
    """As GpuServiceImpl.java fills in a GpuDeviceResponse; VM is (instance name, uuid)."""
    device = {
        "id": UUID_OF % int(address[5:7], 16),
        "busaddress": address[5:],
        "type": "PCI",
        "hostid": UUID_OF % 777,
        "hostname": host,
        "gpucardname": "NVIDIA Corporation GA102",
        "vgpuprofilename": "passthrough",
        "state": state or ("Allocated" if vm else "Free"),
        "managedstate": "Managed",
        "numanode": "0",
    }
    if vm:
        device.update(
            virtualmachineid=vm[1], virtualmachinename=vm[0], virtualmachinestate=vm_state
        )
    return device


def gpus(*devices):
    return json.dumps({"count": len(devices), "gpudevice": devices}, indent=2)


def check_cloudstack(tap, folder):
    first, second = ("i-2-10-VM", UUIDS["a"]), ("i-2-11-VM", UUIDS["b"])
    third = ("i-2-12-VM", UUIDS["c"])
    tree = make_machine(os.path.join(folder, "cloudstack"), first, second)
    verify = Verify("cloudstack", tree, "-c", tree.path("pci.conf"))
    good = [gpu(FIRST, first), gpu(SECOND, second), gpu(FREE), gpu(NEW)]
    discover = "cmk discover gpudevices id=" + UUID_OF % 777

    def check(name, status, wanted, *devices):
        tap.check("cloudstack: " + name, verify.problems, gpus(*devices), status, wanted)

    check("records that agree", 0, {}, *good)
    check("a stopped VM keeps its device", 0, {}, *good[:2], gpu(FREE, third, "Stopped"), good[3])
    check(
        "VM running in the records, but not with the device",
        1,
        {FREE: ("vm-gone", UUIDS["c"], discover)},
        *good[:2],
        gpu(FREE, third),
        good[3],
    )
    check(
        "VM expunged, but still recorded",
        1,
        {FREE: ("vm-gone", UUIDS["c"], discover)},
        *good[:2],
        gpu(FREE, third, "Expunging"),
        good[3],
    )
    check(
        "VM missing from the database",
        1,
        {FREE: ("vm-gone", "", discover)},
        *good[:2],
        gpu(FREE, state="Allocated"),
        good[3],
    )
    check(
        "held by a VM that the records do not know",
        1,
        {FIRST: ("not-recorded", "", discover)},
        gpu(FIRST),
        *good[1:],
    )
    check(
        "held by another VM",
        1,
        {FIRST: ("other-vm", UUIDS["c"], discover)},
        gpu(FIRST, third),
        *good[1:],
    )
    check(
        "device gone",
        1,
        {GONE: ("device-gone", "", "cmk delete gpudevice ids=" + UUID_OF % 9)},
        *good,
        gpu(GONE),
    )
    check("new device", 1, {NEW: ("new-device", "", discover)}, *good[:3])
    check(
        "one device with two VMs",
        1,
        {FIRST: ("two-vms", UUIDS["c"], "cmk stop virtualmachine id=" + UUIDS["c"])},
        *good,
        gpu(FIRST, third),
    )
    check(
        "not selected by pci.conf any more",
        1,
        {HOST: ("not-offered", "", "cmk unmanage gpudevice ids=" + UUID_OF % 5)},
        *good,
        gpu(HOST),
    )
    check(
        "a device in the state Error is not compared", 0, {}, gpu(FIRST, state="Error"), *good[1:]
    )
    check("other hosts do not count", 0, {}, *good, gpu(GONE, third, host="host2"))
    tap.check(
        "cloudstack: the answer of the API itself",
        verify.problems,
        json.dumps({"listgpudevicesresponse": {"count": 4, "gpudevice": good}}),
        0,
        {},
    )
    pf = Tree(os.path.join(folder, "vfs"))
    pf.hostname("host1")
    pf.process(1, "/sbin/init")
    enabled = {"sriov_totalvfs": "4", "sriov_numvfs": "1"}
    pf.device(FIRST, 0x10DE, 0x2205, driver="nvidia", group=1, files=enabled)
    pf.virtual_function(FIRST, 0, "0000:01:01.0", 0x10DE, 0x2204, driver="vfio-pci", group=10)
    pf.file("pci.conf", CONFIG)
    vf = dict(gpu(FIRST), busaddress="01:01.0", id=UUID_OF % 99)
    tap.check(
        "cloudstack: the PF of a selected VF is listed, too",
        Verify("cloudstack", pf, "-c", pf.path("pci.conf")).problems,
        gpus(gpu(FIRST, state="Free"), vf),
        0,
        {},
    )
    for name, text in (
        ("truncated JSON", gpus(*good)[:-20]),
        ("another document", '{"virtualmachine": [{"id": "secret"}]}'),
        ("no JSON", "secret"),
        ("an endless depth", "[" * 100000),
    ):
        tap.check("cloudstack: rejects " + name, rejected, verify, text)


# ---- Nova ----

COLUMNS = (
    "created_at updated_at deleted_at deleted id compute_node_id address product_id vendor_id "
    "dev_type dev_id label status extra_info instance_uuid request_id numa_node parent_addr uuid"
).split()


def pci_devices(*devices, node="1"):
    """As 'mysql -B' prints the table: (address, status, instance)."""
    lines = ["\t".join(COLUMNS)]
    for i, (address, status, instance) in enumerate(devices):
        row = dict.fromkeys(COLUMNS, "NULL")
        row.update(
            created_at="2026-11-01 10:00:00",
            deleted="0",
            id=str(i + 1),
            compute_node_id=node,
            address=address,
            product_id="2204",
            vendor_id="10de",
            dev_type="type-PCI",
            dev_id="pci_" + address.replace(":", "_").replace(".", "_"),
            label="label_10de_2204",
            status=status,
            extra_info='{"capabilities": "{}"}',
            instance_uuid=instance or "NULL",
        )
        lines.append("\t".join(row[name] for name in COLUMNS))
    return "\n".join(lines) + "\n"


def placement(*providers):
    """As 'openstack resource provider show --allocations -f json' prints: (address, consumers)."""
    return json.dumps(
        [
            {
                "uuid": UUID_OF % i,
                "name": "host1.example_" + address.upper(),
                "generation": 3,
                "root_provider_uuid": UUID_OF % 777,
                "parent_provider_uuid": UUID_OF % 777,
                "allocations": {
                    consumer: {"resources": {"CUSTOM_PCI_10DE_2204": 1}} for consumer in consumers
                },
            }
            for i, (address, consumers) in enumerate(providers)
        ]
    )


def check_nova(tap, folder):
    a, b, c = (UUIDS[name] for name in "abc")
    tree = make_machine(
        os.path.join(folder, "nova"), ("instance-0000000a", a), ("instance-0000000b", b)
    )
    verify = Verify("nova-db", tree, "-c", tree.path("pci.conf"))
    restart = "systemctl restart nova-compute"
    good = [
        (FIRST, "allocated", a),
        (SECOND, "allocated", b),
        (FREE, "available", None),
        (NEW, "available", None),
    ]

    def check(name, status, wanted, *devices):
        tap.check("nova-db: " + name, verify.problems, pci_devices(*devices), status, wanted)

    check("records that agree", 0, {}, *good)
    check("a claimed device is not used yet", 0, {}, *good[:2], (FREE, "claimed", c), good[3])
    check("deleted and removed devices do not count", 0, {}, *good, (GONE, "removed", None))
    check(
        "the instance may be stopped, and libvirt cannot be asked",
        3,
        {FREE: ("unknown", "", None)},
        *good[:2],
        (FREE, "allocated", c),
        good[3],
    )
    check(
        "the instance runs without the device",
        1,
        {FREE: ("vm-gone", a, "openstack server reboot --hard " + a)},
        *good[:2],
        (FREE, "allocated", a),
        good[3],
    )
    check(
        "allocated to nobody",
        1,
        {FREE: ("vm-gone", "", restart)},
        *good[:2],
        (FREE, "allocated", None),
        good[3],
    )
    check(
        "held by an instance that the records do not know",
        1,
        {FIRST: ("not-recorded", "", "openstack server reboot --hard " + a)},
        (FIRST, "available", None),
        *good[1:],
    )
    check(
        "held by another instance",
        1,
        {FIRST: ("other-vm", c, "openstack server reboot --hard " + a)},
        (FIRST, "allocated", c),
        *good[1:],
    )
    check("device gone", 1, {GONE: ("device-gone", "", restart)}, *good, (GONE, "available", None))
    check("new device", 1, {NEW: ("new-device", "", restart)}, *good[:3])
    check(
        "one device with two instances",
        1,
        {FIRST: ("two-vms", c, "openstack server migrate " + c)},
        *good,
        (FIRST, "allocated", c),
    )
    check("a device outside of pci.conf", 0, {}, *good, (HOST, "available", None))
    tap.check(
        "nova-db: without -c no device is expected in the records",
        Verify("nova-db", tree).problems,
        pci_devices(*good[:2]),
        0,
        {},
    )
    audit = "nova-manage placement audit --delete --resource_provider " + UUID_OF % 2
    tap.check(
        "nova-db: placement agrees",
        verify.problems,
        placement((FIRST, [a]), (SECOND, [b]), (FREE, []), (NEW, [])),
        0,
        {},
    )
    tap.check(
        "nova-db: placement has a stale and a missing allocation, and lacks a device",
        verify.problems,
        placement((FIRST, []), (SECOND, [b]), (FREE, [a])),
        1,
        {
            FIRST: ("not-recorded", "", "nova-manage placement heal_allocations --instance " + a),
            FREE: ("vm-gone", a, audit),
            NEW: ("new-device", "", restart),
        },
    )
    several = (
        pci_devices(*good) + pci_devices((GONE, "available", None), node="2").split("\n", 1)[1]
    )
    for name, text in (
        ("several nodes without names", several),
        ("a table without a header", pci_devices(*good).split("\n", 1)[1]),
        ("another file", "secret:x\n"),
    ):
        tap.check("nova-db: rejects " + name, rejected, verify, text)
    tap.check(
        "nova-db: an invalid row is left out and reported",
        invalid,
        verify,
        pci_devices(*good, (GONE, "secret", None)),
        {},
        3,
    )
    pf = Tree(os.path.join(folder, "pf"))
    pf.hostname("host1.example")
    pf.process(1, "/sbin/init")
    pf.device(FIRST, 0x10DE, 0x2204, driver="nvidia", group=1, files={"sriov_totalvfs": "4"})
    for i in range(3):
        pf.virtual_function(
            FIRST, i, "0000:01:01.%d" % i, 0x10DE, 0x2205, driver="vfio-pci", group=10 + i
        )
    pf.process(
        151,
        "/usr/bin/qemu-system-x86_64",
        "-name",
        "guest=instance-0000000a",
        "-uuid",
        a,
        opened=["/dev/vfio/10"],
    )
    pf.process(
        152,
        "/usr/bin/qemu-system-x86_64",
        "-name",
        "guest=instance-0000000b",
        "-uuid",
        b,
        opened=["/dev/vfio/11"],
    )
    pool = Verify("nova-db", pf)
    tap.check(
        "nova-db: the provider of a PF stands for its VFs",
        pool.problems,
        placement((FIRST, [a, b])),
        0,
        {},
    )
    tap.check(
        "nova-db: a VF held by an instance without an allocation",
        pool.problems,
        placement((FIRST, [a])),
        1,
        {
            "0000:01:01.1": (
                "not-recorded",
                "",
                "nova-manage placement heal_allocations --instance " + b,
            )
        },
    )


# ---- Proxmox ----


def check_proxmox(tap, folder):
    tree = make_machine(
        os.path.join(folder, "pve"), ("web", UUIDS["a"]), ("db", UUIDS["b"]), vmids=True
    )
    tree.file(
        "run/qemu-server/pci-id-reservations",
        "%s 105 pid:151\n%s 106 pid:152" % (FIRST, SECOND),
    )
    verify = Verify("proxmox", tree)

    def problems(files, status, wanted, copies=False):
        names = []
        for name in os.listdir(tree.path("etc/pve/qemu-server")) if files else ():
            os.unlink(tree.path("etc/pve/qemu-server", name))
        for name, text in files.items():
            directory = "copies" if copies else "etc/pve"
            path = "mapping/pci.cfg" if name == "pci.cfg" else "qemu-server/" + name
            tree.file(os.path.join(directory, path), text)
            names.append(tree.path(directory, path))
        return verify.problems(None, status, wanted, files=names if copies else ())

    os.makedirs(tree.path("etc/pve/qemu-server"))
    good = {
        "105.conf": "name: web\nhostpci0: 0000:01:00,pcie=1\n",
        "106.conf": "name: db\nhostpci0: host=0000:02:00.0\n",
        "107.conf": "name: stopped\nhostpci0: 0000:03:00.0\n[old]\nhostpci1: 0000:09:00.0\n",
    }
    tap.check("proxmox: configurations that agree", problems, good, 0, {})
    tap.check("proxmox: the same as copies", problems, good, 0, {}, True)
    tap.check(
        "proxmox: held by a VM whose configuration lacks it",
        problems,
        dict(good, **{"105.conf": "name: web\n"}),
        1,
        {FIRST: ("not-recorded", "", "qm reboot 105")},
    )
    tap.check(
        "proxmox: held by another VM",
        problems,
        dict(good, **{"105.conf": "name: web\n", "108.conf": "hostpci3: 0000:01:00\n"}),
        1,
        {FIRST: ("other-vm", "108", "qm set 108 --delete hostpci3")},
    )
    tap.check(
        "proxmox: device gone",
        problems,
        dict(good, **{"107.conf": "hostpci1: 0000:09:00.0\n"}),
        1,
        {GONE: ("device-gone", "107", "qm set 107 --delete hostpci1")},
    )
    tap.check(
        "proxmox: one device with two VMs",
        problems,
        dict(good, **{"108.conf": "hostpci0: 01:00.0\n"}),
        1,
        {FIRST: ("two-vms", "108", "qm set 108 --delete hostpci0")},
    )
    mapped = {
        "105.conf": "hostpci0: mapping=gpu\n",
        "107.conf": "hostpci0: mapping=gpu\n",
        "pci.cfg": "gpu\n\tmap id=10de:2204,node=host1,path=0000:01:00.0\n"
        "\tmap id=10de:2204,node=host1,path=0000:03:00.0\n"
        "\tmap id=10de:2204,node=host2,path=0000:09:00.0\n",
    }
    tap.check(
        "proxmox: two VMs can share a mapping of several devices",
        problems,
        dict(good, **mapped),
        0,
        {},
    )
    tap.check(
        "proxmox: a configuration that cannot be understood makes the status 3",
        problems,
        dict(good, **{"107.conf": "hostpci0: nonsense\n"}),
        3,
        {FREE: ("unknown", "", None), NEW: ("unknown", "", None)},
    )
    tap.check("proxmox: rejects a file of another name", rejected_file, verify, tree)


def rejected_file(verify, tree):
    done = verify.run(tree.path("pci.conf"))
    if done.returncode != 3 or done.stdout or "expected the name of a VM" not in done.stderr:
        yield "exit status %d: %s" % (done.returncode, done.stderr)


# ---- libvirt ----


def domain(name, uuid, *addresses, runs=False):
    """As 'virsh dumpxml' prints it."""
    text = "<domain type='kvm'%s>\n  <name>%s</name>\n  <uuid>%s</uuid>\n  <devices>\n" % (
        " id='7'" if runs else "",
        name,
        uuid,
    )
    for address in addresses:
        text += (
            "    <hostdev mode='subsystem' type='pci' managed='yes'>\n      <driver name='vfio'/>\n"
            "      <source>\n        <address domain='0x0000' bus='0x%s' slot='0x00' "
            "function='0x0'/>\n      </source>\n    </hostdev>\n" % address[5:7]
        )
    return text + "  </devices>\n</domain>\n\n"


def check_libvirt(tap, folder):
    a, b, c = (UUIDS[name] for name in "abc")
    tree = make_machine(os.path.join(folder, "libvirt"), ("web", a), ("db", b))
    verify = Verify("libvirt", tree)
    web, db = domain("web", a, FIRST, runs=True), domain("db", b, SECOND, runs=True)
    # HIDDEN is held by a process without a name, which is not libvirt's

    def check(name, status, wanted, *domains):
        tap.check("libvirt: " + name, verify.problems, "".join(domains), status, wanted)

    check("XML that agrees", 0, {}, web, db, domain("web", a, FIRST), domain("idle", c, FREE))
    check(
        "a domain that should run with the device",
        1,
        {FREE: ("vm-gone", "idle", "virsh dumpxml idle")},
        web,
        db,
        domain("idle", c, FREE, runs=True),
    )
    check(
        "held by a domain whose XML lacks it",
        1,
        {FIRST: ("not-recorded", "", None)},
        domain("web", a, FREE),
        db,
    )
    check(
        "held by another domain",
        1,
        {FIRST: ("other-vm", "idle", "virsh edit idle")},
        db,
        domain("idle", c, FIRST),
    )
    check(
        "device gone",
        1,
        {GONE: ("device-gone", "it's; reboot", "virsh edit 'it'\\''s; reboot'")},
        web,
        db,
        domain("it's; reboot", c, GONE),
    )
    check(
        "one device with two domains",
        1,
        {FIRST: ("two-vms", "idle", "virsh edit idle")},
        web,
        db,
        domain("idle", c, FIRST),
    )
    check(
        "a name that a terminal would interpret is in no command",
        1,
        {GONE: ("device-gone", "x\u009b", None)},
        web,
        db,
        domain("x&#x9b;", c, GONE),
    )
    check(
        "the VM of a process is not known",
        3,
        {HIDDEN: ("unknown", "", None)},
        web,
        db,
        domain("idle", c, HIDDEN),
    )
    paths = []
    for name, text in (("web.xml", "<?xml version='1.0'?>\n<!-- x -->\n" + web), ("db.xml", db)):
        tree.file(name, text)
        paths.append(tree.path(name))
    tap.check("libvirt: several files", verify.problems, None, 0, {}, paths)
    for name, text in (
        ("elements around a domain", "</records><records>" + web),
        ("text", "secret" + web),
        ("a domain without a name", web.replace("<name>web</name>", "")),
        ("an invalid UUID", web.replace(a, "secret")),
        ("depth", "<domain>" + "<a>" * 5000),
        ("too much", " " * (9 << 20)),
    ):
        tap.check("libvirt: rejects " + name, rejected, verify, text)
    tap.check(
        "libvirt: an invalid device is left out and reported",
        invalid,
        verify,
        web + db + domain("idle", c, FREE).replace("bus='0x03'", "bus='secret'"),
        {},
        3,
    )


def main():
    tap = Tap(needs_lspci=False)
    with tempfile.TemporaryDirectory(prefix="pciprobe-verify-") as folder:
        for check in (
            check_opennebula,
            check_cloudstack,
            check_nova,
            check_proxmox,
            check_libvirt,
        ):
            check(tap, folder)
    tap.done(wants_machines=False)


main()
