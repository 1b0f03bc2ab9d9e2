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
};

static const struct target_kind *find_kind(const char *argument)
{
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(*KINDS); i++)
		if (strncmp(argument, KINDS[i].prefix, strlen(KINDS[i].prefix)) == 0)
			return &KINDS[i];
	return NULL;
}

static int add_matches(struct targets *targets, const struct inventory *inventory,
		       const struct target_kind *kind, const char *argument, bool all,
		       const struct log *log)
{
	char first[ADDRESS_SIZE], second[ADDRESS_SIZE];
	struct pci_device *found = NULL;
	int error = 0;

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
		error = targets_add_device(targets, device);
	}
	if (!found) {
		log_error(log, "%s: no such device; %s", argument, kind->remedy);
		return -ENODEV;
	}
	return error;
}

/* Finds the device that IDENTITY, written as ARGUMENT, names. Returns 0, -ENODEV or -ESTALE. */
static int find_identified(const struct inventory *inventory, const struct identity *identity,
			   const char *argument, const struct log *log, struct pci_device **ret)
{
	struct pci_device *found = NULL, *other = NULL;
	char text[IDENTITY_TEXT_SIZE];
	size_t others = 0;

	for (size_t i = 0; i < inventory->count; i++) {
		struct pci_device *device = &inventory->devices[i];

		if (identity_has_place(identity, device)) {
			found = device;
		} else if (identity_has_ids(identity, device)) {
			other = device;
			others++;
		}
	}
	if (found && identity_has_ids(identity, found)) {
		*ret = found;
		return 0;
	}
	if (!identity->has_ids)
		log_error(log, "%s: no such device; 'pciprobe list --all -o +pci_path' shows them",
			  argument);
	else
		log_error(log, "%s", identity_describe(identity, found, other, others, text));
	return found ? -ESTALE : -ENODEV;
}

int targets_add(struct targets *targets, const struct inventory *inventory, const char *argument,
		bool all, const struct log *log)
{
	const struct target_kind *kind = find_kind(argument);
	struct pci_device *device;
	struct identity identity;
	int error;

	if (kind)
		return add_matches(targets, inventory, kind, argument, all, log);
	if (identity_parse(argument, &identity) == 0) {
		error = find_identified(inventory, &identity, argument, log, &device);
		return error ? error : targets_add_device(targets, device);
	}
	log_error(
		log,
		"%s: not a device; expected 0000:01:00.0, 01:00.0 or path:0000:00:1c.0/00.0, also with =VENDOR:DEVICE, net:eth0, mac:52:54:00:12:34:56, block:nvme0n1, id:10de:2204 or alias:NAME",
		argument);
	return -EINVAL;
}

int target_check_ids(const struct pci_device *device, const char *ids,
		     const struct inventory *inventory, const struct log *log)
{
	char argument[64], address[ADDRESS_SIZE];
	struct pci_device *found;
	struct identity identity;

	if (!ids)
		return 0;
	snprintf(argument, sizeof(argument), "%s=%s", address_format(&device->address, address),
		 ids);
	if (identity_parse(argument, &identity) == 0)
		return find_identified(inventory, &identity, argument, log, &found);
	log_error(log, "invalid ids '%s'; expected VENDOR:DEVICE, e.g. 10de:2204", ids);
	return -EINVAL;
}

const char *target_format(const struct pci_device *device, char buffer[static TARGET_ARGUMENT_SIZE])
{
	bool by_path = device->path && strchr(device->path, '/');
	char address[ADDRESS_SIZE];

	snprintf(buffer, TARGET_ARGUMENT_SIZE, "%s%s=%04x:%04x", by_path ? PATH_PREFIX : "",
		 by_path ? device->path : address_format(&device->address, address), device->vendor,
		 device->device);
	return buffer;
}
