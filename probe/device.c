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

bool device_has_conflict(const struct pci_device *device)
{
	size_t whole = 0;

	for (size_t i = 0; i < device->owner_count; i++)
		whole += !device->owners[i].mdev;
	return whole > 1;
}

void owner_free_members(struct owner *owner)
{
	free(owner->program);
	free(owner->name);
	free(owner->uuid);
	free(owner->frontend_id);
	free(owner->guest_address);
	free(owner->mdev);
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
	strings_free(&device->group_peers);
	strings_free(&device->group_blockers);
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
	for (size_t i = 0; i < device->owner_count; i++)
		owner_free_members(&device->owners[i]);
	free(device->owners);
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
