/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for kinds of devices, used in requests: :alias: of pci.conf, the alias of Nova, the given
 * name of CloudStack. */
#ifndef PCIPROBE_SELECT_ALIAS_H
#define PCIPROBE_SELECT_ALIAS_H

#include "probe/device.h"
#include "probe/names/names.h"
#include "probe/select/rule.h"

/* The settings in nova.conf for the devices of an alias. */
enum alias_nova {
	ALIAS_NOVA_PHYSICAL_NETWORK,
	ALIAS_NOVA_RESOURCE_CLASS,
	ALIAS_NOVA_TRAITS,	    /* separated by commas */
	ALIAS_NOVA_MANAGED,	    /* "yes" or "no" */
	ALIAS_NOVA_LIVE_MIGRATABLE, /* likewise */
};
#define ALIAS_NOVA_COUNT 5

/* Their names here and in nova.conf. */
extern const char *const ALIAS_NOVA_KEYS[ALIAS_NOVA_COUNT];

/* One item of :alias:. A device has the alias if it is selected and meets all conditions of the
 * item. Several items may share a name; meeting the conditions of one of them is enough. */
struct alias {
	char *name;
	struct rule_list filters, addresses, names;
	bool has_role, has_numa_node;
	enum sriov_role role; /* SRIOV_NONE: neither PF nor VF */
	unsigned numa_node;
	char *nova[ALIAS_NOVA_COUNT]; /* for all devices of this name; NULL: none. No two items of
					 a name have them. */
};

/* Used by the collectd plugin for the whole host. */
#define ALIAS_NAME_RESERVED "summary"

/* Whether STRING is a valid alias name: up to 64 letters, digits and ". _ + -", starting with a
 * letter or digit, and not ALIAS_NAME_RESERVED. No output or request format needs to escape it. */
bool alias_is_name(const char *string);

/* Whether STRING can be a value of enum alias_nova: up to 255 letters, digits and ". _ + : / -". No
 * output needs to escape it. */
bool alias_is_nova_value(const char *string);

/* The details (enum detail) that must be read before aliases_read. */
unsigned aliases_details(const struct alias *aliases, size_t count);

/* Whether DEVICE meets the conditions of an item of the alias NAME that need no details: its
 * filters, addresses and names. Returns 1, 0, or a negative errno like selection_apply. */
int aliases_may_match(const struct alias *aliases, size_t count, const char *name,
		      struct names *names, const struct pci_device *device, const struct log *log);

/* Sets the aliases of all selected devices of INVENTORY, and of those that may be expected by alias
 * (pci_device.expected). Returns 0, -ENOMEM, or -ELOOP like rule_matches. */
int aliases_read(const struct alias *aliases, size_t count, struct names *names,
		 const struct log *log, struct inventory *inventory);

/* Frees the members, not the alias itself. */
void alias_free_members(struct alias *alias);

#endif
