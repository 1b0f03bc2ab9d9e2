/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/device.h"

#include <stdlib.h>

static int compare(const void *key, const void *element)
{
	return address_compare(key, &((const struct pci_device *)element)->address);
}

struct pci_device *inventory_find(const struct inventory *inventory, const struct pci_address *address)
{
	if (!inventory->count)
		return NULL;
	return bsearch(address, inventory->devices, inventory->count, sizeof(*inventory->devices), compare);
}

void device_free_members(struct pci_device *device)
{
	free(device->modalias);
	free(device->driver);
	free(device->label);
	free(device->physical_slot);
	free(device->power_state);
	free(device->runtime_status);
	strings_free(&device->reset_methods);
	strings_free(&device->blocks);
	strings_free(&device->drm);
	for (size_t i = 0; i < device->interface_count; i++) {
		free(device->interfaces[i].name);
		free(device->interfaces[i].mac);
		free(device->interfaces[i].phys_port_name);
	}
	free(device->interfaces);
	for (size_t i = 0; i < device->vgpu_type_count; i++) {
		free(device->vgpu_types[i].id);
		free(device->vgpu_types[i].name);
	}
	free(device->vgpu_types);
	free(device->ancestors);
}

void inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return;
	for (size_t i = 0; i < inventory->count; i++)
		device_free_members(&inventory->devices[i]);
	free(inventory->devices);
	free(inventory->verdicts);
	free(inventory);
}
