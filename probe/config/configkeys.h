/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the keys of pci.conf. Used by config.c only. */
#ifndef PCIPROBE_CONFIG_CONFIGKEYS_H
#define PCIPROBE_CONFIG_CONFIGKEYS_H

#include "probe/config/keyvalue.h"
#include "probe/expect/expectation.h"
#include "probe/leftover.h"
#include "probe/select/alias.h"
#include "probe/select/rule.h"

#include <stdint.h>

/* The keys of the file, of one host or of one alias, before they are merged. */
struct section {
	struct rule_list filters, addresses, names;
	uint16_t *vendors;
	size_t vendor_count;
	struct alias *aliases;
	size_t alias_count;
	unsigned owners;    /* enum owner_source */
	struct alias alias; /* of an alias: all but its lists */
	struct vf_defaults vf_defaults;
	struct expectations expectations;
	struct expectation expectation; /* of an item of :expect:: all but its filters */
	bool has_filters, has_addresses, has_names, has_vendors, has_aliases, has_owners,
		has_vf_defaults, has_expect, has_complete;
	yaml_node_t *hosts; /* the map of :hosts:, to be read after the general keys; NULL: none */
};

/* Reads all keys of the file, or those that are allowed in the section of a host. Errors are logged
 * and counted in FILE. Free the section with section_free. */
void section_read_file(struct yamlfile *file, const yaml_node_t *map, struct section *section);
void section_read_host(struct yamlfile *file, const yaml_node_t *map, struct section *section);
void section_free(struct section *section);

/* Reads the filters of a section or of an item. */
parse_value section_parse_filters;

#define SECTION_KEYS_HELP                                                                 \
	":filter:, :short_address:, :device_name:, :nvidia_vendors:, :alias:, :owners:, " \
	":vf_defaults:, :expect:, :expect_complete:"

#endif
