/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/devices/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool target_is_alias(const char *argument)
{
	return strncmp(argument, "alias:", strlen("alias:")) == 0;
}

bool target_is_argument(const char *argument)
{
	return strchr(argument, ':') != NULL;
}

bool targets_have(const struct targets *targets, const struct pci_device *device)
{
	for (size_t i = 0; i < targets->count; i++)
		if (targets->items[i] == device)
			return true;
	return false;
}

int targets_add_device(struct targets *targets, struct pci_device *device)
{
	struct pci_device **grown;

	if (targets_have(targets, device))
		return 0;
	grown = realloc(targets->items, (targets->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	targets->items = grown;
	grown[targets->count++] = device;
	return 0;
}

void targets_free(struct targets *targets)
{
	free(targets->items);
	*targets = (struct targets){0};
}

static bool has_interface(const struct pci_device *device, const char *name)
{
	for (size_t i = 0; i < device->interface_count; i++)
		if (strcmp(device->interfaces[i].name, name) == 0)
			return true;
	return false;
}

static bool has_mac(const struct pci_device *device, const char *mac)
{
	for (size_t i = 0; i < device->interface_count; i++)
		if (device->interfaces[i].mac && strcasecmp(device->interfaces[i].mac, mac) == 0)
			return true;
	return false;
}

static bool has_block(const struct pci_device *device, const char *name)
{
	return strings_has(&device->blocks, name);
}

static bool has_alias(const struct pci_device *device, const char *name)
{
	return strings_has(&device->aliases, name);
}

static bool has_id(const struct pci_device *device, const char *id)
{
	char own[10];

	snprintf(own, sizeof(own), "%04x:%04x", device->vendor, device->device);
	return strcasecmp(own, id) == 0;
}

/* NAME is an address, or ADDRESS=VENDOR:DEVICE: see check_ids. */
static int parse_address(const char *name, struct pci_address *ret)
{
	size_t length = strcspn(name, "=");
	char address[ADDRESS_SIZE];

	if (length >= sizeof(address))
		return -EINVAL;
	memcpy(address, name, length);
	address[length] = '\0';
	return address_parse(address, ret);
}

static bool has_address(const struct pci_device *device, const char *name)
{
	struct pci_address address;

	return parse_address(name, &address) == 0 &&
	       address_compare(&address, &device->address) == 0;
}

/* Addresses change when hardware is added or removed. Returns 0 or -ESTALE (logged). */
static int check_ids(const struct pci_device *device, const char *argument, const struct log *log)
{
	const char *ids = strchr(argument, '=');
	char address[ADDRESS_SIZE];

	if (!ids || has_id(device, ids + 1))
		return 0;
	log_error(log, "%s: is %04x:%04x, expected %s; the addresses have changed",
		  address_format(&device->address, address), device->vendor, device->device,
		  ids + 1);
	return -ESTALE;
}

/* The kinds of DEV arguments; the remedy is for a device that was not found. */
static const struct target_kind {
	const char *prefix;
	bool (*matches)(const struct pci_device *device, const char *name);
	const char *remedy;
} KINDS[] = {
	{"net:", has_interface, "a device bound to VFIO has no network interface: use its address"},
	{"mac:", has_mac, "a device bound to VFIO has no network interface: use its address"},
	{"block:", has_block,
	 "use the whole disk, not a partition; a device bound to VFIO has no disk: use its address"},
	{"alias:", has_alias, "aliases are defined in pci.conf"},
	{"id:", has_id, "'pciprobe list --all' shows the ids"},
	{"", has_address, "'pciprobe list --all' shows the addresses"},
};

static const struct target_kind *find_kind(const char *argument)
{
	const struct target_kind *kind = KINDS;
	struct pci_address address;

	while (strncmp(argument, kind->prefix, strlen(kind->prefix)) != 0)
		kind++;
	return *kind->prefix || parse_address(argument, &address) == 0 ? kind : NULL;
}

int targets_add(struct targets *targets, const struct inventory *inventory, const char *argument,
		bool all, const struct log *log)
{
	const struct target_kind *kind = find_kind(argument);
	char first[ADDRESS_SIZE], second[ADDRESS_SIZE];
	struct pci_device *found = NULL;
	int error = 0;

	if (!kind) {
		log_error(
			log,
			"%s: not a device; expected 0000:01:00.0, 01:00.0, 0000:01:00.0=10de:2204, net:eth0, mac:52:54:00:12:34:56, block:nvme0n1, id:10de:2204 or alias:NAME",
			argument);
		return -EINVAL;
	}
	for (size_t i = 0; i < inventory->count && !error; i++) {
		struct pci_device *device = &inventory->devices[i];

		if (!kind->matches(device, argument + strlen(kind->prefix)))
			continue;
		if (found && !all) {
			log_error(log, "%s matches %s and %s; give an address, or --all", argument,
				  address_format(&found->address, first),
				  address_format(&device->address, second));
			return -ENOTUNIQ;
		}
		found = device;
		error = *kind->prefix ? 0 : check_ids(device, argument, log);
		if (!error)
			error = targets_add_device(targets, device);
	}
	if (!found) {
		log_error(log, "%s: no such device; %s", argument, kind->remedy);
		return -ENODEV;
	}
	return error;
}
