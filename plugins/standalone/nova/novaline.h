/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in the values of device_spec and alias, which are JSON, by the rules of
 * nova.pci.devspec and nova.pci.request. */
#ifndef PCIPROBE_STANDALONE_NOVA_NOVALINE_H
#define PCIPROBE_STANDALONE_NOVA_NOVALINE_H

#include "plugins/standalone/nova/novaconf.h"
#include "plugins/standalone/nova/novaspec.h"

/* A file with more of them is nobody's. */
#define NOVALINE_COUNT_MAX 1024

struct nova_alias {
	char *name;   /* NULL: it is a spec */
	long ids[2];  /* by NOVA_VENDOR and NOVA_PRODUCT; -1: any */
	char *type;   /* "type-VF"; NULL: any but type-PF */
	char *policy; /* "legacy" when nothing is said */
	bool nothing; /* it asks for what no device has */
};

/* One spec or one alias. */
struct nova_line {
	unsigned line;
	size_t item; /* which one of a list of specs, from 1; 0: it stands alone */
	struct nova_spec spec;
	struct nova_alias alias;
};

struct novalines {
	struct nova_line *lines;
	size_t count;
};

/* Reads the options of CONF; interfaces are looked up in INVENTORY, of which all devices must have
 * been read with DETAIL_SRIOV and DETAIL_INTERFACES. Faults are told and counted in CONF, and the
 * line left out. Free it with novalines_free in any case. Returns 0 or -ENOMEM. */
int novalines_parse(struct novaconf *conf, const struct inventory *inventory, const struct log *log,
		    struct novalines *ret);
void novalines_free(struct novalines *lines);

/* Whether an alias takes a device that a spec has taken. */
bool nova_alias_matches(const struct nova_alias *alias, const struct pci_device *device);

#endif
