/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/instance.h"

#include "plugins/collectd/sanitize.h"

#include <stdio.h>

/* The name of the only VM that uses the device; NULL if there are several, as of mediated devices.
 */
static const char *vm_of(const struct pci_device *device)
{
	const struct owner *only = NULL;

	for (size_t i = 0; i < device->owner_count; i++) {
		if (!owner_holds(&device->owners[i]))
			continue;
		if (only)
			return NULL;
		only = &device->owners[i];
	}
	return !only ? NULL : only->name ? only->name : only->uuid;
}

static const char *prefix_of(const struct pci_device *device, enum instance_format format)
{
	switch (format) {
	case INSTANCE_ALIAS:
		return device->aliases.count ? device->aliases.items[0] : NULL;
	case INSTANCE_VM:
		return vm_of(device);
	case INSTANCE_ADDRESS:
		break;
	}
	return NULL;
}

const char *instance_of(const struct pci_device *device, enum instance_format format,
			char buffer[static INSTANCE_SIZE])
{
	char address[ADDRESS_SIZE], clean[INSTANCE_SIZE - ADDRESS_SIZE];
	const char *prefix = prefix_of(device, format);

	address_format(&device->address, address);
	if (prefix && *prefix)
		snprintf(buffer, INSTANCE_SIZE, "%s:%s",
			 sanitize_copy(clean, sizeof(clean), prefix, " /\"\\=,;", '_'), address);
	else
		snprintf(buffer, INSTANCE_SIZE, "%s", address);
	return buffer;
}

const char *instance_of_model(const struct pci_device *device, char buffer[static INSTANCE_SIZE])
{
	snprintf(buffer, INSTANCE_SIZE, "%04x:%04x", device->vendor, device->device);
	return buffer;
}
