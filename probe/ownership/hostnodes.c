/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/hostnodes.h"

#include "probe/details/related.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define NVIDIA_GPUS "proc/driver/nvidia/gpus"
#define NVIDIA_MAJOR 195

struct node_search {
	struct sysroot *root;
	struct inventory *inventory;
	struct vfio_nodes *nodes;
};

/* Only NVIDIA's own driver shows the minor number of its node: "Device Minor: 	 0". */
int host_node_read_nvidia(struct sysroot *root, const char *address, dev_t *ret)
{
	char path[sizeof(NVIDIA_GPUS) + 300], text[ATTRIBUTE_SIZE], *line;
	unsigned minor_number;
	ssize_t length;

	snprintf(path, sizeof(path), NVIDIA_GPUS "/%.255s/information", address);
	length = sysdir_read(sysroot_dir(root), path, text, sizeof(text));
	if (length < 0)
		return length == -ENOENT ? 0 : (int)length;
	line = strstr(text, "Device Minor:");
	if (!line || sscanf(line, "Device Minor: %5u", &minor_number) != 1)
		return 0;
	*ret = makedev(NVIDIA_MAJOR, minor_number);
	return 1;
}

static int add_nvidia(const struct node_search *search)
{
	int found;

	inventory_foreach(search->inventory, device) {
		struct vfio_node node = {
			.kind = VFIO_NODE_OTHER, .has_address = true, .address = device->address};
		char address[ADDRESS_SIZE];

		if (!device->driver || strcmp(device->driver, "nvidia") != 0)
			continue;
		found = host_node_read_nvidia(
			search->root, address_format(&device->address, address), &node.number);
		node.has_number = found > 0;
		if (found > 0)
			found = vfio_nodes_add(search->nodes, &node);
		if (found < 0)
			return found;
	}
	return 0;
}

/* Finds the selected device that the link NAME leads below. Returns 1, 0 if there is none, or a
 * negative errno. */
static int find_device(const struct node_search *search, const struct sysdir *dir, const char *name,
		       char target[static PATH_MAX], struct pci_device **ret)
{
	struct pci_address addresses[PATH_ADDRESSES_MAX];
	ssize_t length = sysdir_readlink(dir, name, target, PATH_MAX);
	size_t count;

	if (length == -ENOENT || length == -EINVAL) /* removed meanwhile, or not a link */
		return 0;
	if (length < 0)
		return (int)length;
	count = path_addresses(target, addresses);
	*ret = count ? inventory_find(search->inventory, &addresses[count - 1]) : NULL;
	return *ret && (*ret)->selected;
}

/* Returns 1, 0 if it has no number, or a negative errno. */
static int add_numbered(const struct node_search *search, const struct sysdir *dir,
			const char *name, struct vfio_node node)
{
	int error, found = vfio_node_read_number(dir, name, &node);

	if (found <= 0)
		return found;
	error = vfio_nodes_add(search->nodes, &node);
	return error < 0 ? error : 1;
}

/* Connectors such as card0-VGA-1 are in the directory, too, without a node. */
static int add_drm(const struct node_search *search, const struct sysdir *dir, const char *name)
{
	struct pci_device *device;
	char target[PATH_MAX];
	int found = strchr(name, '-') ? 0 : find_device(search, dir, name, target, &device);

	if (found <= 0)
		return found;
	return add_numbered(search, dir, name,
			    (struct vfio_node){.kind = VFIO_NODE_OTHER,
					       .has_address = true,
					       .address = device->address});
}

/* Whether the vDPA device at PATH is the PCI device's own, not that of a subfunction: of these a
 * PCI device can have several, with a VM each. */
static bool is_whole(const struct pci_device *device, char *path)
{
	struct pci_address parent;
	char *slash = strrchr(path, '/');

	if (!slash)
		return false;
	*slash = '\0';
	slash = strrchr(path, '/');
	return address_parse(slash ? slash + 1 : path, &parent) == 0 &&
	       address_compare(&parent, &device->address) == 0;
}

/* The node is below the vDPA device while vhost_vdpa is its driver. */
static int add_vdpa(const struct node_search *search, const struct sysdir *dir, const char *name)
{
	_cleanup_sysdir_ struct sysdir vdpa = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char target[PATH_MAX];
	struct pci_device *device;
	struct vfio_node node = {.kind = VFIO_NODE_VDPA, .has_address = true};
	struct dirent *entry;
	int error = find_device(search, dir, name, target, &device);

	if (error <= 0)
		return error;
	node.address = device->address;
	if (!is_whole(device, target))
		node.kind = VFIO_NODE_OTHER;
	error = sysdir_open(dir, name, &vdpa);
	if (!error)
		error = sysdir_list(&vdpa, ".", &list);
	if (error < 0)
		return error == -ENOENT || error == -ENODEV ? 0 : error;
	while ((entry = sysdir_next(list))) {
		if (strncmp(entry->d_name, "vhost-vdpa-", strlen("vhost-vdpa-")) != 0)
			continue;
		error = add_numbered(search, &vdpa, entry->d_name, node);
		if (error < 0)
			return error;
		device->has_vdpa_node |= error && node.kind == VFIO_NODE_VDPA;
	}
	return -errno;
}

/* Calls ADD for each entry of DIRECTORY. */
static int add_entries(const struct node_search *search, const char *directory,
		       int (*add)(const struct node_search *search, const struct sysdir *dir,
				  const char *name))
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = sysdir_open(sysroot_dir(search->root), directory, &dir);

	if (!error)
		error = sysdir_list(&dir, ".", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while ((entry = sysdir_next(list))) {
		error = add(search, &dir, entry->d_name);
		if (error < 0)
			return error;
	}
	return -errno;
}

int host_nodes_read(struct sysroot *root, bool host_processes, struct inventory *inventory,
		    struct vfio_nodes *nodes)
{
	const struct node_search search = {.root = root, .inventory = inventory, .nodes = nodes};
	size_t before = nodes->count;
	int error = add_entries(&search, "sys/bus/vdpa/devices", add_vdpa);

	/* any device may have one that could not be listed */
	inventory_foreach(inventory, device)
		device->has_vdpa_node |= error < 0;
	if (!error && host_processes)
		error = add_entries(&search, "sys/class/drm", add_drm);
	if (!error && host_processes)
		error = add_nvidia(&search);
	return error < 0 ? error : (int)(nodes->count - before);
}
