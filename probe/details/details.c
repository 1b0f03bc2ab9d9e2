/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/details/details.h"

#include "probe/details/attribute.h"
#include "probe/details/related.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_driver(struct details_reader *reader)
{
	char name[NAME_MAX + 1];

	/* only read_interfaces needs it then, to find the interfaces of virtio devices */
	if (!(reader->wanted & DETAIL_DRIVER) && reader->has_netdevs)
		return;
	/* in some recordings it was read from uevent */
	if (!reader->device->driver && attribute_link_name(reader, "driver", name, sizeof(name)))
		reader->device->driver = reader_strdup(reader, name);
}

static void read_iommu_group(struct details_reader *reader)
{
	char name[32], *end;
	unsigned long group;

	if (!attribute_link_name(reader, "iommu_group", name, sizeof(name)))
		return;
	group = strtoul(name, &end, 10);
	if (end == name || *end || group > UINT_MAX) {
		attribute_failed(reader, "iommu_group", "unexpected link target");
		return;
	}
	reader->device->iommu_group = (unsigned)group;
	reader->device->present |= HAS_IOMMU_GROUP;
}

static void read_numa_node(struct details_reader *reader)
{
	unsigned long node;

	if (!attribute_number(reader, "numa_node", 10, UINT_MAX, &node))
		return;
	reader->device->numa_node = (unsigned)node;
	reader->device->present |= HAS_NUMA_NODE;
}

static void read_revision(struct details_reader *reader)
{
	unsigned long revision;

	if (!attribute_number(reader, "revision", 16, 0xff, &revision))
		return;
	reader->device->revision = (uint8_t)revision;
	reader->device->present |= HAS_REVISION;
}

static void read_modalias(struct details_reader *reader)
{
	if (!reader->device->modalias)
		reader->device->modalias = attribute_string(reader, "modalias");
}

static void read_reset_methods(struct details_reader *reader)
{
	struct strings *methods = &reader->device->reset_methods;
	char text[ATTRIBUTE_SIZE], *rest = NULL;

	if (!attribute_text(reader, "reset_method", text))
		return;
	reader->device->present |= HAS_RESET_METHODS;
	for (char *item = strtok_r(text, " \n", &rest); item; item = strtok_r(NULL, " \n", &rest))
		if (strings_add(methods, item) < 0)
			reader->no_memory = true;
}

static void read_power(struct details_reader *reader)
{
	reader->device->power_state = attribute_string(reader, "power_state");
}

static void read_runtime_status(struct details_reader *reader)
{
	reader->device->runtime_status = attribute_string(reader, "power/runtime_status");
}

static void read_label(struct details_reader *reader)
{
	reader->device->label = attribute_string(reader, "label");
}

/* The order matters: sriov before vf_index, pf_interface and vgpu; driver before interfaces;
 * runtime_status before link. */
static const struct {
	unsigned details;
	void (*read)(struct details_reader *reader);
	bool opens; /* needs the device's directory, for more than attribute_* */
} READERS[] = {
	{DETAIL_DRIVER | DETAIL_INTERFACES, read_driver, false},
	{DETAIL_IOMMU_GROUP | DETAIL_GROUP_PEERS, read_iommu_group, false},
	{DETAIL_NUMA_NODE, read_numa_node, false},
	{DETAIL_REVISION, read_revision, false},
	{DETAIL_MODALIAS, read_modalias, false},
	{DETAIL_SRIOV, read_sriov, true},
	{DETAIL_VF_INDEX, read_vf_index, true},
	{DETAIL_INTERFACES, read_interfaces, true},
	{DETAIL_PF_INTERFACE, read_pf_interface, true},
	{DETAIL_RESET_METHODS, read_reset_methods, false},
	{DETAIL_POWER, read_power, false},
	{DETAIL_POWER | DETAIL_LINK, read_runtime_status, false},
	{DETAIL_LINK, read_link, false},
	{DETAIL_AER, read_aer, false},
	{DETAIL_LABEL, read_label, false},
	{DETAIL_VGPU, read_vgpu, true},
};

static int set_ancestors(struct pci_device *device, const char *path)
{
	struct pci_address addresses[PATH_ADDRESSES_MAX];
	size_t count = path_addresses(path, addresses);

	if (count < 2) /* the last one is the device */
		return 0;
	device->ancestors = malloc((count - 1) * sizeof(*addresses));
	if (!device->ancestors)
		return -ENOMEM;
	memcpy(device->ancestors, addresses, (count - 1) * sizeof(*addresses));
	device->ancestor_count = count - 1;
	return 0;
}

/* How many buses after its PF a VF is; 0 for all other devices. Returns false if unknown. */
static bool read_bus_offset(const struct sysdir *devices, const char *name,
			    const struct pci_device *device, unsigned *ret)
{
	char link[ADDRESS_SIZE + 10], target[ADDRESS_SIZE];
	struct pci_address pf = device->address;
	int error;

	if (device->present & HAS_PF) {
		*ret = (device->address.bus - device->sriov.pf.bus) & 0xffu;
		return true;
	}
	snprintf(link, sizeof(link), "%s/physfn", name);
	error = sysdir_link_name(devices, link, target, sizeof(target));
	if (error < 0 ? !is_absent(error) : address_parse_full(target, &pf) < 0)
		return false;
	*ret = (device->address.bus - pf.bus) & 0xffu;
	return true;
}

/* LINK is the target of the device's link NAME in DEVICES. */
static int set_path(const struct sysdir *devices, const char *name, struct pci_device *device,
		    const char *link)
{
	struct pci_address addresses[PATH_ADDRESSES_MAX];
	size_t count = path_addresses(link, addresses);
	char path[PCI_PATH_SIZE];
	unsigned bus_offset;

	if (device->path || !count ||
	    address_compare(&addresses[count - 1], &device->address) != 0 ||
	    !read_bus_offset(devices, name, device, &bus_offset))
		return 0;
	device->path = strdup(pci_path_format(addresses, count, bus_offset, path));
	return device->path ? 0 : -ENOMEM;
}

/* The device whose directory LINK, the target of a device's link, is in; NULL if it is none. */
static const struct pci_device *find_port(const struct inventory *inventory, const char *link)
{
	const char *end = strrchr(link, '/'), *start = end;
	struct pci_address address;
	char name[ADDRESS_SIZE];

	while (start && start > link && start[-1] != '/')
		start--;
	if (!end || (size_t)(end - start) >= sizeof(name))
		return NULL;
	memcpy(name, start, (size_t)(end - start));
	name[end - start] = '\0';
	return address_parse_full(name, &address) == 0 ? inventory_find(inventory, &address) : NULL;
}

/* Of VFs of the same PF, only the first reads the PF's interfaces. */
static bool needs_pf(const struct details_reader *reader)
{
	const struct pci_device *device = reader->device;

	return (device->present & HAS_PF) &&
	       address_compare(&reader->pf.address, &device->sriov.pf) != 0;
}

/* Opening a directory takes two system calls. */
static bool needs_directory(const struct details_reader *reader, unsigned wanted)
{
	if (!reader->kept)
		return true;
	if (!needs_pf(reader))
		wanted &= ~(unsigned)DETAIL_PF_INTERFACE;
	for (size_t i = 0; i < sizeof(READERS) / sizeof(*READERS); i++)
		if ((wanted & READERS[i].details) && READERS[i].opens)
			return true;
	return false;
}

static int open_directory(struct details_reader *reader, const char *name, unsigned wanted)
{
	const struct sysdir *devices = reader->devices;
	int error = 0;

	reader->dir = (struct sysdir){.root = devices->root, .fd = -1};
	snprintf(reader->dir.path, sizeof(reader->dir.path), "%.200s/%s", devices->path, name);
	if (needs_directory(reader, wanted))
		error = sysdir_open(devices, name, &reader->dir);
	if (error < 0 && reader->kept)
		reader->kept->missed = true;
	return error;
}

/* Returns 1, 0 if the device is known to be removed, or -ENOMEM. DEVICES is the directory of all
 * devices. */
static int read_device(const struct sysdir *devices, const char *name,
		       const struct inventory *inventory, struct details_reader *reader,
		       unsigned wanted)
{
	char path[PATH_MAX];
	ssize_t length = -1;
	int error;

	reader->wanted = wanted;
	reader->port = NULL;
	if (wanted & (DETAIL_ANCESTORS | DETAIL_PATH)) {
		length = sysdir_readlink(devices, name, path, sizeof(path));
		if (length == -ENOENT)
			return 0;
		if (length >= 0)
			reader->port = find_port(inventory, path);
	}
	error = open_directory(reader, name, wanted);
	if (error < 0 && !is_absent(error)) {
		reader->dir = (struct sysdir){.root = devices->root, .fd = -1};
		attribute_failed(reader, name, strerror(-error));
	}
	for (size_t i = 0; error == 0 && i < sizeof(READERS) / sizeof(*READERS); i++)
		if (wanted & READERS[i].details)
			READERS[i].read(reader);
	sysdir_close(&reader->dir);
	if (reader->no_memory)
		return -ENOMEM;

	if (length >= 0 && (wanted & DETAIL_ANCESTORS))
		error = set_ancestors(reader->device, path);
	if (length >= 0 && error != -ENOMEM && (wanted & DETAIL_PATH))
		error = set_path(devices, name, reader->device, path);
	return error == -ENOMEM ? error : 1;
}

static void remove_device(struct inventory *inventory, size_t index)
{
	struct pci_device *device = &inventory->devices[index];

	inventory->selected -= device->selected;
	device_free_members(device);
	memmove(device, device + 1, (inventory->count - index - 1) * sizeof(*device));
	inventory->count--;
}

/* Those of selected devices, those of other devices, and those that are needed for :expect:. KEPT
 * and SETTLED: see details_read_again. */
struct wanted {
	unsigned selected, others, expected;
	struct kept *kept;
	bool settled;
};

static unsigned wanted_details(const struct wanted *wanted, const struct pci_device *device)
{
	unsigned details = wanted->others;

	if (device->selected)
		details |= wanted->selected;
	else if (!device_is_bridge(device))
		details &= ~(unsigned)(DETAIL_DRIVER | DETAIL_IOMMU_GROUP);
	return details | (device->expected & wanted->expected);
}

/* Attributes are also absent if the device was removed while it was read. Returns whether the list
 * of devices is known to be the same as when it was scanned. */
static bool remove_removed(const struct sysdir *devices, const struct log *log,
			   struct inventory *inventory)
{
	char name[ADDRESS_SIZE], target[PATH_MAX];
	uint64_t fingerprint;

	/* one list instead of a link of each device, unless it has changed */
	if (inventory->fingerprint && scan_fingerprint(devices->root, &fingerprint) == 0 &&
	    fingerprint == inventory->fingerprint)
		return true;
	for (size_t i = 0; i < inventory->count;) {
		struct pci_device *device = &inventory->devices[i];

		address_format(&device->address, name);
		if (sysdir_readlink(devices, name, target, sizeof(target)) != -ENOENT) {
			i++;
			continue;
		}
		log_debug(log, "%s: removed while it was read", name);
		inventory->incomplete -= device->incomplete;
		remove_device(inventory, i);
	}
	return false;
}

static int read_devices(const struct sysdir *devices, const struct log *log,
			const struct wanted *wanted, struct inventory *inventory,
			bool *ret_unchanged)
{
	struct details_reader reader = {
		.log = log, .devices = devices, .kept = wanted->kept, .mdev_bus = {.fd = -1}};
	size_t number = 0; /* of the device before any is removed */
	char name[ADDRESS_SIZE];
	int found = wanted->kept ? kept_begin(wanted->kept, inventory) : 0;

	if (wanted->selected & DETAIL_VGPU)
		sysdir_open(sysroot_dir(devices->root), "sys/class/mdev_bus", &reader.mdev_bus);
	if ((wanted->selected | wanted->others) & (DETAIL_INTERFACES | DETAIL_PF_INTERFACE))
		read_netdevs(&reader, devices->root,
			     wanted->others & DETAIL_INTERFACES ? inventory->count
								: inventory->selected);
	for (size_t i = 0; i < inventory->count && found >= 0; number++) {
		unsigned details;

		if (reader.kept)
			reader.kept_device = &reader.kept->devices[number];
		reader.device = &inventory->devices[i];
		details = wanted_details(wanted, reader.device);
		if (details) {
			address_format(&reader.device->address, name);
			found = read_device(devices, name, inventory, &reader, details);
			if (found < 0)
				break;
			if (!found) {
				log_debug(log, "%s: removed while it was read", name);
				remove_device(inventory, i);
				continue;
			}
			inventory->incomplete += reader.device->incomplete;
		}
		i++;
	}
	device_free_members(&reader.pf);
	free_pfs(&reader);
	free_netdevs(&reader);
	sysdir_close(&reader.mdev_bus);
	if (found < 0)
		return found;
	*ret_unchanged = !wanted->settled && remove_removed(devices, log, inventory);
	return 0;
}

static bool any_is_expected(const struct inventory *inventory, unsigned details)
{
	for (size_t i = 0; i < inventory->count; i++)
		if (inventory->devices[i].expected & details)
			return true;
	return false;
}

static int read_wanted(struct sysroot *root, const struct log *log, const struct wanted *all,
		       struct inventory *inventory)
{
	_cleanup_sysdir_ struct sysdir devices = {.fd = -1};
	bool unchanged = false, all_known;
	unsigned wanted = all->selected;
	int error;

	if (!all->others && (!inventory->selected || !(wanted & ~(unsigned)DETAIL_ANY_NAME)) &&
	    !any_is_expected(inventory, all->expected))
		return 0;
	error = sysdir_open(sysroot_dir(root), SCAN_DIRECTORY, &devices);
	if (error < 0)
		return error;
	error = read_devices(&devices, log, all, inventory, &unchanged);
	/* a recording has the lists of the groups */
	all_known = unchanged && inventory->selected == inventory->count &&
		    !inventory->incomplete && !sysroot_is_watched(root);
	if (error == 0 && (wanted & DETAIL_BLOCKS))
		error = read_blocks(root, log, inventory);
	if (error == 0 && (wanted & DETAIL_DRM))
		error = read_drm(root, log, inventory);
	if (error == 0 && (wanted & DETAIL_MDEVS))
		error = read_mdevs(root, log, inventory);
	if (error == 0 && (wanted & DETAIL_GROUP_PEERS))
		error = read_group_peers(root, log, all_known, inventory);
	if (error == 0 && (wanted & DETAIL_SLOT))
		error = read_slots(root, log, inventory);
	return error;
}

int details_read(struct sysroot *root, const struct log *log, unsigned wanted, unsigned others,
		 unsigned expected, struct inventory *inventory)
{
	const struct wanted all = {
		.selected = wanted,
		.others = others &
			  (DETAIL_SRIOV | DETAIL_INTERFACES | DETAIL_DRIVER | DETAIL_IOMMU_GROUP),
		.expected = expected,
	};

	return read_wanted(root, log, &all, inventory);
}

int details_read_again(struct sysroot *root, const struct log *log, unsigned wanted,
		       unsigned expected, struct kept *kept, bool settled,
		       struct inventory *inventory)
{
	const struct wanted all = {
		.selected = wanted, .expected = expected, .kept = kept, .settled = settled};

	return read_wanted(root, log, &all, inventory);
}

int details_read_paths(struct sysroot *root, const struct log *log, struct inventory *inventory)
{
	_cleanup_sysdir_ struct sysdir devices = {.fd = -1};
	char name[ADDRESS_SIZE], link[PATH_MAX];
	int error = sysdir_open(sysroot_dir(root), SCAN_DIRECTORY, &devices);

	for (size_t i = 0; i < inventory->count && error == 0; i++) {
		struct pci_device *device = &inventory->devices[i];
		ssize_t length;

		address_format(&device->address, name);
		length = sysdir_readlink(&devices, name, link, sizeof(link));
		if (length >= 0)
			error = set_path(&devices, name, device, link);
		else if (length != -ENOENT) /* removed meanwhile */
			log_warning(log, "%s/" SCAN_DIRECTORY "/%s: %s; its path is unknown",
				    sysroot_path(root), name, strerror((int)-length));
	}
	return error;
}
