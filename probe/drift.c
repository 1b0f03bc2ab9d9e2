/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/drift.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int compare_mac(struct pci_device *device, const struct owner *owner)
{
	const char *mac = device->vf->mac;
	char text[VF_MAC_SIZE + 64];

	if (!owner->mac || strcmp(owner->mac, mac) == 0)
		return 0;
	snprintf(text, sizeof(text), "%s%s instead of %s", *mac ? "mac " : "no mac", mac,
		 owner->mac);
	return strings_add(&device->drift, text);
}

static int compare_vlan(struct pci_device *device, const struct owner *owner)
{
	char text[64];

	if (!owner->has_vlan || owner->vlan == device->vf->vlan)
		return 0;
	snprintf(text, sizeof(text), "vlan %" PRIu64 " instead of %u", device->vf->vlan,
		 owner->vlan);
	return strings_add(&device->drift, text);
}

static int compare(struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++) {
		const struct owner *owner = &device->owners[i];

		/* the settings of a VM that does not run are not made yet */
		if (!owner->reserves &&
		    (compare_mac(device, owner) < 0 || compare_vlan(device, owner) < 0))
			return -ENOMEM;
	}
	return 0;
}

int drift_read(struct inventory *inventory)
{
	int error = 0;

	inventory_foreach(inventory, device)
		if (!error && device->vf)
			error = compare(device);
	return error;
}
