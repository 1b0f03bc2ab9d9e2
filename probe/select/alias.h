/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for kinds of devices, which requests ask by: :alias: of pci.conf, Nova's alias,
 * CloudStack's given name. */
#ifndef PCIPROBE_SELECT_ALIAS_H
#define PCIPROBE_SELECT_ALIAS_H

#include "probe/device.h"
#include "probe/names/names.h"
#include "probe/select/rule.h"

/* One item of :alias:. A device has the alias when it is selected and passes all that is said here;
 * items of one name are one alias, which a device has that passes any of them. */
struct alias {
	char *name;
	struct rule_list filters, addresses, names;
	bool has_role, has_numa_node;
	enum sriov_role role; /* SRIOV_NONE: neither PF nor VF */
	unsigned numa_node;
};

/* What collectd's plugin calls the whole host. */
#define ALIAS_NAME_RESERVED "summary"

/* Whether TEXT can be the name of an alias: up to 64 letters, digits and ". _ + -", the first a
 * letter or digit; whatever writes or asks for it uses other characters around it. Not
 * ALIAS_NAME_RESERVED. */
bool alias_is_name(const char *text);

/* What must have been read of a device (enum detail) before aliases_read. */
unsigned aliases_details(const struct alias *aliases, size_t count);

/* Sets the aliases of every selected device of INVENTORY. Returns 0, -ENOMEM, or -ELOOP as
 * rule_matches does. */
int aliases_read(const struct alias *aliases, size_t count, struct names *names,
		 const struct log *log, struct inventory *inventory);

void alias_free_members(struct alias *alias);

#endif
