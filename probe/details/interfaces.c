/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces: in the net/ of the device, or for virtio in that of the virtio device below
 * it. /sys/class/net has links to those of all devices. */
#include "probe/details/attribute.h"
#include "probe/details/details.h"
#include "probe/details/related.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES_MAX 4096    /* a switch in switchdev mode has a few hundred */
#define NETDEVS_DEVICES_MIN 16 /* for fewer devices, /sys/class/net is not read */

static bool add_interface(struct details_reader *reader, struct interface interface)
{
	struct pci_device *device = reader->device;
	struct interface *tmp;

	tmp = realloc(device->interfaces, (device->interface_count + 1) * sizeof(*tmp));
	if (!tmp || !interface.name) {
		reader->no_memory = true;
		free(interface.name);
		device->interfaces = tmp ? tmp : device->interfaces;
		return false;
	}
	device->interfaces = tmp;
	tmp[device->interface_count++] = interface;
	return true;
}

static int compare(const void *a, const void *b)
{
	return strverscmp(((const struct interface *)a)->name, ((const struct interface *)b)->name);
}

static void list_interfaces(struct details_reader *reader, const char *directory, bool direct)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = sysdir_list(&reader->dir, directory, &list);

	if (error < 0) {
		if (!is_absent(error))
			attribute_failed(reader, directory, strerror(-error));
		return;
	}
	while (reader->device->interface_count < INTERFACES_MAX && (entry = sysdir_next(list)))
		if (!add_interface(reader,
				   (struct interface){.name = reader_strdup(reader, entry->d_name),
						      .direct = direct}))
			return;
}

static void read_interface(struct details_reader *reader, const char *directory,
			   struct interface *interface, bool several)
{
	char name[512];

	/* that of a PF is not in the details of its VF */
	if ((reader->wanted & DETAIL_MACS) && reader->device != &reader->pf) {
		snprintf(name, sizeof(name), "%s/%s/address", directory, interface->name);
		interface->mac = attribute_string(reader, name);
	}
	if (!several)
		return;
	/* needed only to distinguish the uplink from the representors of VFs */
	snprintf(name, sizeof(name), "%s/%s/phys_port_name", directory, interface->name);
	interface->phys_port_name = attribute_string(reader, name);
}

/* Those from FIRST on, which are in DIRECTORY. */
static void read_attributes(struct details_reader *reader, const char *directory, size_t first)
{
	struct pci_device *device = reader->device;

	for (size_t i = first; i < device->interface_count; i++)
		read_interface(reader, directory, &device->interfaces[i],
			       device->interface_count - first > 1);
}

static void read_directory(struct details_reader *reader, const char *directory, bool direct)
{
	struct pci_device *device = reader->device;
	size_t first = device->interface_count;

	list_interfaces(reader, directory, direct);
	if (device->interface_count > first)
		qsort(device->interfaces + first, device->interface_count - first,
		      sizeof(*device->interfaces), compare);
	read_attributes(reader, directory, first);
}

static void read_virtio(struct details_reader *reader)
{
	_cleanup_closedir_ DIR *list = NULL;
	char directory[300];
	struct dirent *entry;

	if (sysdir_list(&reader->dir, ".", &list) < 0)
		return;
	while ((entry = sysdir_next(list))) {
		if (strncmp(entry->d_name, "virtio", strlen("virtio")) != 0)
			continue;
		snprintf(directory, sizeof(directory), "%s/net", entry->d_name);
		read_directory(reader, directory, false);
	}
}

/* ---- /sys/class/net ---- */

static size_t directory_length(const struct netdev *netdev)
{
	return (size_t)(strrchr(netdev->path, '/') - netdev->path);
}

static bool is_direct(const struct netdev *netdev)
{
	return netdev->path[0] == 'n';
}

/* The order in which the directories are listed: net/ before those of virtio. */
static int compare_netdevs(const void *a, const void *b)
{
	const struct netdev *x = a, *y = b;
	int result = address_compare(&x->device, &y->device);

	return result ? result : strverscmp(x->path, y->path);
}

/* "net/NAME" or "virtio2/net/NAME"; others are of devices below, e.g. on the USB. */
static bool is_interface(const char *path)
{
	if (strncmp(path, "virtio", strlen("virtio")) == 0 && strchr(path, '/'))
		path = strchr(path, '/') + 1;
	return strncmp(path, "net/", strlen("net/")) == 0 && path[strlen("net/")] &&
	       !strchr(path + strlen("net/"), '/');
}

static int add_netdev(struct details_reader *reader, const char *target, size_t capacity)
{
	struct netdev *netdev = &reader->netdevs[reader->netdev_count];
	const char *path = NULL;

	while ((target = path_after_address(target, &netdev->device)))
		path = target;
	if (!path || !is_interface(path))
		return 0;
	if (reader->netdev_count == capacity)
		return -EAGAIN;
	netdev->path = strdup(path);
	if (!netdev->path)
		return -ENOMEM;
	reader->netdev_count++;
	return 0;
}

/* Returns 0 if all links, at most CAPACITY, could be read. */
static int read_netdev_links(struct details_reader *reader, const struct sysdir *dir, DIR *list,
			     size_t capacity)
{
	char target[PATH_MAX];
	struct dirent *entry;
	int error = 0;

	while (error == 0 && (entry = sysdir_next(list))) {
		ssize_t length = sysdir_readlink(dir, entry->d_name, target, sizeof(target));

		if (length >= 0)
			error = add_netdev(reader, target, capacity);
		/* removed meanwhile, or not an interface, as bonding_masters */
		else if (length != -ENOENT && (length != -EINVAL || entry->d_type != DT_REG))
			error = (int)length;
	}
	return error ? error : -errno;
}

static size_t count_entries(DIR *list)
{
	size_t count = 0;

	while (sysdir_next(list))
		count++;
	rewinddir(list);
	return count;
}

void read_netdevs(struct details_reader *reader, struct sysroot *root, size_t devices)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	size_t capacity;

	/* a recording has the directories of the devices */
	if (devices < NETDEVS_DEVICES_MIN || sysroot_is_watched(root) ||
	    sysdir_open(sysroot_dir(root), "sys/class/net", &dir) < 0 ||
	    sysdir_list(&dir, ".", &list) < 0)
		return;
	capacity = count_entries(list);
	if (capacity > devices) /* most are virtual */
		return;
	reader->netdevs = calloc(capacity + 1, sizeof(*reader->netdevs));
	if (!reader->netdevs || read_netdev_links(reader, &dir, list, capacity) < 0) {
		free_netdevs(reader);
		return;
	}
	qsort(reader->netdevs, reader->netdev_count, sizeof(*reader->netdevs), compare_netdevs);
	reader->has_netdevs = true;
}

void free_netdevs(struct details_reader *reader)
{
	for (size_t i = 0; i < reader->netdev_count; i++)
		free(reader->netdevs[i].path);
	free(reader->netdevs);
	reader->netdevs = NULL;
	reader->netdev_count = 0;
}

/* Returns the end of the list if there are none. */
static const struct netdev *first_netdev(const struct details_reader *reader,
					 const struct pci_address *device)
{
	size_t low = 0, high = reader->netdev_count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (address_compare(&reader->netdevs[middle].device, device) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return reader->netdevs + low;
}

/* Whether NETDEV is in the directory of FIRST, of the same device. */
static bool same_directory(const struct netdev *netdev, const struct netdev *first)
{
	size_t length = directory_length(first) + 1;

	return address_compare(&netdev->device, &first->device) == 0 &&
	       strncmp(netdev->path, first->path, length) == 0;
}

/* Adds those in the directory of FIRST, which are read below PREFIX. Returns the next one. */
static const struct netdev *add_netdevs(struct details_reader *reader, const struct netdev *first,
					const char *prefix)
{
	const struct netdev *end = reader->netdevs + reader->netdev_count, *netdev = first;
	size_t length = directory_length(first), count = reader->device->interface_count;
	char directory[300];

	for (; netdev < end && same_directory(netdev, first); netdev++)
		if (reader->device->interface_count < INTERFACES_MAX &&
		    !add_interface(reader,
				   (struct interface){
					   .name = reader_strdup(reader, netdev->path + length + 1),
					   .direct = is_direct(first)}))
			return end;
	snprintf(directory, sizeof(directory), "%s%.*s", prefix, (int)length, first->path);
	read_attributes(reader, directory, count);
	return netdev;
}

/* ---- readers ---- */

void read_interfaces(struct details_reader *reader)
{
	const struct netdev *netdev, *end;

	if (reader->has_netdevs) {
		end = reader->netdevs + reader->netdev_count;
		netdev = first_netdev(reader, &reader->device->address);
		while (netdev < end &&
		       address_compare(&netdev->device, &reader->device->address) == 0)
			netdev = add_netdevs(reader, netdev, "");
		return;
	}
	read_directory(reader, "net", true);
	if (reader->device->driver && strcmp(reader->device->driver, "virtio-pci") == 0)
		read_virtio(reader);
}

/* Reads the interfaces of the PF of a VF into READER's device. */
static void read_interfaces_of_pf(struct details_reader *reader)
{
	const struct pci_address *pf = &reader->device->address;
	const struct netdev *netdev, *end;

	if (!reader->has_netdevs) {
		read_directory(reader, "physfn/net", true);
		return;
	}
	end = reader->netdevs + reader->netdev_count;
	netdev = first_netdev(reader, pf);
	if (netdev < end && address_compare(&netdev->device, pf) == 0 && is_direct(netdev))
		add_netdevs(reader, netdev, "physfn/");
}

/* In switchdev mode a PF has an interface for each VF, so they are read once for all VFs. */
void read_pf_interface(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	const char *name;

	if (!(device->present & HAS_PF))
		return;
	if (address_compare(&reader->pf.address, &device->sriov.pf) != 0) {
		device_free_members(&reader->pf);
		reader->pf = (struct pci_device){.address = device->sriov.pf};
		reader->device = &reader->pf;
		read_interfaces_of_pf(reader);
		reader->device = device;
	}
	device->incomplete |= reader->pf.incomplete;
	name = device_uplink(&reader->pf);
	device->pf_interface = name ? reader_strdup(reader, name) : NULL;
}
