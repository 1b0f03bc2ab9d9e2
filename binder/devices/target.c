/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/devices/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool target_is_alias(const char *word)
{
	return strncmp(word, "alias:", strlen("alias:")) == 0;
}

bool target_is_word(const char *word)
{
	return strchr(word, ':') != NULL;
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
	struct pci_device **more;

	if (targets_have(targets, device))
		return 0;
	more = realloc(targets->items, (targets->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	targets->items = more;
	more[targets->count++] = device;
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

static bool has_address(const struct pci_device *device, const char *text)
{
	struct pci_address address;

	return address_parse(text, &address) == 0 &&
	       address_compare(&address, &device->address) == 0;
}

/* How a device can be named, and what to look at when there is none. */
static const struct target_kind {
	const char *prefix;
	bool (*names)(const struct pci_device *device, const char *text);
	const char *remedy;
} KINDS[] = {
	{"net:", has_interface, "a device that VFIO has has no interface: name it by its address"},
	{"mac:", has_mac, "a device that VFIO has has no interface: name it by its address"},
	{"block:", has_block,
	 "name the whole disk; a device that VFIO has has none: name it by its address"},
	{"alias:", has_alias, "pci.conf says which devices have which alias"},
	{"id:", has_id, "'pciprobe list' shows ids"},
	{"", has_address, "'pciprobe list' shows addresses"},
};

static const struct target_kind *find_kind(const char *word)
{
	struct pci_address address;
	const struct target_kind *kind = KINDS;

	while (strncmp(word, kind->prefix, strlen(kind->prefix)) != 0)
		kind++;
	return *kind->prefix || address_parse(word, &address) == 0 ? kind : NULL;
}

int targets_add(struct targets *targets, const struct inventory *inventory, const char *word,
		bool all, const struct log *log)
{
	const struct target_kind *kind = find_kind(word);
	char first[ADDRESS_SIZE], second[ADDRESS_SIZE];
	struct pci_device *found = NULL;
	int error = 0;

	if (!kind) {
		log_error(
			log,
			"%s: names no device; right are 0000:01:00.0, 01:00.0, net:eth0, mac:52:54:00:12:34:56, block:nvme0n1, "
			"id:10de:2204, alias:NAME",
			word);
		return -EINVAL;
	}
	for (size_t i = 0; i < inventory->count && !error; i++) {
		struct pci_device *device = &inventory->devices[i];

		if (!kind->names(device, word + strlen(kind->prefix)))
			continue;
		if (found && !all) {
			log_error(
				log,
				"%s: both %s and %s are; name the one that is meant, or say --all",
				word, address_format(&found->address, first),
				address_format(&device->address, second));
			return -ENOTUNIQ;
		}
		found = device;
		error = targets_add_device(targets, device);
	}
	if (!found) {
		log_error(log, "%s: there is no such device; %s", word, kind->remedy);
		return -ENODEV;
	}
	return error;
}
