/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/details/related.h"

#include "probe/driver.h"
#include "probe/sysfs/scan.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MDEV_DIRECTORY "sys/bus/mdev/devices"

const char *path_after_address(const char *path, struct pci_address *ret)
{
	char part[ADDRESS_SIZE];
	size_t length;

	while (*path) {
		length = strcspn(path, "/");
		memcpy(part, path, length < sizeof(part) ? length : 0);
		part[length < sizeof(part) ? length : 0] = '\0';
		path += length + (path[length] == '/');
		if (address_parse_full(part, ret) == 0)
			return path;
	}
	return NULL;
}

size_t path_addresses(const char *path, struct pci_address addresses[static PATH_ADDRESSES_MAX])
{
	struct pci_address address;
	size_t count = 0;

	while ((path = path_after_address(path, &address))) {
		if (count == PATH_ADDRESSES_MAX)
			return 0;
		addresses[count++] = address;
	}
	return count;
}

/* The device of the last address in a path below /sys/devices; NULL if it is not selected. */
static struct pci_device *find_device(const struct inventory *inventory, const char *path)
{
	struct pci_address addresses[PATH_ADDRESSES_MAX];
	size_t count = path_addresses(path, addresses);
	struct pci_device *device;

	if (!count)
		return NULL;
	device = inventory_find(inventory, &addresses[count - 1]);
	return device && device->selected ? device : NULL;
}

/* Opens DIRECTORY, once more for listing. Returns 1; 0 if it does not exist or cannot be read,
 * which is logged; or -ENOMEM. */
static int open_directory(struct sysroot *root, const struct log *log, const char *directory,
			  struct sysdir *dir, DIR **list)
{
	int error = sysdir_open(sysroot_dir(root), directory, dir);

	if (error == 0)
		error = sysdir_list(dir, ".", list);
	if (error == 0)
		return 1;
	if (error != -ENOENT && error != -ENOMEM)
		log_warning(log, "%s/%s: %s", sysroot_path(root), directory, strerror(-error));
	return error == -ENOMEM ? error : 0;
}

typedef int add_entry(struct pci_device *device, const char *name);

/* Calls ADD for each entry of DIRECTORY, which are links into /sys/devices. */
static int walk_links(struct sysroot *root, const struct log *log,
		      const struct inventory *inventory, const char *directory, add_entry *add)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct pci_device *device;
	struct dirent *entry;
	char target[PATH_MAX];
	int error;

	error = open_directory(root, log, directory, &dir, &list);
	if (error <= 0)
		return error;
	error = 0;
	while (error == 0 && (entry = sysdir_next(list))) {
		if (sysdir_readlink(&dir, entry->d_name, target, sizeof(target)) < 0)
			continue; /* not a link, or removed meanwhile */
		device = find_device(inventory, target);
		if (device)
			error = add(device, entry->d_name);
	}
	return error;
}

/* With native multipath nvme0c1n2 is the path through this device to the disk nvme0n2, which is not
 * below a PCI device. */
static int add_block(struct pci_device *device, const char *name)
{
	unsigned subsystem, controller, namespace;
	char disk[64];
	int end = 0;

	if (sscanf(name, "nvme%uc%un%u%n", &subsystem, &controller, &namespace, &end) == 3 &&
	    !name[end]) {
		snprintf(disk, sizeof(disk), "nvme%un%u", subsystem, namespace);
		name = disk;
	}
	return strings_add(&device->blocks, name);
}

/* Adds nodes such as card0 and renderD128, but not connectors (card0-HDMI-A-1). */
static int add_drm(struct pci_device *device, const char *name)
{
	return strchr(name, '-') ? 0 : strings_add(&device->drm, name);
}

int read_blocks(struct sysroot *root, const struct log *log, struct inventory *inventory)
{
	int error = walk_links(root, log, inventory, "sys/block", add_block);

	inventory_foreach(inventory, device)
		strings_sort(&device->blocks);
	return error;
}

int read_drm(struct sysroot *root, const struct log *log, struct inventory *inventory)
{
	int error = walk_links(root, log, inventory, "sys/class/drm", add_drm);

	inventory_foreach(inventory, device)
		strings_sort(&device->drm);
	return error;
}

static int add_mdev(struct pci_device *device, const char *uuid)
{
	struct mdev *tmp = realloc(device->mdevs, (device->mdev_count + 1) * sizeof(*tmp));

	if (!tmp)
		return -ENOMEM;
	device->mdevs = tmp;
	tmp[device->mdev_count] = (struct mdev){.uuid = strdup(uuid)};
	if (!tmp[device->mdev_count].uuid)
		return -ENOMEM;
	device->mdev_count++;
	return 0;
}

/* Returns NULL if it does not exist or cannot be read, which is not logged. */
static char *read_type_attribute(const struct sysdir *devices, const char *uuid, const char *name)
{
	char path[NAME_MAX + 32], text[ATTRIBUTE_SIZE];

	snprintf(path, sizeof(path), "%s/mdev_type/%s", uuid, name);
	return sysdir_read(devices, path, text, sizeof(text)) > 0 ? strdup(text) : NULL;
}

static int compare_mdevs(const void *a, const void *b)
{
	return strcmp(((const struct mdev *)a)->uuid, ((const struct mdev *)b)->uuid);
}

static int read_mdev_types(const struct sysdir *devices, struct pci_device *device)
{
	char path[NAME_MAX + 32], type[NAME_MAX + 1];

	for (size_t i = 0; i < device->mdev_count; i++) {
		struct mdev *mdev = &device->mdevs[i];

		snprintf(path, sizeof(path), "%s/mdev_type", mdev->uuid);
		if (sysdir_link_name(devices, path, type, sizeof(type)) < 0)
			continue; /* removed meanwhile */
		mdev->type = strdup(type);
		if (!mdev->type)
			return -ENOMEM;
		mdev->name = read_type_attribute(devices, mdev->uuid, "name");
		mdev->description = read_type_attribute(devices, mdev->uuid, "description");
	}
	if (device->mdev_count)
		qsort(device->mdevs, device->mdev_count, sizeof(*device->mdevs), compare_mdevs);
	return 0;
}

int read_mdevs(struct sysroot *root, const struct log *log, struct inventory *inventory)
{
	_cleanup_sysdir_ struct sysdir devices = {.fd = -1};
	int error = walk_links(root, log, inventory, MDEV_DIRECTORY, add_mdev);

	/* errors were logged by walk_links */
	if (!error && sysdir_open(sysroot_dir(root), MDEV_DIRECTORY, &devices) == 0)
		inventory_foreach(inventory, device)
			error = error ? error : read_mdev_types(&devices, device);
	return error;
}

static bool is_nonviable_peer(struct sysroot *root, const struct pci_device *peer, const char *name)
{
	char path[NAME_MAX + 64], driver[NAME_MAX + 1];

	/* peer->driver is not set if the peer is not selected */
	snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s/driver", name);
	if (device_is_bridge(peer) ||
	    sysdir_link_name(sysroot_dir(root), path, driver, sizeof(driver)) < 0)
		return false;
	return !driver_is_vfio(driver) && !driver_is_stub(driver);
}

static int add_peer(struct pci_device *device, const char *name)
{
	struct pci_address address;

	if (address_parse_full(name, &address) < 0 ||
	    address_compare(&address, &device->address) == 0)
		return 0;
	return strings_add(&device->group_peers, name);
}

static int list_group(struct sysroot *root, const struct log *log, struct pci_device *device)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char path[64];
	int error;

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/devices", device->iommu_group);
	error = open_directory(root, log, path, &dir, &list);
	if (error <= 0)
		return error;
	error = 0;
	while (error == 0 && (entry = sysdir_next(list)))
		error = add_peer(device, entry->d_name);
	strings_sort(&device->group_peers);
	return error;
}

static int find_nonviable_peers(struct sysroot *root, const struct inventory *inventory,
				struct pci_device *device)
{
	int error = 0;

	for (size_t i = 0; i < device->group_peers.count && !error; i++) {
		const char *name = device->group_peers.items[i];
		struct pci_address address;
		const struct pci_device *peer;

		peer = address_parse_full(name, &address) == 0 ? inventory_find(inventory, &address)
							       : NULL;
		if (peer && is_nonviable_peer(root, peer, name))
			error = strings_add(&device->nonviable_peers, name);
	}
	return error;
}

int read_nonviable_peers(struct sysroot *root, struct inventory *inventory)
{
	inventory_foreach(inventory, device) {
		int error = find_nonviable_peers(root, inventory, device);

		if (error < 0)
			return error;
	}
	return 0;
}

/* The numbers of the groups in /sys/kernel/iommu_groups, sorted. */
struct groups {
	unsigned *numbers;
	size_t count;
};

struct member {
	unsigned group;
	size_t index; /* of the device */
};

static int compare_groups(const void *a, const void *b)
{
	unsigned x = *(const unsigned *)a, y = *(const unsigned *)b;

	return (x > y) - (x < y);
}

static int compare_members(const void *a, const void *b)
{
	const struct member *x = a, *y = b;

	return x->group != y->group ? (x->group > y->group) - (x->group < y->group)
				    : (x->index > y->index) - (x->index < y->index);
}

/* Lists no more than CAPACITY groups. Those that are missing are listed one by one, which logs why.
 * Returns 0 or -ENOMEM. */
static int list_groups(struct sysroot *root, size_t capacity, struct groups *ret)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char *end;

	if (sysdir_list(sysroot_dir(root), "sys/kernel/iommu_groups", &list) < 0)
		return 0;
	ret->numbers = calloc(capacity + 1, sizeof(*ret->numbers));
	if (!ret->numbers)
		return -ENOMEM;
	while (ret->count < capacity && (entry = sysdir_next(list))) {
		unsigned long number = strtoul(entry->d_name, &end, 10);

		if (isdigit((unsigned char)entry->d_name[0]) && !*end && number <= UINT_MAX)
			ret->numbers[ret->count++] = (unsigned)number;
	}
	qsort(ret->numbers, ret->count, sizeof(*ret->numbers), compare_groups);
	return 0;
}

static bool is_listed(const struct groups *groups, const struct pci_device *device)
{
	return (device->present & HAS_IOMMU_GROUP) && groups->count &&
	       bsearch(&device->iommu_group, groups->numbers, groups->count,
		       sizeof(*groups->numbers), compare_groups);
}

/* The COUNT members are those of one group. */
static int add_members(struct inventory *inventory, const struct member *members, size_t count)
{
	char name[ADDRESS_SIZE];
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		struct pci_device *device = &inventory->devices[members[i].index];

		for (size_t j = 0; j < count && error == 0; j++) {
			address_format(&inventory->devices[members[j].index].address, name);
			error = add_peer(device, name);
		}
		strings_sort(&device->group_peers);
	}
	return error;
}

/* Finds the peers of devices in GROUPS without listing each group. */
static int match_members(struct inventory *inventory, const struct groups *groups)
{
	struct member *members = calloc(inventory->count + 1, sizeof(*members));
	size_t count = 0, next;
	int error = 0;

	if (!members)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->count; i++)
		if (is_listed(groups, &inventory->devices[i]))
			members[count++] = (struct member){inventory->devices[i].iommu_group, i};
	qsort(members, count, sizeof(*members), compare_members);
	for (size_t first = 0; first < count && error == 0; first = next) {
		for (next = first; next < count && members[next].group == members[first].group;)
			next++;
		if (next - first > 1)
			error = add_members(inventory, members + first, next - first);
	}
	free(members);
	return error;
}

int read_group_peers(struct sysroot *root, const struct log *log, bool all_known,
		     struct inventory *inventory)
{
	struct groups groups = {0};
	int error = all_known ? list_groups(root, inventory->count, &groups) : 0;

	if (error == 0 && groups.count)
		error = match_members(inventory, &groups);
	inventory_foreach(inventory, device)
		if (error == 0 && (device->present & HAS_IOMMU_GROUP) &&
		    !is_listed(&groups, device))
			error = list_group(root, log, device);
	free(groups.numbers);
	return error < 0 ? error : read_nonviable_peers(root, inventory);
}

/* The address of a slot has no function: "0000:01:00" applies to all functions. */
static int name_slot(const struct inventory *inventory, const char *address_text, const char *name)
{
	char text[ADDRESS_SIZE + 4];
	struct pci_address address;
	struct pci_device *device;

	if (snprintf(text, sizeof(text), "%s.0", address_text) >= (int)sizeof(text) ||
	    address_parse_full(text, &address) < 0)
		return 0;
	for (; address.function < 8; address.function++) {
		device = inventory_find(inventory, &address);
		if (!device || !device->selected || device->physical_slot)
			continue;
		device->physical_slot = strdup(name);
		if (!device->physical_slot)
			return -ENOMEM;
	}
	return 0;
}

int read_slots(struct sysroot *root, const struct log *log, struct inventory *inventory)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char name[NAME_MAX + 16], text[ATTRIBUTE_SIZE];
	struct dirent *entry;
	int error;

	error = open_directory(root, log, "sys/bus/pci/slots", &dir, &list);
	if (error <= 0)
		return error;
	error = 0;
	while (error == 0 && (entry = sysdir_next(list))) {
		snprintf(name, sizeof(name), "%s/address", entry->d_name);
		if (sysdir_read(&dir, name, text, sizeof(text)) >= 0)
			error = name_slot(inventory, text, entry->d_name);
	}
	return error;
}
