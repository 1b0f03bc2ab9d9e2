/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/device.h"

#include "probe/driver.h"
#include "probe/expect/finding.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int compare(const void *key, const void *element)
{
	return address_compare(key, &((const struct pci_device *)element)->address);
}

struct pci_device *inventory_find(const struct inventory *inventory,
				  const struct pci_address *address)
{
	if (!inventory->count)
		return NULL;
	return bsearch(address, inventory->devices, inventory->count, sizeof(*inventory->devices),
		       compare);
}

static bool has_host_driver(const struct pci_device *device)
{
	if (device->driver && strcmp(device->driver, "nvidia") == 0 && device->vgpu_type &&
	    strcmp(device->vgpu_type, "0") != 0)
		return false;
	return device->driver && !driver_is_vfio(device->driver) && !driver_is_stub(device->driver);
}

bool device_is_bridge(const struct pci_device *device)
{
	return device->class >> 8 == 0x06;
}

/* p0 and p1 are physical ports; pf0vf3 and the like are representors of functions. */
static bool is_uplink(const struct interface *interface)
{
	const char *port = interface->phys_port_name;

	return port && *port == 'p' && port[1] &&
	       strspn(port + 1, "0123456789") == strlen(port + 1);
}

const char *device_uplink(const struct pci_device *device)
{
	const struct interface *only = NULL, *uplink = NULL;
	size_t count = 0;

	for (size_t i = 0; i < device->interface_count; i++) {
		const struct interface *interface = &device->interfaces[i];

		if (!interface->direct)
			continue;
		count++;
		only = interface;
		if (!uplink && is_uplink(interface))
			uplink = interface;
	}
	if (count == 1)
		return only->name;
	return uplink ? uplink->name : NULL;
}

bool device_is_assignable(const struct pci_device *device)
{
	return !device_is_bridge(device) && !has_host_driver(device);
}

bool device_has_conflict(const struct pci_device *device)
{
	size_t whole = 0;

	for (size_t i = 0; i < device->owner_count; i++) {
		if (device->owners[i].mdev || device->owners[i].host_process)
			continue;
		whole++;
		/* a vendor driver can pass VFs through itself, or offer them by vDPA; then the VM
		 * has the VF open */
		if (!device->owners[i].reserves &&
		    !(device->owners[i].sources & (OWNER_VFIO | OWNER_NODES)) &&
		    has_host_driver(device))
			return true;
	}
	return whole > 1;
}

enum unavailable_reason device_unavailable_reason(const struct pci_device *device)
{
	static const enum unavailable_reason reasons[OWNERSHIP_COUNT] = {
		[OWNERSHIP_UNKNOWN] = UNAVAILABLE_UNKNOWN,
		[OWNERSHIP_FREE] = UNAVAILABLE_NONE,
		[OWNERSHIP_HOST] = UNAVAILABLE_HOST,
		[OWNERSHIP_RESERVED] = UNAVAILABLE_RESERVED,
		[OWNERSHIP_HELD] = UNAVAILABLE_HELD,
	};

	if (!(device->present & HAS_OWNERSHIP) || device->ownership != OWNERSHIP_FREE)
		return reasons[device->ownership];
	if (!(device->present & HAS_IOMMU_GROUP))
		return UNAVAILABLE_NO_IOMMU;
	if (device->nonviable_peers.count)
		return UNAVAILABLE_NOT_VIABLE;
	return device->group_held ? UNAVAILABLE_GROUP_HELD : UNAVAILABLE_NONE;
}

bool device_knows_link(const struct pci_device *device)
{
	const unsigned needed = HAS_LINK_SPEED | HAS_LINK_WIDTH | HAS_MAX_LINK_SPEED |
				HAS_MAX_LINK_WIDTH | HAS_PORT_LINK;

	return (device->present & needed) == needed && !device_is_bridge(device);
}

bool device_has_degraded_link(const struct pci_device *device)
{
	const struct link *link = &device->link;

	if (!device_knows_link(device))
		return false;
	return (link->speed < link->max_speed && link->speed < link->port_speed) ||
	       (link->width < link->max_width && link->width < link->port_width);
}

static char *copy(const char *string, bool *failed)
{
	char *duplicate = string ? strdup(string) : NULL;

	*failed |= string && !duplicate;
	return duplicate;
}

bool device_knows_leftovers(const struct pci_device *device)
{
	return device->vf && (device->present & HAS_OWNERSHIP) &&
	       device->ownership != OWNERSHIP_UNKNOWN;
}

bool device_has_stated_settings(const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++)
		if (owner_holds(&device->owners[i]) &&
		    (device->owners[i].mac || device->owners[i].has_vlan))
			return true;
	return false;
}

bool device_is_suspended(const struct pci_device *device)
{
	return device->runtime_status &&
	       strncmp(device->runtime_status, "suspend", strlen("suspend")) == 0;
}

bool owner_holds(const struct owner *owner)
{
	return !owner->reserves && !owner->host_process;
}

const struct owner *device_holder(const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++)
		if (owner_holds(&device->owners[i]))
			return &device->owners[i];
	return NULL;
}

int device_copy_owners(struct pci_device *to, const struct pci_device *from)
{
	bool failed = false;

	to->ownership = from->ownership;
	to->group_held = from->group_held;
	to->has_vdpa_node = from->has_vdpa_node;
	to->present |= from->present & HAS_OWNERSHIP;
	free(to->unknown_reason);
	to->unknown_reason = copy(from->unknown_reason, &failed);
	if (!from->owner_count)
		return failed ? -ENOMEM : 0;
	to->owners = calloc(from->owner_count, sizeof(*to->owners));
	if (!to->owners)
		return -ENOMEM;
	to->owner_count = from->owner_count;
	for (size_t i = 0; i < from->owner_count; i++) {
		const struct owner *owner = &from->owners[i];

		to->owners[i] = *owner;
		to->owners[i].program = copy(owner->program, &failed);
		to->owners[i].name = copy(owner->name, &failed);
		to->owners[i].uuid = copy(owner->uuid, &failed);
		to->owners[i].frontend_id = copy(owner->frontend_id, &failed);
		to->owners[i].guest_address = copy(owner->guest_address, &failed);
		to->owners[i].mdev = copy(owner->mdev, &failed);
		to->owners[i].mac = copy(owner->mac, &failed);
		to->owners[i].pod = copy(owner->pod, &failed);
	}
	return failed ? -ENOMEM : 0;
}

void owner_free_members(struct owner *owner)
{
	free(owner->program);
	free(owner->name);
	free(owner->uuid);
	free(owner->frontend_id);
	free(owner->guest_address);
	free(owner->mdev);
	free(owner->mac);
	free(owner->pod);
}

void device_free_members(struct pci_device *device)
{
	free(device->modalias);
	free(device->unknown_reason);
	free(device->vf);
	free(device->vf_unknown_reason);
	strings_free(&device->leftovers);
	strings_free(&device->drift);
	free(device->driver);
	free(device->label);
	free(device->physical_slot);
	free(device->power_state);
	free(device->runtime_status);
	strings_free(&device->reset_methods);
	strings_free(&device->blocks);
	strings_free(&device->drm);
	strings_free(&device->group_peers);
	strings_free(&device->nonviable_peers);
	for (size_t i = 0; i < device->interface_count; i++) {
		free(device->interfaces[i].name);
		free(device->interfaces[i].mac);
		free(device->interfaces[i].phys_port_name);
	}
	free(device->interfaces);
	free(device->pf_interface);
	for (size_t i = 0; i < device->vgpu_type_count; i++) {
		free(device->vgpu_types[i].id);
		free(device->vgpu_types[i].name);
	}
	free(device->vgpu_types);
	free(device->vgpu_type);
	for (size_t i = 0; i < device->mdev_count; i++) {
		free(device->mdevs[i].uuid);
		free(device->mdevs[i].type);
		free(device->mdevs[i].name);
		free(device->mdevs[i].description);
	}
	free(device->mdevs);
	for (size_t i = 0; i < device->owner_count; i++)
		owner_free_members(&device->owners[i]);
	free(device->owners);
	free(device->ancestors);
	free(device->path);
	strings_free(&device->aliases);
}

void inventory_free(struct inventory *inventory)
{
	if (!inventory)
		return;
	for (size_t i = 0; i < inventory->count; i++)
		device_free_members(&inventory->devices[i]);
	free(inventory->devices);
	free(inventory->unread);
	findings_free(inventory->findings, inventory->finding_count);
	free(inventory->verdicts);
	free(inventory);
}
