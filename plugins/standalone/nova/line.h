/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of device_spec and alias, which are JSON, parsed and matched as nova.pci.devspec and
 * nova.pci.request do. */
#ifndef PCIPROBE_STANDALONE_NOVA_LINE_H
#define PCIPROBE_STANDALONE_NOVA_LINE_H

#include "plugins/standalone/nova/conf.h"
#include "plugins/standalone/nova/spec.h"

/* Limit of specs and aliases in a file. */
#define NOVA_LINES_MAX 1024

/* A boolean that may be absent. */
enum nova_switch { NOVA_UNSET, NOVA_FALSE, NOVA_TRUE };

/* What a spec says about its devices. Tags that the release does not know are unset. */
struct nova_tags {
	bool remote_managed;
	enum nova_switch live_migratable, one_time_use;
	bool has_one_time_use;	       /* also if null */
	bool has_network;	       /* physical_network: not reported to Placement */
	bool capability_pci;	       /* capability_type is pci */
	char *type;		       /* replaces that of the device; NULL: none */
	char *resource_class, *traits; /* NULL: none */
};

struct nova_alias {
	char *name;   /* NULL: the line is a spec */
	long ids[2];  /* by NOVA_VENDOR and NOVA_PRODUCT; -1: any */
	char *type;   /* "type-VF"; NULL: any but type-PF */
	char *policy; /* "legacy" by default */
	enum nova_switch live_migratable;
	char *resource_class, *traits; /* NULL: none */
	bool capability_pci;	       /* requires it of the spec */
};

/* One spec or one alias. */
struct nova_line {
	unsigned line;
	size_t item; /* index in a list of specs, from 1; 0: not in a list */
	struct nova_spec spec;
	struct nova_tags tags;
	struct nova_alias alias;
};

struct nova_lines {
	struct nova_line *lines;
	size_t count;
};

/* Parses the options of CONF as its release does. Interfaces are looked up in INVENTORY, whose
 * devices, selected or not, must have been read with DETAIL_SRIOV and DETAIL_INTERFACES. Invalid
 * lines are reported by nova_conf_error and left out. Call nova_lines_free in any case. Returns 0
 * or -ENOMEM. */
int nova_lines_parse(struct nova_conf *conf, const struct inventory *inventory,
		     const struct log *log, struct nova_lines *ret);
void nova_lines_free(struct nova_lines *lines);

/* Returns whether ALIAS matches DEVICE. TAGS are those of the first spec that matches it. */
bool nova_alias_matches(const struct nova_alias *alias, const struct nova_tags *tags,
			const struct pci_device *device);

#endif
