# SPDX-License-Identifier: GPL-2.0-or-later
"""Creates directories that look like /sys to both pciprobe and lspci."""
import contextlib
import os
import shutil
import struct

from machines import Machine

CONFIG_SIZE = 64


UUID = "4b20d080-1b54-4048-85b3-a6a62d165c01"


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content if isinstance(content, bytes) else (content + "\n").encode())


def link(path, target):
    """Creates a relative link, as in sysfs, so that the tree can be moved."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    os.symlink(os.path.relpath(target, os.path.dirname(path)), path)


def configuration_space(vendor, device, klass, revision, subsystem, buses):
    """Returns a header with ids only; lspci needs one for every device. BUSES of a bridge are those
    above it, below it, and the last one below it."""
    space = bytearray(CONFIG_SIZE)
    struct.pack_into("<HH", space, 0x00, vendor, device)
    struct.pack_into("<I", space, 0x08, klass << 8 | revision)
    if buses:
        space[0x0E] = 1  # type of the header
        space[0x18:0x1B] = buses
    else:
        struct.pack_into("<HH", space, 0x2C, *subsystem)
    return bytes(space)


class Tree:
    """A machine in the directory ROOT; methods add to it."""

    def __init__(self, root, name="made"):
        self.root = root
        self.machine = Machine(name, root)
        os.makedirs(self.path("sys/bus/pci/devices"), exist_ok=True)

    def path(self, *parts):
        return os.path.join(self.root, *parts)

    def directory(self, address):
        """Returns the real path of a device's directory."""
        return os.path.realpath(self.path("sys/bus/pci/devices", address))

    def file(self, name, content=""):
        write(self.path(name), content)

    def hostname(self, name):
        self.file("proc/sys/kernel/hostname", name)

    def process(self, pid, *arguments, opened=()):
        """Adds a process, all at once, as the kernel shows one: readers must not see half of it."""
        new = os.path.join("proc", "new-%d" % pid)
        write(
            self.path(new, "cmdline"),
            b"".join(os.fsencode(argument) + b"\0" for argument in arguments),
        )
        write(self.path(new, "stat"), "%d (made) S%s %d 0\n" % (pid, " 1" * 18, 100 + pid))
        write(self.path(new, "status"), "Name:\tmade\nUid:\t0\t0\t0\t0\n")
        os.makedirs(self.path(new, "fd"))
        for number, target in enumerate(("/dev/null", *opened)):
            os.symlink(target, self.path(new, "fd", str(number)))
            write(self.path(new, "fdinfo", str(number)), "pos:\t0\nflags:\t02\n")
            if target.removeprefix("/dev/vfio/").isdigit():
                self.group_node(target.removeprefix("/dev/vfio/"))
        self.end_process(pid)
        os.rename(self.path(new), self.path("proc", str(pid)))

    def end_process(self, pid):
        """Removes a process, if there is one, all at once."""
        old = self.path("proc", "old-%d" % pid)
        with contextlib.suppress(FileNotFoundError):
            os.rename(self.path("proc", str(pid)), old)
            shutil.rmtree(old)

    def group_node(self, group):
        """Adds the node of a VFIO group. Files in numbers/ replace the device nodes."""
        write(self.path("sys/class/vfio", str(group), "dev"), "246:%s\n" % group)
        write(self.path("numbers/dev/vfio", str(group)), "246:%s\n" % group)

    def device_node(self, number, address):
        """Adds the node of a VFIO device, /dev/vfio/devices/vfio<number>."""
        directory = os.path.join(self.directory(address), "vfio-dev/vfio%d" % number)
        write(os.path.join(directory, "dev"), "511:%d\n" % number)
        link(self.path("sys/class/vfio-dev/vfio%d" % number), directory)
        write(self.path("numbers/dev/vfio/devices/vfio%d" % number), "511:%d\n" % number)

    def vm_by_node(self, pid, name, address, number):
        """Adds a running VM that holds the device ADDRESS through the device's own node."""
        self.device_node(number, address)
        self.process(
            pid,
            "/usr/bin/qemu-system-x86_64",
            "-name",
            "guest=" + name,
            opened=["/dev/vfio/devices/vfio%d" % number],
        )

    def vm(self, pid, name, *devices, uuid=None):
        """Adds a running VM that holds DEVICES, (address, group). NAME can be bytes."""
        name = os.fsencode(name).replace(b",", b",,")
        arguments = [
            argument
            for address, _ in devices
            for argument in ("-device", "vfio-pci,host=" + address)
        ]
        self.process(
            pid,
            "/usr/bin/qemu-system-x86_64",
            "-name",
            b"guest=" + name + b",debug-threads=on",
            *(("-uuid", uuid) if uuid else ()),
            *arguments,
            opened=["/dev/vfio/%d" % group for _, group in devices]
        )

    def device(
        self,
        address,
        vendor,
        device,
        klass=0x020000,
        subsystem=(0, 0),
        revision=0,
        driver=None,
        group=None,
        parent=None,
        uevent=b"",
        files=None,
        buses=None,
    ):
        """KLASS includes the programming interface; UEVENT is appended to the kernel's lines."""
        above = (
            self.directory(parent)
            if parent
            else self.path("sys/devices/pci" + address.rsplit(":", 1)[0])
        )
        directory = os.path.join(above, address)
        texts = {
            "vendor": "0x%04x" % vendor,
            "device": "0x%04x" % device,
            "class": "0x%06x" % klass,
            "subsystem_vendor": "0x%04x" % subsystem[0],
            "subsystem_device": "0x%04x" % subsystem[1],
            "modalias": "pci:v%08Xd%08X" % (vendor, device),
            "revision": "0x%02x" % revision,
            "irq": "0",
            "resource": "0x0 0x0 0x0",
            "config": configuration_space(vendor, device, klass, revision, subsystem, buses),
            "uevent": self._uevent(address, vendor, device, klass, subsystem, driver).encode()
            + uevent,
        }
        texts.update(files or {})
        for name, content in texts.items():
            write(os.path.join(directory, name), content)
        link(self.path("sys/bus/pci/devices", address), directory)
        if driver:
            os.makedirs(self.path("sys/bus/pci/drivers", driver), exist_ok=True)
            link(os.path.join(directory, "driver"), self.path("sys/bus/pci/drivers", driver))
        if group is not None:
            link(
                os.path.join(directory, "iommu_group"),
                self.path("sys/kernel/iommu_groups", str(group)),
            )
        return directory

    @staticmethod
    def _uevent(address, vendor, device, klass, subsystem, driver):
        """Like the kernel's, but without MODALIAS, like recordings: that is a separate file."""
        lines = ["DRIVER=" + driver] if driver else []
        lines += [
            "PCI_CLASS=%X" % klass,
            "PCI_ID=%04X:%04X" % (vendor, device),
            "PCI_SUBSYS_ID=%04X:%04X" % subsystem,
            "PCI_SLOT_NAME=" + address,
        ]
        return "\n".join(lines) + "\n"

    def virtual_function(self, pf, index, address, vendor, device, **more):
        directory = self.device(address, vendor, device, **more)
        link(os.path.join(directory, "physfn"), self.directory(pf))
        link(os.path.join(self.directory(pf), "virtfn%d" % index), directory)
        return directory

    def vgpu_device(self, slot, group, vf_group, subsystem=None):
        """A GPU in NVIDIA's own framework: its VFs stay bound to its driver. The first has a vGPU."""
        more = {"driver": "nvidia"}
        if subsystem:
            more["subsystem"] = subsystem
        gpu = slot + ".0"
        self.device(gpu, 0x10DE, 0x2236, 0x030200, group=group, **more)
        for i, vgpu_type in enumerate(("558", "0")):
            vf = "%s.%d" % (slot, i + 4)
            self.virtual_function(
                gpu, i, vf, 0x10DE, 0x2236, klass=0x030200, group=vf_group + i, **more
            )
            self.file("sys/bus/pci/devices/%s/nvidia/current_vgpu_type" % vf, vgpu_type)

    def interface(self, address, name, mac="02:00:00:00:00:01", port=None, below="net"):
        directory = os.path.join(self.directory(address), below, name)
        write(os.path.join(directory, "address"), mac)
        if port is not None:
            write(os.path.join(directory, "phys_port_name"), port)


def add_bridges(tree):
    tree.device("0000:00:00.0", 0x8086, 0x29C0, 0x060000)
    tree.device(
        "0000:00:01.0", 0x8086, 0x1901, 0x060400, driver="pcieport", group=0, buses=(0, 1, 3)
    )
    tree.device(
        "0000:01:00.0", 0x10B5, 0x8747, 0x060400, parent="0000:00:01.0", group=1, buses=(1, 2, 3)
    )
    tree.device(
        "0000:02:08.0",
        0x10B5,
        0x8747,
        0x060400,
        parent="0000:01:00.0",
        group=2,
        files={"max_link_speed": "8.0 GT/s PCIe", "max_link_width": "16"},
        buses=(2, 3, 3),
    )


def add_network_devices(tree):
    tree.device(
        "0000:03:00.0",
        0x8086,
        0x10D3,
        0x020000,
        (0x8086, 0xA01F),
        0x12,
        "e1000e",
        3,
        "0000:02:08.0",
        files={
            "numa_node": "1",
            "label": "Onboard LAN",
            "power_state": "D0",
            "power/runtime_status": "active",
            "max_link_speed": "8.0 GT/s PCIe",
            "max_link_width": "8",
            "current_link_speed": "2.5 GT/s PCIe",
            "current_link_width": "1",
            "reset_method": "flr bus",
            "aer_dev_correctable": "RxErr 4\nTOTAL_ERR_COR 12",
            "aer_dev_nonfatal": "TOTAL_ERR_NONFATAL 1",
            "aer_dev_fatal": "TOTAL_ERR_FATAL 18446744073709551615",
        },
    )
    tree.interface("0000:03:00.0", "enp3s0")
    # switchdev: several interfaces with an uplink
    tree.device(
        "0000:04:00.0",
        0x15B3,
        0x101D,
        driver="mlx5_core",
        files={"sriov_totalvfs": "8", "sriov_numvfs": "0"},
    )
    for name, port in (("eth2", "pf0vf0"), ("eth10", "p0"), ("eth1", "pf0vf1")):
        tree.interface("0000:04:00.0", name, port=port)
    # several interfaces without an uplink
    tree.device("0000:04:00.1", 0x15B3, 0x101D, driver="mlx5_core", files={"numa_node": "-1"})
    tree.interface("0000:04:00.1", "eth3", port="p0x")
    tree.interface("0000:04:00.1", "eth4")
    # only one interface, named like a VF's port
    tree.device("0000:04:00.2", 0x15B3, 0x101D, driver="mlx5_core", files={"numa_node": "0"})
    tree.interface("0000:04:00.2", "eth5", port="pf0vf7")
    tree.device(
        "0000:05:00.0", 0x1AF4, 0x1041, subsystem=(0x1AF4, 0x1041), revision=1, driver="virtio-pci"
    )
    tree.interface("0000:05:00.0", "ens5", mac="52:54:00:12:34:56", below="virtio3/net")
    # names in udev rules, and one in the cache
    for function in range(4):
        tree.device(
            "0000:06:00.%d" % function,
            0x8086,
            0x1521,
            subsystem=(0x8086, 0xFFFF),
            driver="vfio-pci",
            group=40 + function,
        )
    tree.interface("0000:06:00.1", "eth6")
    tree.file(
        "etc/udev/rules.d/99-rename.rules",
        "# written by hand\n# 0000:06:00.0 <- lan0\n#  0000:06:00.1 <- lan1\n"
        'ACTION=="add", NAME="lan9" # 0000:06:00.3 <- lan9',
    )
    tree.file("var/lib/pciprobe/opennebula/pci_net_names/0000:06:00.2", "wan2")


def add_virtual_functions(tree):
    enabled = {"sriov_totalvfs": "16", "sriov_numvfs": "2"}
    tree.device("0000:07:00.0", 0x8086, 0x10FB, driver="ixgbe", group=20, files=enabled)
    tree.interface("0000:07:00.0", "enp7s0")
    for i in range(2):
        tree.virtual_function(
            "0000:07:00.0", i, "0000:07:10.%d" % (2 * i), 0x8086, 0x10ED, group=21 + i
        )
    # the driver reports only one of them
    tree.file(
        "netlink/vf-settings",
        "vf 0000:07:00.0 0 mac=52:54:00:00:07:10 vlan=100 priority=3 protocol=802.1Q"
        " spoof_check=on trust=off link=auto min_rate=0 max_rate=1000 rss_query=off"
        " rx_packets=3 tx_packets=4 rx_bytes=180 tx_bytes=18446744073709551615"
        " broadcast=1 multicast=2 rx_dropped=5 tx_dropped=6\nend 1",
    )
    # a GPU whose VFs NVIDIA's driver created without sriov_numvfs
    tree.device(
        "0000:08:00.0",
        0x10DE,
        0x2236,
        0x030200,
        (0x10DE, 0x1482),
        driver="nvidia",
        files={"sriov_totalvfs": "4", "sriov_numvfs": "0"},
    )
    for i in range(4):
        tree.virtual_function(
            "0000:08:00.0",
            i,
            "0000:08:00.%d" % (i + 4),
            0x10DE,
            0x2236,
            klass=0x030200,
            subsystem=(0x10DE, 0x0000),
            driver="nvidia",
        )
    tree.file(
        "sys/bus/pci/devices/0000:08:00.5/nvidia/creatable_vgpu_types",
        "ID    : vGPU Name\n557   : NVIDIA A10-1B\n\n558   : NVIDIA A10-2Q",
    )
    tree.file("sys/bus/pci/devices/0000:08:00.5/nvidia/current_vgpu_type", "558")
    for name in ("nvidia-588", "nvidia-591"):
        tree.file(
            "sys/class/mdev_bus/0000:08:00.6/mdev_supported_types/%s/name" % name, "NVIDIA A10-4Q"
        )
    # registered without available types
    os.makedirs(tree.path("sys/class/mdev_bus/0000:08:00.7/mdev_supported_types"))
    # :nvidia_vendors: can contain any vendor; this PF has no SR-IOV attributes
    tree.device("0000:08:08.0", 0x15B3, 0x1017)
    tree.virtual_function("0000:08:08.0", 0, "0000:08:08.1", 0x15B3, 0x1018)
    tree.file("sys/class/mdev_bus/0000:08:08.1/mdev_supported_types/mlx5_core-local/name", "local")
    tree.device("0000:09:00.0", 0x10DE, 0x20B5, 0x030200, files={"sriov_totalvfs": "0"})
    tree.device("0000:09:00.1", 0x10DE, 0x1AEF, 0x040300, driver="snd_hda_intel")


def add_odd_devices(tree):
    tree.device("0000:0a:00.0", 0xFFF0, 0x1234, 0x0C0330)
    tree.device("0000:0a:00.1", 0x8086, 0xFFF1, 0xFEFE01, (0x8086, 0x0000), 0xFF)
    tree.device("0000:0a:00.2", 0x1002, 0x6798, 0x038000, (0xFFFF, 0x0001))
    tree.device("0000:0a:00.3", 0x1002, 0x6798, 0x034242, (0x0000, 0x0001))
    tree.device("0000:0a:1f.7", 0x1AF4, 0x1044, 0xFFFF00, (0x1AF4, 0x1044), 1, "virtio-pci")
    # quotes in names of vendor, device, subsystem
    tree.device("0000:0b:00.0", 0x1C63, 0x0008, 0x0C0010)
    tree.device("0000:0b:01.0", 0x1E0F, 0x0013, 0x010802)
    tree.device("0000:0b:02.0", 0x1002, 0x4966, 0x030000, (0x148C, 0x2039))
    # device id 0 with a known subsystem, and a name longer than lspci prints
    tree.device("0000:0b:03.0", 0x1DE0, 0x0000, 0x120000, (0x1DE0, 0xC007))
    tree.device("0000:0b:04.0", 0x15B3, 0x1019, 0x020000, (0x15B3, 0x0125))
    tree.device(
        "0000:0c:00.0",
        0x144D,
        0xA808,
        0x010802,
        (0x144D, 0xA801),
        driver="nvme",
        files={
            "power/runtime_status": "suspended",
            "power_state": "D3hot",
            "max_link_speed": "8.0 GT/s PCIe",
            "max_link_width": "4",
            "current_link_speed": "Unknown",
            "current_link_width": "0",
        },
    )
    tree.device(
        "0000:0d:00.0",
        0x144D,
        0xA808,
        0x010802,
        files={
            "max_link_speed": "Unknown",
            "max_link_width": "255",
            "current_link_speed": "Unknown",
            "current_link_width": "255",
            "reset_method": "",
        },
    )
    tree.device("0001:03:00.0", 0x8086, 0x10D3, files={"numa_node": "3"})
    tree.device("10000:e1:00.0", 0x8086, 0x0A54, 0x010802, driver="nvme")


def add_neighbours(tree):
    disk = os.path.join(tree.directory("10000:e1:00.0"), "nvme/nvme0/nvme0n1")
    os.makedirs(disk)
    link(tree.path("sys/block/nvme0n1"), disk)
    node = os.path.join(tree.directory("0000:0a:00.2"), "drm/card0")
    os.makedirs(os.path.join(node, "card0-DP-1"))
    link(tree.path("sys/class/drm/card0"), node)
    link(tree.path("sys/class/drm/card0-DP-1"), os.path.join(node, "card0-DP-1"))
    tree.file("sys/bus/pci/slots/7-1/address", "0000:06:00")


def add_groups(tree):
    """Adds a group of two devices, one bound to a host driver."""
    for address in ("0000:06:00.0", "0000:04:00.2"):
        link(tree.path("sys/kernel/iommu_groups/40/devices", address), tree.directory(address))


def add_processes(tree):
    """Adds a VM that holds the group of 0000:06:00.0, and one with a vGPU of 0000:08:00.0."""
    tree.process(1, "/sbin/init")
    tree.process(
        4242,
        "/usr/bin/qemu-system-x86_64",
        "-name",
        "guest=one-17",
        "-uuid",
        UUID,
        "-device",
        "vfio-pci,host=0000:06:00.0,bus=pcie.0,addr=0x5",
        opened=["/dev/vfio/vfio", "/dev/vfio/40"],
    )
    tree.process(
        4243,
        "qemu-kvm",
        "-name",
        "i-2-3-VM",
        "-device",
        "vfio-pci,sysfsdev=/sys/bus/mdev/devices/" + UUID,
        opened=["/dev/vfio/90"],
    )
    link(
        tree.path("sys/bus/mdev/devices", UUID),
        tree.path("sys/devices/pci0000:00/0000:08:00.0", UUID),
    )
    link(
        tree.path("sys/devices/pci0000:00/0000:08:00.0", UUID, "iommu_group"),
        tree.path("sys/kernel/iommu_groups/90"),
    )


def make_machine_without_uevents(root):
    """The same without uevent files, like older kernels and recordings of other tools."""
    tree = make_machine(root, "made without uevent files")
    for address in os.listdir(tree.path("sys/bus/pci/devices")):
        os.unlink(os.path.join(tree.directory(address), "uevent"))
    return tree


def make_machine(root, name="made"):
    """A machine with at least one device of each kind."""
    tree = Tree(root, name)
    tree.hostname("gpu-17.example.org")
    add_bridges(tree)
    add_network_devices(tree)
    add_virtual_functions(tree)
    add_odd_devices(tree)
    add_neighbours(tree)
    add_groups(tree)
    add_processes(tree)
    return tree


# Names of VMs, and their output with question marks for control characters and invalid bytes.
HOSTILE_NAMES = [
    (b'a"b', 'a"b'),
    (b"a\\", "a\\"),
    (b"\\", "\\"),
    (b'\\"', '\\"'),
    (b"two\nlines", "two\nlines"),
    (b"a\\nb", "a\\nb"),
    (b"a,b c=d", "a,b c=d"),
    (b'"} 1\npciprobe_lie 1\n', '"} 1\npciprobe_lie 1\n'),
    (b"a\\,b=c\\ ", "a\\,b=c\\ "),
    (b"\x1b[31mred\r\t", "?[31mred??"),
    (b"\xff\xfe broken \xc3", "?? broken ?"),
    ("d\u00fcse \u2028\U0001f600".encode(), "d\u00fcse ?\U0001f600"),
    (b"x" * 4096, "x" * 4096),
    (b"#{}", "#{}"),
    (b"'", "'"),
    (b" blank ", " blank "),
    (b"NaN", "NaN"),
    (b"-", "-"),
]


def add_network_functions(tree):
    """Adds a PF with four VFs: held by a VM, free with leftovers, free without, not reported."""
    enabled = {"sriov_totalvfs": "8", "sriov_numvfs": "4"}
    tree.device("0000:23:00.0", 0x15B3, 0x1017, driver="mlx5_core", group=193, files=enabled)
    tree.interface("0000:23:00.0", "enp35s0np0")
    for i in range(4):
        tree.virtual_function(
            "0000:23:00.0",
            i,
            "0000:23:00.%d" % (i + 1),
            0x15B3,
            0x1018,
            driver="vfio-pci",
            group=194 + i,
        )
    tree.vm(300, "one-77", ("0000:23:00.1", 194))
    tree.vm(301, "one-78", ("0000:23:00.4", 197))
    counters = "rx_packets=%d tx_packets=2 rx_bytes=%d tx_bytes=120 broadcast=1 multicast=0 rx_dropped=0 tx_dropped=3"
    tree.file(
        "netlink/vf-settings",
        "vf 0000:23:00.0 0 mac=52:54:00:00:00:01 vlan=100 trust=on %s\n"
        "vf 0000:23:00.0 1 mac=52:54:00:00:00:02 vlan=100 spoof_check=off max_rate=1000 %s\n"
        "vf 0000:23:00.0 2 vlan=0 spoof_check=on trust=off\n"
        "end 3" % (counters % (7, 2**53), counters % (0, 0)),
    )


def make_owned(root, name="hostile names"):
    """A machine of VMs with hostile names and one device each; 0000:20:00.0 is held by two VMs,
    0000:22:00.0 is reserved, and 0000:23:00.0 is a network device with VFs."""
    tree = Tree(root, name)
    tree.hostname("host-1")
    tree.process(1, "/sbin/init")
    for i, (raw, _) in enumerate(HOSTILE_NAMES):
        address = "0000:01:%02x.0" % i
        tree.device(
            address,
            0x10DE,
            0x2204,
            0x030000,
            driver="vfio-pci",
            group=i,
            files={"label": raw[:60] + b".\n"},
        )
        tree.vm(100 + i, raw, (address, i))
    tree.device("0000:20:00.0", 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=90)
    tree.vm(200, "one-42", ("0000:20:00.0", 90))
    tree.vm_by_node(201, 'i-2-"43"-VM', "0000:20:00.0", 0)
    tree.device("0000:21:00.0", 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=91)
    tree.device("0000:22:00.0", 0x10DE, 0x2204, 0x030000, driver="vfio-pci", group=92)
    tree.file(
        "run/qemu-server/pci-id-reservations", "0000:22:00.0 105 time:99999999999"
    )  # a VM that is not running yet
    add_network_functions(tree)
    tree.file(
        "pci.conf",
        ":filter: '10de:, 15b3:'\n:alias:\n"
        "- {name: gpu, filter: '10de:2204'}\n- {name: last, short_address: '21:00.0'}\n- {name: none, numa_node: 7}",
    )
    return tree
