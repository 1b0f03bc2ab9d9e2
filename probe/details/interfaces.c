/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces: in the net/ of the device, or for virtio in that of the virtio device below
 * it. */
#include "probe/details/attribute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES_MAX 4096 /* a switch in switchdev mode has a few hundred */

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

	snprintf(name, sizeof(name), "%s/%s/address", directory, interface->name);
	interface->mac = attribute_string(reader, name);
	if (!several)
		return;
	/* needed only to distinguish the uplink from the representors of VFs */
	snprintf(name, sizeof(name), "%s/%s/phys_port_name", directory, interface->name);
	interface->phys_port_name = attribute_string(reader, name);
}

static void read_directory(struct details_reader *reader, const char *directory, bool direct)
{
	struct pci_device *device = reader->device;
	size_t first = device->interface_count;

	list_interfaces(reader, directory, direct);
	if (device->interface_count > first)
		qsort(device->interfaces + first, device->interface_count - first,
		      sizeof(*device->interfaces), compare);
	for (size_t i = first; i < device->interface_count; i++)
		read_interface(reader, directory, &device->interfaces[i],
			       device->interface_count - first > 1);
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

void read_interfaces(struct details_reader *reader)
{
	read_directory(reader, "net", true);
	if (reader->device->driver && strcmp(reader->device->driver, "virtio-pci") == 0)
		read_virtio(reader);
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
		read_directory(reader, "physfn/net", true);
		reader->device = device;
	}
	device->incomplete |= reader->pf.incomplete;
	name = device_uplink(&reader->pf);
	device->pf_interface = name ? reader_strdup(reader, name) : NULL;
}
