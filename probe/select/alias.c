/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/select/alias.h"

#include "probe/details/details.h"
#include "probe/select/selection.h"

#include <stdlib.h>
#include <string.h>

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

const char *const ALIAS_NOVA_KEYS[ALIAS_NOVA_COUNT] = {
	[ALIAS_NOVA_PHYSICAL_NETWORK] = "physical_network",
	[ALIAS_NOVA_RESOURCE_CLASS] = "resource_class",
	[ALIAS_NOVA_TRAITS] = "traits",
	[ALIAS_NOVA_MANAGED] = "managed",
	[ALIAS_NOVA_LIVE_MIGRATABLE] = "live_migratable",
};

bool alias_is_nova_value(const char *string)
{
	size_t length = strlen(string);

	return length && length <= 255 && strspn(string, ALPHANUMERIC "._+:/-") == length;
}

bool alias_is_name(const char *string)
{
	size_t length = strlen(string);

	return length && length <= 64 && strcmp(string, ALIAS_NAME_RESERVED) != 0 &&
	       strspn(string, ALPHANUMERIC) && strspn(string, ALPHANUMERIC "._+-") == length;
}

unsigned aliases_details(const struct alias *aliases, size_t count)
{
	unsigned details = 0;

	for (size_t i = 0; i < count; i++)
		details |= (aliases[i].has_role ? (unsigned)DETAIL_SRIOV : 0) |
			   (aliases[i].has_numa_node ? (unsigned)DETAIL_NUMA_NODE : 0);
	return details;
}

/* Whether the device passes the lists of rules. Returns 1, 0 or a negative errno. */
static int passes_rules(const struct alias *alias, struct names *names,
			const struct pci_device *device, const struct log *log)
{
	const struct rule_list *lists[] = {&alias->filters, &alias->addresses, &alias->names};
	struct selection selection = {0};
	struct verdict verdict;
	int error;

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		selection_add(&selection, lists[i]);
	error = selection_apply(&selection, names, device, log, &verdict);
	return error < 0 ? error : !verdict.rejected_by;
}

/* Attributes that could not be read meet no condition. Returns 1, 0 or a negative errno. */
static int alias_matches(const struct alias *alias, struct names *names,
			 const struct pci_device *device, const struct log *log)
{
	if (alias->has_role &&
	    (!(device->present & HAS_SRIOV) || device->sriov.role != alias->role))
		return 0;
	if (alias->has_numa_node &&
	    (!(device->present & HAS_NUMA_NODE) || device->numa_node != alias->numa_node))
		return 0;
	return passes_rules(alias, names, device, log);
}

int aliases_may_match(const struct alias *aliases, size_t count, const char *name,
		      struct names *names, const struct pci_device *device, const struct log *log)
{
	int found = 0;

	for (size_t i = 0; i < count && !found; i++)
		if (strcmp(aliases[i].name, name) == 0)
			found = passes_rules(&aliases[i], names, device, log);
	return found;
}

static int read_device(const struct alias *aliases, size_t count, struct names *names,
		       const struct log *log, struct pci_device *device)
{
	for (size_t i = 0; i < count; i++) {
		const char *name = aliases[i].name;
		int error = alias_matches(&aliases[i], names, device, log);

		if (error > 0 && !strings_has(&device->aliases, name))
			error = strings_add(&device->aliases, name);
		if (error < 0)
			return error;
	}
	return 0;
}

int aliases_read(const struct alias *aliases, size_t count, struct names *names,
		 const struct log *log, struct inventory *inventory)
{
	int error = 0;

	for (size_t i = 0; i < inventory->count && error == 0; i++) {
		struct pci_device *device = &inventory->devices[i];

		if (device->selected || (device->expected & DETAIL_ALIASES))
			error = read_device(aliases, count, names, log, device);
	}
	return error;
}

void alias_free_members(struct alias *alias)
{
	free(alias->name);
	rule_list_free(&alias->filters);
	rule_list_free(&alias->addresses);
	rule_list_free(&alias->names);
	for (size_t i = 0; i < ALIAS_NOVA_COUNT; i++)
		free(alias->nova[i]);
	*alias = (struct alias){0};
}
