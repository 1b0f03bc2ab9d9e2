/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/vfiostate.h"

#include "probe/details/related.h"
#include "probe/driver.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <uuid/uuid.h>

#define GROUP_CLASS "sys/class/vfio"
#define DEVICE_CLASS "sys/class/vfio-dev"

void vfio_nodes_free(struct vfio_nodes *nodes)
{
	free(nodes->items);
	*nodes = (struct vfio_nodes){0};
}

int vfio_nodes_add(struct vfio_nodes *nodes, const struct vfio_node *node)
{
	struct vfio_node *items = reallocarray(nodes->items, nodes->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	nodes->items = items;
	items[nodes->count++] = *node;
	return 0;
}

int vfio_node_read_number(const struct sysdir *at, const char *name, struct vfio_node *node)
{
	char path[300], text[ATTRIBUTE_SIZE];
	unsigned major_number, minor_number;
	ssize_t length;

	snprintf(path, sizeof(path), "%.255s/dev", name);
	length = sysdir_read(at, path, text, sizeof(text));
	if (length == -ENOENT || length == -ENODEV)
		return 0;
	if (length < 0)
		return (int)length;
	if (sscanf(text, "%9u:%9u", &major_number, &minor_number) != 2)
		return -EBADMSG;
	node->number = makedev(major_number, minor_number);
	node->has_number = true;
	return 1;
}

static int add_group(struct vfio_nodes *nodes, const struct sysdir *class, const char *name)
{
	struct vfio_node node = {.kind = VFIO_NODE_GROUP};
	int end = 0, found;

	if ((sscanf(name, "%9u%n", &node.group, &end) != 1 || name[end]) &&
	    (sscanf(name, "noiommu-%9u%n", &node.group, &end) != 1 || name[end]))
		return 0;
	found = vfio_node_read_number(class, name, &node);
	return found > 0 ? vfio_nodes_add(nodes, &node) : found;
}

bool vfio_is_mdev_name(const char *name)
{
	uuid_t uuid;

	return uuid_parse(name, uuid) == 0;
}

bool vfio_locate(const char *path, struct pci_address *ret_address, char ret_mdev[MDEV_SIZE])
{
	struct pci_address addresses[PATH_ADDRESSES_MAX];
	size_t count = path_addresses(path, addresses);
	const char *slash = strrchr(path, '/'), *last = slash ? slash + 1 : path;

	if (!count)
		return false;
	*ret_address = addresses[count - 1];
	snprintf(ret_mdev, MDEV_SIZE, "%s", vfio_is_mdev_name(last) ? last : "");
	return true;
}

/* TARGET is ".../0000:01:00.0/vfio-dev/vfio3", for a mediated device with its UUID before
 * "vfio-dev". */
static void locate_device(struct vfio_node *node, char *target)
{
	char *end = strstr(target, "/vfio-dev/");

	if (!end)
		return;
	*end = '\0';
	node->has_address = vfio_locate(target, &node->address, node->mdev);
}

static int add_device(struct vfio_nodes *nodes, const struct sysdir *class, const char *name)
{
	struct vfio_node node = {.kind = VFIO_NODE_DEVICE};
	char target[PATH_MAX];
	ssize_t length;
	int found;

	length = sysdir_readlink(class, name, target, sizeof(target));
	if (length == -ENOENT)
		return 0;
	if (length < 0)
		return (int)length;
	locate_device(&node, target);
	found = vfio_node_read_number(class, name, &node);
	return found < 0 ? found : vfio_nodes_add(nodes, &node);
}

typedef int add_entry(struct vfio_nodes *nodes, const struct sysdir *class, const char *name);

/* Returns 1, 0 if the class is absent, or a negative errno. */
static int read_class(struct sysroot *root, const char *path, add_entry *add,
		      struct vfio_nodes *nodes)
{
	_cleanup_sysdir_ struct sysdir class = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = sysdir_open(sysroot_dir(root), path, &class);

	if (!error)
		error = sysdir_list(&class, ".", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while ((entry = sysdir_next(list))) {
		error = add(nodes, &class, entry->d_name);
		if (error < 0)
			return error;
	}
	return errno ? -errno : 1;
}

static int read_all(struct sysroot *root, struct vfio_nodes *nodes)
{
	struct vfio_node container = {.kind = VFIO_NODE_CONTAINER};
	int found = read_class(root, GROUP_CLASS, add_group, nodes);

	if (found < 0)
		return found;
	found = read_class(root, DEVICE_CLASS, add_device, nodes);
	if (found < 0)
		return found;
	nodes->lists_devices = found;
	found = vfio_node_read_number(sysroot_dir(root), "sys/class/misc/vfio", &container);
	return found > 0 ? vfio_nodes_add(nodes, &container) : found;
}

int vfio_nodes_read(struct sysroot *root, struct vfio_nodes *ret)
{
	struct vfio_nodes nodes = {0};
	int error = read_all(root, &nodes);

	if (error < 0) {
		vfio_nodes_free(&nodes);
		return error;
	}
	*ret = nodes;
	return 0;
}

bool vfio_node_is_foreign(const struct vfio_node *node)
{
	return node->kind == VFIO_NODE_VDPA || node->kind == VFIO_NODE_OTHER;
}

const struct vfio_node *vfio_nodes_find(const struct vfio_nodes *nodes, bool is_block, dev_t number)
{
	for (size_t i = 0; i < nodes->count; i++) {
		const struct vfio_node *node = &nodes->items[i];

		if (node->has_number && node->is_block == is_block && node->number == number)
			return node;
	}
	return NULL;
}

bool vfio_nodes_have_group(const struct vfio_nodes *nodes, unsigned group)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (nodes->items[i].kind == VFIO_NODE_GROUP && nodes->items[i].group == group)
			return true;
	return false;
}

bool vfio_nodes_have_device(const struct vfio_nodes *nodes, const struct pci_address *address)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (nodes->items[i].kind == VFIO_NODE_DEVICE && nodes->items[i].has_address &&
		    !nodes->items[i].mdev[0] &&
		    address_compare(&nodes->items[i].address, address) == 0)
			return true;
	return false;
}

enum vfio_use vfio_device_use(struct sysroot *root, const struct pci_address *address,
			      const char *driver)
{
	char path[96], name[ADDRESS_SIZE], text[ATTRIBUTE_SIZE];
	ssize_t length;
	int count;

	if (driver && !driver_is_vfio(driver) && !driver_is_stub(driver))
		return VFIO_USE_UNKNOWN;
	snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s/enable", address_format(address, name));
	length = sysdir_read(sysroot_dir(root), path, text, sizeof(text));
	if (length == -ENOENT || length == -ENODEV)
		return VFIO_USE_UNKNOWN;
	if (length < 0 || sscanf(text, "%9d", &count) != 1)
		return VFIO_USE_FAILED;
	return count ? VFIO_USE_OPEN : VFIO_USE_CLOSED;
}

enum vfio_use vfio_address_use(struct sysroot *root, const struct pci_address *address)
{
	char path[96], name[ADDRESS_SIZE], driver[256];
	int error;

	snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s/driver", address_format(address, name));
	error = sysdir_link_name(sysroot_dir(root), path, driver, sizeof(driver));
	if (error < 0 && error != -ENOENT)
		return VFIO_USE_FAILED;
	return vfio_device_use(root, address, error ? NULL : driver);
}

bool vfio_find_group(struct sysroot *root, const char *directory, const char *name, unsigned *ret)
{
	char path[128], group[16];

	snprintf(path, sizeof(path), "%s/%.64s/iommu_group", directory, name);
	if (sysdir_link_name(sysroot_dir(root), path, group, sizeof(group)) < 0)
		return false;
	*ret = (unsigned)strtoul(group, NULL, 10);
	return true;
}

static int list_group(struct sysroot *root, unsigned group, DIR **ret)
{
	char path[96];

	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/devices", group);
	return sysdir_list(sysroot_dir(root), path, ret);
}

size_t vfio_group_size(struct sysroot *root, unsigned group)
{
	_cleanup_closedir_ DIR *list = NULL;
	size_t all = 0, listed = 0;
	struct dirent *entry;
	struct stat status;
	char path[128];

	if (list_group(root, group, &list) < 0)
		return 0;
	while ((entry = sysdir_next(list))) {
		snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/devices/%.40s/vfio-dev",
			 group, entry->d_name);
		listed += sysdir_stat(sysroot_dir(root), path, &status) == 0;
		all++;
	}
	return listed ? listed : all;
}

int vfio_group_has_open(struct sysroot *root, unsigned group)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct pci_address address;
	struct dirent *entry;
	int error = list_group(root, group, &list);

	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while ((entry = sysdir_next(list)))
		if (address_parse_full(entry->d_name, &address) == 0 &&
		    vfio_address_use(root, &address) == VFIO_USE_OPEN)
			return true;
	return false;
}
