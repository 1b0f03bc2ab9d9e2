/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/details/related.h"
#include "probe/sysfs/scan.h"
#include "tests/unit/fakesys.h"

static struct fakesys *fake;
static struct log_capture captured;
static struct inventory *inventory;
static struct sysroot *root;
static struct read_trace seen;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	return 0;
}

static void reset(void)
{
	inventory_free(inventory);
	inventory = NULL;
	sysroot_free(root);
	root = NULL;
}

static int teardown(void **state)
{
	(void)state;
	reset();
	fakesys_free(fake);
	return 0;
}

/* Scans the machine and selects all devices. */
static void scan_all(void)
{
	struct log log = log_capture_add(&captured);

	reset();
	seen.text[0] = '\0';
	inventory = calloc(1, sizeof(*inventory));
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	sysroot_watch(root, trace_read, &seen);
	assert_int_equal(scan_read(root, &log, inventory), 0);
	inventory->selected = inventory->count;
	for (size_t i = 0; i < inventory->count; i++)
		inventory->devices[i].selected = true;
}

/* Without an observer, as if not to make a recording. */
static void scan_unwatched(void)
{
	scan_all();
	sysroot_watch(root, NULL, NULL);
}

static void read_details(unsigned wanted)
{
	struct log log = log_capture_add(&captured);

	assert_int_equal(details_read(root, &log, wanted, 0, 0, inventory), 0);
}

static const struct pci_device *device(const char *text)
{
	struct pci_address address;

	address_parse(text, &address);
	return inventory_find(inventory, &address);
}

static void file(const char *address, const char *name, const char *text)
{
	fakesys_attribute(fake, address, name, text);
}

#define NIC .vendor = 0x8086, .device = 0x1520, .class = 0x020000

static void all_details_are_read(void **state)
{
	const struct pci_device *nic;

	(void)state;
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400,
		    .driver = "pcieport");
	fakesys_pci(fake, "0000:01:00.0", NIC, .driver = "igb", .group = "17",
		    .below = "0000:00:01.0");
	file("0000:01:00.0", "numa_node", "1\n");
	file("0000:01:00.0", "revision", "0x01\n");
	file("0000:01:00.0", "reset_method", "flr bus\n");
	file("0000:01:00.0", "power_state", "D0\n");
	file("0000:01:00.0", "power/runtime_status", "active\n");
	file("0000:01:00.0", "current_link_speed", "5.0 GT/s PCIe\n");
	file("0000:01:00.0", "current_link_width", "4\n");
	file("0000:01:00.0", "max_link_speed", "16.0 GT/s PCIe\n");
	file("0000:01:00.0", "max_link_width", "8\n");
	file("0000:01:00.0", "aer_dev_correctable", "RxErr 1\nBadTLP 2\nTOTAL_ERR_COR 3\n");
	file("0000:01:00.0", "aer_dev_nonfatal", "Undefined 0\nTOTAL_ERR_NONFATAL 0\n");
	file("0000:01:00.0", "aer_dev_fatal",
	     "Undefined 0\nTOTAL_ERR_FATAL 18446744073709551615\n");
	file("0000:01:00.0", "label", "NIC1\n");
	file("0000:01:00.0", "sriov_totalvfs", "8\n");
	file("0000:01:00.0", "sriov_numvfs", "2\n");
	file("0000:01:00.0", "net/eth10/address", "52:54:00:00:00:0a\n");
	file("0000:01:00.0", "net/eth2/address", "52:54:00:00:00:02\n");
	fakesys_file(fake, "sys/bus/pci/slots/3-1/address", "0000:01:00\n");
	scan_all();
	read_details(DETAIL_ALL);
	nic = device("01:00.0");
	assert_string_equal(nic->driver, "igb");
	assert_int_equal(nic->iommu_group, 17);
	assert_int_equal(nic->numa_node, 1);
	assert_int_equal(nic->revision, 1);
	assert_int_equal(nic->reset_methods.count, 2);
	assert_string_equal(nic->reset_methods.items[1], "bus");
	assert_string_equal(nic->power_state, "D0");
	assert_true(nic->link.speed > 4.9 && nic->link.speed < 5.1);
	assert_true(nic->link.max_speed > 15.9);
	assert_int_equal(nic->link.width, 4);
	assert_int_equal(nic->link.max_width, 8);
	assert_int_equal(nic->aer.correctable, 3);
	assert_int_equal(nic->aer.fatal, UINT64_MAX);
	assert_string_equal(nic->label, "NIC1");
	assert_string_equal(nic->physical_slot, "3-1");
	assert_int_equal(nic->sriov.role, SRIOV_PF);
	assert_int_equal(nic->sriov.vfs_total, 8);
	assert_int_equal(nic->sriov.vfs_enabled, 2);
	assert_int_equal(nic->interface_count, 2);
	assert_string_equal(nic->interfaces[0].name, "eth2");
	assert_string_equal(nic->interfaces[1].mac, "52:54:00:00:00:0a");
	assert_int_equal(nic->ancestor_count, 1);
	assert_int_equal(nic->ancestors[0].slot, 1);
	assert_false(nic->incomplete);
	assert_string_equal(captured.text, "");
}

static void missing_attributes_are_absent(void **state)
{
	const struct pci_device *nic;

	(void)state;
	fakesys_pci(fake, "0000:00:02.0", NIC);
	file("0000:00:02.0", "numa_node", "-1\n");
	file("0000:00:02.0", "label", "");
	file("0000:00:02.0", "reset_method", "\n");
	scan_all();
	read_details(DETAIL_ALL);
	nic = device("00:02.0");
	assert_int_equal(nic->present, HAS_SRIOV | HAS_RESET_METHODS);
	assert_int_equal(nic->sriov.role, SRIOV_NONE);
	assert_null(nic->driver);
	assert_null(nic->label);
	assert_null(nic->power_state);
	assert_int_equal(
		nic->interface_count + nic->blocks.count + nic->drm.count + nic->ancestor_count, 0);
	assert_false(nic->incomplete);
	assert_string_equal(captured.text, "");
}

static void unreadable_attributes_are_logged_and_mark_the_device(void **state)
{
	char *large = malloc(6000);

	(void)state;
	memset(large, '7', 5999);
	large[5999] = '\0';
	fakesys_pci(fake, "0000:00:02.0", NIC, .driver = "igb");
	fakesys_directory(fake, "sys/bus/pci/devices/0000:00:02.0/numa_node");
	file("0000:00:02.0", "revision", "banana\n");
	file("0000:00:02.0", "label", large);
	fakesys_bytes(fake, "sys/bus/pci/devices/0000:00:02.0/power_state", "D\0003", 3);
	file("0000:00:02.0", "aer_dev_correctable", "RxErr 0\n");
	fakesys_link(fake, "sys/bus/pci/devices/0000:00:02.0/iommu_group",
		     "../../kernel/iommu_groups/none");
	fakesys_pci(fake, "0000:00:03.0", NIC, .driver = "igb");
	scan_all();
	read_details(DETAIL_ALL);
	assert_true(device("00:02.0")->incomplete);
	assert_false(device("00:03.0")->incomplete);
	assert_int_equal(inventory->incomplete, 1);
	assert_int_equal(captured.warnings, 6);
	assert_contains(captured.text, "0000:00:02.0/numa_node: Is a directory");
	assert_contains(captured.text, "0000:00:02.0/revision: not a valid number");
	assert_contains(captured.text, "0000:00:02.0/label: attribute too large");
	assert_contains(captured.text, "0000:00:02.0/power_state: contains a NUL character");
	assert_contains(captured.text, "0000:00:02.0/aer_dev_correctable: no total");
	assert_contains(captured.text, "0000:00:02.0/iommu_group: unexpected link target");
	assert_string_equal(device("00:02.0")->driver, "igb");
	free(large);
}

static void the_link_of_a_suspended_device_is_not_read(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:02.0", NIC);
	file("0000:00:02.0", "power/runtime_status", "suspended\n");
	file("0000:00:02.0", "current_link_speed", "5.0 GT/s PCIe\n");
	file("0000:00:02.0", "max_link_speed", "5.0 GT/s PCIe\n");
	file("0000:00:02.0", "config", "");
	scan_all();
	read_details(DETAIL_ALL);
	assert_null(strstr(seen.text, "link"));
	assert_null(strstr(seen.text, "config"));
	assert_false(device("00:02.0")->present & HAS_LINK_SPEED);
	assert_string_equal(device("00:02.0")->runtime_status, "suspended");
}

static void only_requested_details_are_read(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:02.0", NIC, .group = "1");
	fakesys_pci(fake, "0000:00:03.0", NIC, .group = "2");
	file("0000:00:03.0", "numa_node", "0\n");
	scan_all();
	inventory->devices[0].selected = false;
	inventory->selected = 1;
	seen.text[0] = '\0';
	read_details(DETAIL_NUMA_NODE);
	/* that, and once more the list of devices */
	assert_contains(seen.text, "sys/bus/pci/devices/0000:00:03.0/numa_node\n");
	assert_null(strstr(seen.text, "0000:00:02.0/"));
	assert_null(strstr(strstr(seen.text, "0000:00:03.0/") + 1, "0000:00:03.0/"));
	assert_false(device("00:03.0")->present & HAS_IOMMU_GROUP);
	seen.text[0] = '\0';
	read_details(DETAIL_NAMES);
	assert_string_equal(seen.text, "");
}

static void virtual_functions_have_a_pf_and_an_index(void **state)
{
	char address[ADDRESS_SIZE];

	(void)state;
	fakesys_pci(fake, "0000:02:00.0", NIC);
	fakesys_pci(fake, "0000:02:00.1", NIC);
	file("0000:02:00.0", "sriov_totalvfs", "8\n");
	file("0000:02:00.1", "sriov_totalvfs", "8\n");
	/* VFs of the two ports alternate */
	for (unsigned i = 0; i < 8; i++) {
		snprintf(address, sizeof(address), "0000:02:10.%u", i);
		fakesys_pci(fake, address, NIC, .pf = i % 2 ? "0000:02:00.1" : "0000:02:00.0",
			    .vf = i / 2);
	}
	scan_all();
	read_details(DETAIL_SRIOV | DETAIL_VF_INDEX);
	for (unsigned i = 0; i < 8; i++) {
		const struct pci_device *vf;

		snprintf(address, sizeof(address), "0000:02:10.%u", i);
		vf = device(address);
		assert_int_equal(vf->sriov.role, SRIOV_VF);
		assert_int_equal(vf->sriov.pf.function, i % 2);
		assert_true(vf->present & HAS_VF_INDEX);
		assert_int_equal(vf->sriov.vf_index, i / 2);
	}
	/* the links of a PF are read once, those of other devices not at all */
	assert_null(strstr(seen.text, "physfn/virtfn"));
	for (size_t i = 0; i < inventory->count; i++)
		inventory->devices[i].selected = i + 1 == inventory->count;
	inventory->selected = 1;
	read_details(DETAIL_SRIOV | DETAIL_VF_INDEX);
	assert_int_equal(inventory->devices[inventory->count - 1].sriov.vf_index, 3);
	assert_non_null(strstr(seen.text, "physfn/virtfn"));
}

static void a_removed_device_is_left_out(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:02.0", NIC);
	fakesys_pci(fake, "0000:00:03.0", NIC, .group = "3");
	fakesys_pci(fake, "0000:00:04.0", NIC, .group = "4");
	scan_all();
	fakesys_remove(fake, "sys/bus/pci/devices/0000:00:03.0");
	fakesys_remove(fake, "sys/devices/pci0000:00/0000:00:03.0");
	read_details(DETAIL_ALL);
	assert_int_equal(inventory->count, 2);
	assert_int_equal(inventory->selected, 2);
	assert_int_equal(inventory->incomplete, 0);
	assert_null(device("00:03.0"));
	assert_int_equal(device("00:04.0")->iommu_group, 4);
	assert_string_equal(captured.text, "");
}

static void disks_and_drm_nodes_are_assigned_to_their_devices(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x144d, .device = 0xa808, .class = 0x010802);
	fakesys_pci(fake, "0000:00:03.0", .vendor = 0x1002, .device = 0x1234, .class = 0x030000);
	fakesys_link(fake, "sys/block/nvme1n1",
		     "../devices/pci0000:00/0000:00:02.0/nvme/nvme1/nvme1n1");
	fakesys_link(fake, "sys/block/nvme0c1n2",
		     "../devices/pci0000:00/0000:00:02.0/nvme/nvme1/nvme0c1n2");
	fakesys_link(fake, "sys/block/nvme0n2",
		     "../devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n2");
	fakesys_link(fake, "sys/block/loop0", "../devices/virtual/block/loop0");
	fakesys_link(fake, "sys/block/sdz", "../devices/pci0000:00/0000:00:1f.0/ata1/host0/sdz");
	fakesys_link(fake, "sys/class/drm/card0",
		     "../../devices/pci0000:00/0000:00:03.0/drm/card0");
	fakesys_link(fake, "sys/class/drm/card0-DP-1",
		     "../../devices/pci0000:00/0000:00:03.0/drm/card0/card0-DP-1");
	fakesys_link(fake, "sys/class/drm/renderD128",
		     "../../devices/pci0000:00/0000:00:03.0/drm/renderD128");
	fakesys_file(fake, "sys/class/drm/version", "drm 1.1.0 20060810\n");
	scan_all();
	read_details(DETAIL_BLOCKS | DETAIL_DRM);
	assert_int_equal(device("00:02.0")->blocks.count, 2);
	assert_string_equal(device("00:02.0")->blocks.items[0], "nvme0n2");
	assert_string_equal(device("00:02.0")->blocks.items[1], "nvme1n1");
	assert_int_equal(device("00:03.0")->drm.count, 2);
	assert_string_equal(device("00:03.0")->drm.items[1], "renderD128");
}

static void interfaces_of_virtio_devices_are_found(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:03.0", .vendor = 0x1af4, .device = 0x1041, .class = 0x020000,
		    .driver = "virtio-pci");
	file("0000:00:03.0", "virtio2/net/ens3/address", "52:54:00:12:34:56\n");
	scan_all();
	read_details(DETAIL_INTERFACES);
	assert_int_equal(device("00:03.0")->interface_count, 1);
	assert_string_equal(device("00:03.0")->interfaces[0].name, "ens3");
	assert_false(device("00:03.0")->interfaces[0].direct);
}

/* A machine with enough devices to read /sys/class/net, and a NIC with two interfaces, its VF and a
 * virtio device. */
static void make_netdevs(void)
{
	char address[ADDRESS_SIZE];

	for (unsigned i = 0; i < 16; i++) {
		snprintf(address, sizeof(address), "0000:02:%02x.0", i);
		fakesys_pci(fake, address, .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	}
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x15b3, .device = 0x101d, .class = 0x020000);
	file("0000:01:00.0", "net/eth10/address", "52:54:00:00:00:0a\n");
	file("0000:01:00.0", "net/eth10/phys_port_name", "pf0vf0\n");
	file("0000:01:00.0", "net/eth9/address", "52:54:00:00:00:09\n");
	file("0000:01:00.0", "net/eth9/phys_port_name", "p0\n");
	fakesys_pci(fake, "0000:01:00.1", .vendor = 0x15b3, .device = 0x101e, .pf = "0000:01:00.0",
		    .vf = 0);
	fakesys_pci(fake, "0000:00:03.0", .vendor = 0x1af4, .device = 0x1041, .class = 0x020000,
		    .driver = "virtio-pci");
	file("0000:00:03.0", "virtio2/net/ens3/address", "52:54:00:12:34:56\n");
	fakesys_link(fake, "sys/class/net/eth10",
		     "../../devices/pci0000:00/0000:01:00.0/net/eth10");
	fakesys_link(fake, "sys/class/net/eth9", "../../devices/pci0000:00/0000:01:00.0/net/eth9");
	fakesys_link(fake, "sys/class/net/ens3",
		     "../../devices/pci0000:00/0000:00:03.0/virtio2/net/ens3");
	/* neither of these is an interface of the PCI device itself */
	fakesys_link(fake, "sys/class/net/usb0",
		     "../../devices/pci0000:00/0000:02:00.0/usb1/1-2/1-2:1.0/net/usb0");
	fakesys_link(fake, "sys/class/net/lo", "../../devices/virtual/net/lo");
	fakesys_file(fake, "sys/class/net/bonding_masters", "\n");
}

static void check_netdevs(bool macs)
{
	const struct pci_device *nic = device("01:00.0"), *virtio = device("00:03.0");

	assert_int_equal(nic->interface_count, 2);
	assert_string_equal(nic->interfaces[0].name, "eth9");
	assert_string_equal(nic->interfaces[0].phys_port_name, "p0");
	assert_string_equal(nic->interfaces[1].name, "eth10");
	assert_true(nic->interfaces[1].direct);
	assert_int_equal(virtio->interface_count, 1);
	assert_string_equal(virtio->interfaces[0].name, "ens3");
	assert_false(virtio->interfaces[0].direct);
	assert_int_equal(device("02:00.0")->interface_count, 0);
	assert_string_equal(device("01:00.1")->pf_interface, "eth9");
	if (macs) {
		assert_string_equal(nic->interfaces[1].mac, "52:54:00:00:00:0a");
		assert_string_equal(virtio->interfaces[0].mac, "52:54:00:12:34:56");
	} else {
		assert_null(nic->interfaces[1].mac);
		assert_null(virtio->interfaces[0].mac);
	}
	assert_false(nic->incomplete);
	assert_string_equal(captured.text, "");
}

#define NETDEV_DETAILS (DETAIL_SRIOV | DETAIL_INTERFACES | DETAIL_PF_INTERFACE)

static void interfaces_of_many_devices_are_those_of_the_network_class(void **state)
{
	(void)state;
	make_netdevs();
	/* the directories of these devices are not listed */
	fakesys_directory(fake, "sys/bus/pci/devices/0000:01:00.0/net/eth7");
	scan_unwatched();
	read_details(NETDEV_DETAILS);
	check_netdevs(false);
	scan_unwatched();
	read_details(NETDEV_DETAILS | DETAIL_MACS);
	check_netdevs(true);
}

static void without_the_network_class_the_directories_are_listed(void **state)
{
	(void)state;
	make_netdevs();
	/* an entry that cannot be read: the interfaces are not known from here */
	fakesys_directory(fake, "sys/class/net/eth1");
	scan_unwatched();
	read_details(NETDEV_DETAILS | DETAIL_MACS);
	check_netdevs(true);
	fakesys_remove(fake, "sys/class/net");
	scan_unwatched();
	read_details(NETDEV_DETAILS | DETAIL_MACS);
	check_netdevs(true);
}

static void a_recording_has_the_interfaces_of_the_devices_only(void **state)
{
	(void)state;
	make_netdevs();
	scan_all();
	read_details(NETDEV_DETAILS | DETAIL_MACS);
	check_netdevs(true);
	assert_null(strstr(seen.text, "sys/class/net"));
}

static void vfs_have_the_uplink_of_their_pf(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x15b3, .device = 0x101d, .class = 0x020000);
	file("0000:01:00.0", "net/eth1/phys_port_name", "pf0vf0\n");
	file("0000:01:00.0", "net/eth9/phys_port_name", "p0\n");
	fakesys_pci(fake, "0000:01:00.1", .vendor = 0x15b3, .device = 0x101e, .pf = "0000:01:00.0",
		    .vf = 0);
	fakesys_pci(fake, "0000:01:00.2", .vendor = 0x15b3, .device = 0x101e, .pf = "0000:01:00.0",
		    .vf = 1);
	/* another PF has none, and does not inherit that of the previous one */
	fakesys_pci(fake, "0000:02:00.0", .vendor = 0x1b36, .device = 0x0010, .class = 0x010802);
	fakesys_pci(fake, "0000:02:00.1", .vendor = 0x1b36, .device = 0x0010, .pf = "0000:02:00.0",
		    .vf = 0);
	scan_all();
	read_details(DETAIL_SRIOV | DETAIL_PF_INTERFACE);
	assert_null(device("01:00.0")->pf_interface);
	assert_string_equal(device("01:00.1")->pf_interface, "eth9");
	assert_string_equal(device("01:00.2")->pf_interface, "eth9");
	assert_null(device("02:00.1")->pf_interface);
	assert_int_equal(device("01:00.1")->interface_count, 0);
}

static void vgpu_types_are_read(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.4", .vendor = 0x10de, .device = 0x25b6, .class = 0x030200);
	file("0000:08:00.4", "nvidia/creatable_vgpu_types",
	     "ID    : vGPU Name\n558   : NVIDIA A2-4Q \n\n559 : NVIDIA A2-8Q\n: nothing\nodd\n");
	fakesys_pci(fake, "0000:08:00.5", .vendor = 0x10de, .device = 0x25b6, .class = 0x030200);
	fakesys_directory(fake, "sys/class/mdev_bus/0000:08:00.5/mdev_supported_types/nvidia-63");
	fakesys_directory(fake, "sys/class/mdev_bus/0000:08:00.5/mdev_supported_types/nvidia-256");
	scan_all();
	read_details(DETAIL_VGPU);
	assert_int_equal(device("08:00.4")->vgpu_type_count, 2);
	assert_string_equal(device("08:00.4")->vgpu_types[0].id, "558");
	assert_string_equal(device("08:00.4")->vgpu_types[0].name, "NVIDIA A2-4Q");
	assert_false(device("08:00.4")->present & HAS_MDEV);
	assert_int_equal(device("08:00.5")->vgpu_type_count, 2);
	assert_string_equal(device("08:00.5")->vgpu_types[0].id, "nvidia-256");
	assert_null(device("08:00.5")->vgpu_types[0].name);
	assert_true(device("08:00.5")->present & HAS_MDEV);
}

static void attributes_of_nvidia_are_read_of_its_devices_only(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", .vendor = 0x1002, .device = 0x73bf, .class = 0x030000);
	file("0000:08:00.0", "nvidia/creatable_vgpu_types", "558 : NVIDIA A2-4Q\n");
	scan_all();
	read_details(DETAIL_VGPU);
	assert_int_equal(device("08:00.0")->vgpu_type_count, 0);
	assert_null(strstr(seen.text, "nvidia"));
}

static void virtual_functions_are_counted_of_pfs_only(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:02:00.0", NIC);
	fakesys_pci(fake, "0000:03:00.0", NIC);
	file("0000:03:00.0", "sriov_totalvfs", "8\n");
	for (unsigned bus = 2; bus <= 3; bus++) {
		char path[64];

		snprintf(path, sizeof(path), "sys/devices/pci0000:00/0000:%02x:00.0/virtfn0", bus);
		fakesys_link(fake, path, "../0000:04:00.0");
	}
	scan_all();
	read_details(DETAIL_SRIOV);
	assert_non_null(strstr(seen.text, "0000:03:00.0/virtfn0"));
	assert_false(device("02:00.0")->present & HAS_VFS_ENABLED);
	assert_int_equal(device("02:00.0")->sriov.role, SRIOV_NONE);
	assert_int_equal(device("03:00.0")->sriov.role, SRIOV_PF);
	assert_true(device("03:00.0")->present & HAS_VFS_ENABLED);
}

static void the_vgpu_type_of_a_vf_is_read(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:08:00.0", .vendor = 0x10de, .device = 0x25b6, .class = 0x030200);
	fakesys_pci(fake, "0000:08:00.4", .vendor = 0x10de, .device = 0x25b6, .class = 0x030200,
		    .pf = "0000:08:00.0");
	file("0000:08:00.4", "nvidia/current_vgpu_type", "558\n");
	file("0000:08:00.4", "nvidia/creatable_vgpu_types", "ID : vGPU Name\n");
	scan_all();
	read_details(DETAIL_SRIOV | DETAIL_VGPU);
	assert_string_equal(device("08:00.4")->vgpu_type, "558");
	assert_null(device("08:00.0")->vgpu_type);
}

#define MDEV "sys/devices/pci0000:00/0000:00:02.0/"

static void mediated_devices_are_read(void **state)
{
	const struct mdev *mdevs;

	(void)state;
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x10de, .device = 0x1eb8, .class = 0x030200);
	fakesys_pci(fake, "0000:00:03.0", .vendor = 0x10de, .device = 0x1eb8, .class = 0x030200);
	fakesys_file(fake, MDEV "mdev_supported_types/nvidia-63/name", "GRID T4-4Q\n");
	fakesys_file(fake, MDEV "mdev_supported_types/nvidia-63/description",
		     "num_heads=4, max_instance=4\n");
	fakesys_link(fake, MDEV "bb/mdev_type", "../mdev_supported_types/nvidia-63");
	fakesys_directory(fake, MDEV "aa");
	fakesys_link(fake, "sys/bus/mdev/devices/bb",
		     "../../../devices/pci0000:00/0000:00:02.0/bb");
	fakesys_link(fake, "sys/bus/mdev/devices/aa",
		     "../../../devices/pci0000:00/0000:00:02.0/aa");
	fakesys_link(fake, "sys/bus/mdev/devices/cc", "../../../devices/platform/cc");
	scan_all();
	read_details(DETAIL_MDEVS);
	assert_int_equal(device("00:02.0")->mdev_count, 2);
	assert_int_equal(device("00:03.0")->mdev_count, 0);
	mdevs = device("00:02.0")->mdevs;
	assert_string_equal(mdevs[0].uuid, "aa");
	assert_null(mdevs[0].type);
	assert_string_equal(mdevs[1].uuid, "bb");
	assert_string_equal(mdevs[1].type, "nvidia-63");
	assert_string_equal(mdevs[1].name, "GRID T4-4Q");
	assert_string_equal(mdevs[1].description, "num_heads=4, max_instance=4");
	assert_string_equal(captured.text, "");
}

static void only_requested_details_of_unselected_devices_are_read(void **state)
{
	struct log log = log_capture_add(&captured);

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x8086, .device = 0x1521, .class = 0x020000,
		    .driver = "igb");
	file("0000:01:00.0", "sriov_totalvfs", "7\n");
	fakesys_pci(fake, "0000:01:10.0", .vendor = 0x8086, .device = 0x1520, .class = 0x020000,
		    .pf = "0000:01:00.0");
	scan_all();
	inventory->devices[0].selected = false;
	inventory->selected = 1;
	assert_int_equal(details_read(root, &log, DETAIL_DRIVER, DETAIL_SRIOV | DETAIL_DRIVER, 0,
				      inventory),
			 0);
	assert_int_equal(device("01:00.0")->sriov.vfs_total, 7);
	assert_null(device("01:00.0")->driver);
	assert_true(device("01:10.0")->present & HAS_PF);
}

static void driver_and_group_of_unselected_bridges_can_be_read(void **state)
{
	const unsigned details = DETAIL_DRIVER | DETAIL_IOMMU_GROUP;
	struct log log = log_capture_add(&captured);

	(void)state;
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400,
		    .driver = "pcieport", .group = "1");
	fakesys_pci(fake, "0000:00:02.0", NIC, .driver = "igb", .group = "2");
	fakesys_pci(fake, "0000:00:03.0", NIC, .driver = "igb", .group = "3");
	scan_all();
	inventory->devices[0].selected = inventory->devices[1].selected = false;
	inventory->selected = 1;
	assert_int_equal(details_read(root, &log, details, details, 0, inventory), 0);
	assert_string_equal(device("00:01.0")->driver, "pcieport");
	assert_int_equal(device("00:01.0")->iommu_group, 1);
	assert_null(device("00:02.0")->driver);
	assert_false(device("00:02.0")->present & HAS_IOMMU_GROUP);
	assert_string_equal(device("00:03.0")->driver, "igb");
}

static void host_drivers_make_a_group_nonviable(void **state)
{
	const struct pci_device *gpu;

	(void)state;
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400,
		    .driver = "pcieport", .group = "1");
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .driver = "vfio-pci", .group = "1");
	fakesys_pci(fake, "0000:01:00.1", .vendor = 0x10de, .device = 0x1aef, .class = 0x040300,
		    .driver = "snd_hda_intel", .group = "1");
	fakesys_pci(fake, "0000:01:00.2", .vendor = 0x10de, .device = 0x1ad8, .class = 0x0c0330,
		    .group = "1");
	fakesys_pci(fake, "0000:01:00.3", .vendor = 0x10de, .device = 0x1ad9, .class = 0x0c8000,
		    .driver = "pci-stub", .group = "1");
	fakesys_pci(fake, "0000:02:00.0", NIC, .driver = "igb", .group = "2");
	fakesys_directory(fake, "sys/kernel/iommu_groups/1/devices/0000:00:01.0");
	for (int i = 0; i < 4; i++) {
		char path[64];

		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/1/devices/0000:01:00.%d", i);
		fakesys_directory(fake, path);
	}
	fakesys_directory(fake, "sys/kernel/iommu_groups/1/devices/odd");
	fakesys_directory(fake, "sys/kernel/iommu_groups/2/devices/0000:02:00.0");
	scan_all();
	/* unselected peers count too */
	inventory->devices[2].selected = false;
	inventory->selected--;
	read_details(DETAIL_GROUP_PEERS);
	gpu = device("01:00.0");
	assert_int_equal(gpu->group_peers.count, 4);
	assert_string_equal(gpu->group_peers.items[0], "0000:00:01.0");
	assert_int_equal(gpu->nonviable_peers.count, 1);
	assert_string_equal(gpu->nonviable_peers.items[0], "0000:01:00.1");
	assert_int_equal(device("02:00.0")->group_peers.count, 0);
	assert_string_equal(captured.text, "");
}

static void groups_are_not_listed_if_that_of_every_device_is_known(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", NIC, .driver = "igb", .group = "1");
	fakesys_pci(fake, "0000:01:00.1", NIC, .group = "1");
	fakesys_pci(fake, "0000:02:00.0", NIC, .group = "2");
	fakesys_pci(fake, "0000:03:00.0", NIC);
	fakesys_directory(fake, "sys/kernel/iommu_groups/1/devices/0000:01:00.0");
	fakesys_directory(fake, "sys/kernel/iommu_groups/2/devices/0000:02:00.0");
	scan_unwatched();
	read_details(DETAIL_GROUP_PEERS);
	assert_int_equal(device("01:00.0")->group_peers.count, 1);
	assert_string_equal(device("01:00.0")->group_peers.items[0], "0000:01:00.1");
	assert_int_equal(device("01:00.0")->nonviable_peers.count, 0);
	assert_string_equal(device("01:00.1")->nonviable_peers.items[0], "0000:01:00.0");
	assert_int_equal(device("02:00.0")->group_peers.count, 0);
	/* of an unselected device it is not known */
	scan_unwatched();
	inventory->devices[3].selected = false;
	inventory->selected--;
	read_details(DETAIL_GROUP_PEERS);
	assert_int_equal(device("01:00.0")->group_peers.count, 0);
	assert_int_equal(device("01:00.1")->group_peers.count, 1);
	/* a group that is missing in the list is looked up */
	fakesys_pci(fake, "0000:03:00.1", NIC, .group = "3");
	fakesys_pci(fake, "0000:03:00.2", NIC, .group = "3");
	scan_unwatched();
	read_details(DETAIL_GROUP_PEERS);
	assert_int_equal(device("01:00.0")->group_peers.count, 1);
	assert_int_equal(device("03:00.1")->group_peers.count, 0);
	assert_string_equal(captured.text, "");
}

static void groups_are_listed_if_that_of_a_device_is_unknown(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", NIC, .group = "1");
	fakesys_pci(fake, "0000:01:00.1", NIC);
	fakesys_link(fake, "sys/bus/pci/devices/0000:01:00.1/iommu_group",
		     "../../kernel/iommu_groups/none");
	fakesys_directory(fake, "sys/kernel/iommu_groups/1/devices/0000:01:00.0");
	fakesys_directory(fake, "sys/kernel/iommu_groups/1/devices/0000:01:00.1");
	scan_unwatched();
	read_details(DETAIL_GROUP_PEERS);
	assert_true(device("01:00.1")->incomplete);
	assert_int_equal(device("01:00.0")->group_peers.count, 1);
	assert_string_equal(device("01:00.0")->group_peers.items[0], "0000:01:00.1");
}

static void invalid_links_and_speeds_are_absent(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:02.0", NIC);
	file("0000:00:02.0", "max_link_speed", "Unknown\n");
	file("0000:00:02.0", "max_link_width", "255\n");
	fakesys_pci(fake, "0000:00:03.0", NIC);
	file("0000:00:03.0", "max_link_speed", "8.0 GT/s PCIe\n");
	file("0000:00:03.0", "max_link_width", "255\n");
	file("0000:00:03.0", "current_link_speed", "Unknown speed\n");
	file("0000:00:03.0", "current_link_width", "0\n");
	scan_all();
	read_details(DETAIL_LINK);
	assert_int_equal(device("00:02.0")->present, 0);
	assert_int_equal(device("00:03.0")->present, HAS_MAX_LINK_SPEED | HAS_LINK_WIDTH);
	assert_string_equal(captured.text, "");
}

static void link(const char *address, const char *speed, const char *width, const char *max_speed,
		 const char *max_width)
{
	file(address, "current_link_speed", speed);
	file(address, "current_link_width", width);
	file(address, "max_link_speed", max_speed);
	file(address, "max_link_width", max_width);
}

static void a_link_is_degraded_if_device_and_port_support_more(void **state)
{
	static const struct {
		const char *speed, *width, *max_speed, *max_width;
		bool degraded;
	} cases[] = {
		{"8.0 GT/s PCIe\n", "8\n", "16.0 GT/s PCIe\n", "16\n",
		 false}, /* limited by the port */
		{"5.0 GT/s PCIe\n", "4\n", "5.0 GT/s PCIe\n", "4\n",
		 false}, /* limited by the device */
		{"5.0 GT/s PCIe\n", "8\n", "8.0 GT/s PCIe\n", "8\n", true},
		{"8.0 GT/s PCIe\n", "4\n", "8.0 GT/s PCIe\n", "16\n", true},
	};
	char address[ADDRESS_SIZE];

	(void)state;
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400);
	link("0000:00:01.0", "2.5 GT/s PCIe\n", "1\n", "8.0 GT/s PCIe\n", "8\n");
	for (unsigned i = 0; i < COUNT(cases); i++) {
		snprintf(address, sizeof(address), "0000:01:00.%u", i);
		fakesys_pci(fake, address, NIC, .below = "0000:00:01.0");
		link(address, cases[i].speed, cases[i].width, cases[i].max_speed,
		     cases[i].max_width);
	}
	/* unknown on the root bus, which has no port, and while suspended */
	fakesys_pci(fake, "0000:00:02.0", NIC);
	link("0000:00:02.0", "2.5 GT/s PCIe\n", "1\n", "8.0 GT/s PCIe\n", "8\n");
	fakesys_pci(fake, "0000:01:01.0", NIC, .below = "0000:00:01.0");
	link("0000:01:01.0", "2.5 GT/s PCIe\n", "1\n", "8.0 GT/s PCIe\n", "8\n");
	file("0000:01:01.0", "power/runtime_status", "suspended\n");
	scan_all();
	read_details(DETAIL_LINK);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		snprintf(address, sizeof(address), "0000:01:00.%u", i);
		assert_true(device_knows_link(device(address)));
		assert_int_equal(device_has_degraded_link(device(address)), cases[i].degraded);
	}
	assert_false(device_knows_link(device("00:01.0")));
	assert_false(device_knows_link(device("00:02.0")));
	assert_false(device_knows_link(device("01:01.0")));
	assert_false(device_has_degraded_link(device("01:01.0")));
	assert_string_equal(captured.text, "");
}

static void the_link_of_a_port_is_read_once(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400);
	link("0000:00:01.0", "8.0 GT/s PCIe\n", "8\n", "8.0 GT/s PCIe\n", "8\n");
	fakesys_pci(fake, "0000:01:00.0", NIC, .below = "0000:00:01.0");
	link("0000:01:00.0", "8.0 GT/s PCIe\n", "4\n", "16.0 GT/s PCIe\n", "16\n");
	/* of a suspended port only what the parent directory has */
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400);
	link("0000:00:02.0", "8.0 GT/s PCIe\n", "8\n", "2.5 GT/s PCIe\n", "2\n");
	file("0000:00:02.0", "power/runtime_status", "suspended\n");
	fakesys_pci(fake, "0000:02:00.0", NIC, .below = "0000:00:02.0");
	link("0000:02:00.0", "8.0 GT/s PCIe\n", "4\n", "16.0 GT/s PCIe\n", "16\n");
	/* on the root bus of a domain of Intel's VMD */
	fakesys_pci(fake, "10000:00:01.0", NIC, .below = "0000:00:01.0/pci10000:00");
	link("10000:00:01.0", "8.0 GT/s PCIe\n", "4\n", "8.0 GT/s PCIe\n", "4\n");
	scan_all();
	read_details(DETAIL_LINK | DETAIL_ANCESTORS);
	assert_null(strstr(seen.text, "0000:01:00.0/../max_link_speed"));
	assert_contains(seen.text, "0000:02:00.0/../max_link_speed");
	assert_true(device("01:00.0")->link.port_speed > 7.9);
	assert_int_equal(device("01:00.0")->link.port_width, 8);
	assert_true(device_has_degraded_link(device("01:00.0")));
	assert_int_equal(device("02:00.0")->link.port_width, 2);
	assert_false(device("10000:00:01.0")->present & HAS_PORT_LINK);
	assert_int_equal(device("10000:00:01.0")->ancestor_count, 1);
	assert_string_equal(captured.text, "");
}

static void paths_do_not_depend_on_bus_numbers(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:1c.0", .vendor = 0x8086, .device = 0x3420, .class = 0x060400);
	fakesys_pci(fake, "0000:01:00.0", NIC, .below = "0000:00:1c.0");
	/* VFs whose number does not fit on the bus of their PF are on the next one */
	fakesys_pci(fake, "0000:01:10.1", NIC, .below = "0000:00:1c.0", .pf = "0000:01:00.0");
	fakesys_pci(fake, "0000:02:00.0", NIC, .below = "0000:00:1c.0", .pf = "0000:01:00.0",
		    .vf = 1);
	fakesys_pci(fake, "10000:e1:00.0", NIC, .below = "0000:00:0e.0/pci10000:e0/10000:e0:06.0");
	fakesys_link(fake, "sys/bus/pci/devices/0000:03:00.0",
		     "../../../devices/pci0000:00/0000:00:1c.0/0000:01:00.0");
	scan_all();
	read_details(DETAIL_PATH);
	assert_string_equal(device("00:1c.0")->path, "0000:00:1c.0");
	assert_string_equal(device("01:00.0")->path, "0000:00:1c.0/00.0");
	assert_string_equal(device("01:10.1")->path, "0000:00:1c.0/10.1");
	assert_string_equal(device("02:00.0")->path, "0000:00:1c.0/+1:00.0");
	assert_string_equal(device("10000:e1:00.0")->path, "10000:e0:06.0/00.0");
	assert_null(device("03:00.0")->path);
	assert_int_equal(device("01:00.0")->ancestor_count, 0);
}

static void paths_of_unselected_devices_can_be_read(void **state)
{
	const struct log log = log_capture_add(&captured);

	(void)state;
	fakesys_pci(fake, "0000:01:00.0", NIC, .below = "0000:00:1c.0");
	fakesys_pci(fake, "0000:02:00.0", NIC, .below = "0000:00:1d.0");
	scan_all();
	inventory->devices[1].selected = false;
	fakesys_remove(fake, "sys/bus/pci/devices/0000:01:00.0");
	assert_int_equal(details_read_paths(root, &log, inventory), 0);
	assert_null(device("01:00.0")->path);
	assert_string_equal(device("02:00.0")->path, "0000:00:1d.0/00.0");
	assert_string_equal(captured.text, "");
}

static void addresses_are_found_in_paths(void **state)
{
	struct pci_address found[PATH_ADDRESSES_MAX];
	char path[PATH_ADDRESSES_MAX * (ADDRESS_SIZE + 1)] = "";

	(void)state;
	assert_int_equal(
		path_addresses("../../../devices/pci0000:00/0000:00:1c.0/0000:01:00.0/net/eth0",
			       found),
		2);
	assert_int_equal(found[1].bus, 1);
	assert_int_equal(path_addresses("", found), 0);
	assert_int_equal(path_addresses("///", found), 0);
	assert_int_equal(path_addresses("0000:00:1c.0", found), 1);
	assert_int_equal(
		path_addresses(
			"../pci10000:e0/10000:e0:06.0/10000:e1:00.0/nvme/nvme0/nvme0n1/x/0000:00:1c.9",
			found),
		2);
	for (size_t i = 0; i < PATH_ADDRESSES_MAX; i++)
		strcat(path, "/0000:00:1c.0");
	assert_int_equal(path_addresses(path, found), PATH_ADDRESSES_MAX);
	strcat(path, "/0000:00:1c.0");
	assert_int_equal(path_addresses(path, found), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_details_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(missing_attributes_are_absent, setup, teardown),
		cmocka_unit_test_setup_teardown(
			unreadable_attributes_are_logged_and_mark_the_device, setup, teardown),
		cmocka_unit_test_setup_teardown(the_link_of_a_suspended_device_is_not_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(only_requested_details_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(virtual_functions_have_a_pf_and_an_index, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_removed_device_is_left_out, setup, teardown),
		cmocka_unit_test_setup_teardown(disks_and_drm_nodes_are_assigned_to_their_devices,
						setup, teardown),
		cmocka_unit_test_setup_teardown(interfaces_of_virtio_devices_are_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			interfaces_of_many_devices_are_those_of_the_network_class, setup, teardown),
		cmocka_unit_test_setup_teardown(
			without_the_network_class_the_directories_are_listed, setup, teardown),
		cmocka_unit_test_setup_teardown(a_recording_has_the_interfaces_of_the_devices_only,
						setup, teardown),
		cmocka_unit_test_setup_teardown(vfs_have_the_uplink_of_their_pf, setup, teardown),
		cmocka_unit_test_setup_teardown(vgpu_types_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(attributes_of_nvidia_are_read_of_its_devices_only,
						setup, teardown),
		cmocka_unit_test_setup_teardown(virtual_functions_are_counted_of_pfs_only, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_vgpu_type_of_a_vf_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(mediated_devices_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(
			only_requested_details_of_unselected_devices_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(driver_and_group_of_unselected_bridges_can_be_read,
						setup, teardown),
		cmocka_unit_test_setup_teardown(host_drivers_make_a_group_nonviable, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			groups_are_not_listed_if_that_of_every_device_is_known, setup, teardown),
		cmocka_unit_test_setup_teardown(groups_are_listed_if_that_of_a_device_is_unknown,
						setup, teardown),
		cmocka_unit_test_setup_teardown(invalid_links_and_speeds_are_absent, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_link_of_a_port_is_read_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_link_is_degraded_if_device_and_port_support_more,
						setup, teardown),
		cmocka_unit_test_setup_teardown(paths_do_not_depend_on_bus_numbers, setup,
						teardown),
		cmocka_unit_test_setup_teardown(paths_of_unselected_devices_can_be_read, setup,
						teardown),
		cmocka_unit_test(addresses_are_found_in_paths),
	};

	return cmocka_run_group_tests_name("details", tests, NULL, NULL);
}
