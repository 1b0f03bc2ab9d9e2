/* SPDX-License-Identifier: GPL-2.0-or-later */
/* kubevirt: the permittedHostDevices of KubeVirt's custom resource as YAML, with a resource
 * pciprobe/ALIAS for each alias. KubeVirt selects devices by their ids alone, of those bound to
 * vfio-pci, and has one resource for each pair of ids. Sources: KubeVirt's
 * docs/devel/host-devices-and-device-plugins.md and pkg/virt-handler/device-manager. */
#include "common/text.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/pool.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define RESOURCE_PREFIX "pciprobe/"

/* The rules of Kubernetes for the name of a resource, after the prefix. */
static bool is_resource_name(const char *alias)
{
	size_t length = strlen(alias);

	return length <= 63 && !strchr(alias, '+') && isalnum((unsigned char)alias[length - 1]);
}

static bool is_member(const struct pci_device *device, const char *alias)
{
	return strings_has(&device->aliases, alias) && !device_is_bridge(device);
}

static bool has_same_ids(const struct pci_device *a, const struct pci_device *b)
{
	return a->vendor == b->vendor && a->device == b->device;
}

/* Of the devices with the ids of DEVICE that have ALIAS, whether it is the first. */
static bool is_first(const struct inventory *inventory, const struct pci_device *device,
		     const char *alias)
{
	inventory_foreach(inventory, other) {
		if (other == device)
			return true;
		if (has_same_ids(other, device) && is_member(other, alias))
			return false;
	}
	return false;
}

/* Returns the earlier of POOLS, up to ALIAS, that has a device with the ids of DEVICE; NULL if
 * there is none. */
static const char *find_earlier_alias(const struct inventory *inventory, const struct pool *pools,
				      const char *alias, const struct pci_device *device)
{
	for (; strcmp(pools->alias, alias) != 0; pools++)
		if (is_resource_name(pools->alias))
			inventory_foreach(inventory, other)
				if (has_same_ids(other, device) && is_member(other, pools->alias))
					return pools->alias;
	return NULL;
}

/* KubeVirt takes functions that are bound to vfio-pci, and NVIDIA's VFs that have a vGPU. */
static bool is_taken(const struct pci_device *device)
{
	return device->driver &&
	       (strcmp(device->driver, "vfio-pci") == 0 ||
		(strcmp(device->driver, "nvidia") == 0 && device_is_assignable(device)));
}

/* Comments about the devices with the ids of FIRST. Ids are read of all devices, drivers only of
 * selected ones. */
static void write_comments(FILE *out, const struct inventory *inventory, const char *alias,
			   const struct pci_device *first)
{
	char address[ADDRESS_SIZE];

	for (size_t i = 0; i < inventory->count; i++) {
		const struct pci_device *device = &inventory->devices[i];

		if (!has_same_ids(device, first))
			continue;
		address_format(&device->address, address);
		if (is_member(device, alias)) {
			if (!device->selected || is_taken(device))
				continue;
			fprintf(out, "      # %s is not bound to vfio-pci, but to ", address);
			text_write_plain(out, device->driver ? device->driver : "no driver");
			fputs(": KubeVirt ignores it\n", out);
		} else if (!device->selected || is_taken(device)) {
			fprintf(out,
				"      # %s has the same ids, but not this alias: KubeVirt cannot exclude it\n",
				address);
		}
	}
}

static void write_alias(FILE *out, const struct inventory *inventory, const struct pool *pools,
			const char *alias)
{
	inventory_foreach(inventory, device) {
		const char *earlier;

		if (!is_member(device, alias) || !is_first(inventory, device, alias))
			continue;
		earlier = find_earlier_alias(inventory, pools, alias, device);
		if (earlier) {
			fprintf(out,
				"      # %s: %04X:%04X already is " RESOURCE_PREFIX
				"%s, and can be only one resource\n",
				alias, device->vendor, device->device, earlier);
			continue;
		}
		fprintf(out,
			"      - pciVendorSelector: \"%04X:%04X\"\n        resourceName: \"" RESOURCE_PREFIX
			"%s\"\n",
			device->vendor, device->device, alias);
		write_comments(out, inventory, alias, device);
	}
}

/* Whether a device has an alias that is written: an empty list would withdraw the devices of all
 * nodes. */
static bool is_empty(const struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		for (size_t i = 0; i < device->aliases.count; i++)
			if (!device_is_bridge(device) && is_resource_name(device->aliases.items[i]))
				return false;
	return true;
}

int write_kubevirt(const struct report *report, FILE *out)
{
	const struct inventory *inventory = report->inventory;
	struct pool *pools;
	size_t count;
	int error = pools_count(probe_config(report->probe), inventory, &pools, &count);

	if (error < 0)
		return error;
	if (!is_empty(inventory))
		fputs("spec:\n  configuration:\n    permittedHostDevices:\n      pciHostDevices:\n",
		      out);
	if (!count)
		fputs("# pci.conf defines no aliases (:alias:)\n", out);
	for (size_t i = 0; i < count; i++) {
		if (!is_resource_name(pools[i].alias))
			fprintf(out,
				"      # %s is not a valid name of a Kubernetes resource: at most 63 letters, digits, '.', '_' and '-', "
				"with a letter or digit at the end\n",
				pools[i].alias);
		else if (!pools[i].total)
			fprintf(out, "      # %s matches no selected device\n", pools[i].alias);
		else
			write_alias(out, inventory, pools, pools[i].alias);
	}
	free(pools);
	return 0;
}
