/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Network interfaces: in the card's own net/, or for virtio cards in that of the virtio device below. */
#include "probe/details/attribute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INTERFACES_MAX 4096 /* a switch in switchdev mode has a few hundred */

static bool add_interface(struct card *card, struct interface interface)
{
	struct pci_device *device = card->device;
	struct interface *more;

	more = realloc(device->interfaces, (device->interface_count + 1) * sizeof(*more));
	if (!more || !interface.name) {
		card->no_memory = true;
		free(interface.name);
		device->interfaces = more ? more : device->interfaces;
		return false;
	}
	device->interfaces = more;
	more[device->interface_count++] = interface;
	return true;
}

static int compare(const void *a, const void *b)
{
	return strverscmp(((const struct interface *)a)->name, ((const struct interface *)b)->name);
}

static void list_interfaces(struct card *card, const char *directory, bool direct)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = sysdir_list(&card->dir, directory, &list);

	if (error < 0) {
		if (!is_absent(error))
			card_failed(card, directory, strerror(-error));
		return;
	}
	while (card->device->interface_count < INTERFACES_MAX && (entry = sysdir_next(list)))
		if (!add_interface(card, (struct interface){.name = card_strdup(card, entry->d_name),
							   .direct = direct}))
			return;
}

static void read_interface(struct card *card, const char *directory, struct interface *interface, bool several)
{
	char name[512];

	snprintf(name, sizeof(name), "%s/%s/address", directory, interface->name);
	interface->mac = card_string(card, name);
	if (!several)
		return;
	/* only where there are several does it tell the uplink from the ports of the VFs */
	snprintf(name, sizeof(name), "%s/%s/phys_port_name", directory, interface->name);
	interface->phys_port_name = card_string(card, name);
}

static void read_directory(struct card *card, const char *directory, bool direct)
{
	struct pci_device *device = card->device;
	size_t first = device->interface_count;

	list_interfaces(card, directory, direct);
	if (device->interface_count > first)
		qsort(device->interfaces + first, device->interface_count - first, sizeof(*device->interfaces), compare);
	for (size_t i = first; i < device->interface_count; i++)
		read_interface(card, directory, &device->interfaces[i], device->interface_count - first > 1);
}

static void read_virtio(struct card *card)
{
	_cleanup_closedir_ DIR *list = NULL;
	char directory[300];
	struct dirent *entry;

	if (sysdir_list(&card->dir, ".", &list) < 0)
		return;
	while ((entry = sysdir_next(list))) {
		if (strncmp(entry->d_name, "virtio", strlen("virtio")) != 0)
			continue;
		snprintf(directory, sizeof(directory), "%s/net", entry->d_name);
		read_directory(card, directory, false);
	}
}

void read_interfaces(struct card *card)
{
	read_directory(card, "net", true);
	if (card->device->driver && strcmp(card->device->driver, "virtio-pci") == 0)
		read_virtio(card);
}

/* In switchdev mode a PF has an interface for each VF, so they are read once for all of them. */
void read_pf_interface(struct card *card)
{
	struct pci_device *device = card->device;
	const char *name;

	if (!(device->present & HAS_PF))
		return;
	if (address_compare(&card->pf.address, &device->sriov.pf) != 0) {
		device_free_members(&card->pf);
		card->pf = (struct pci_device){.address = device->sriov.pf};
		card->device = &card->pf;
		read_directory(card, "physfn/net", true);
		card->device = device;
	}
	device->incomplete |= card->pf.incomplete;
	name = device_uplink(&card->pf);
	device->pf_interface = name ? card_strdup(card, name) : NULL;
}
