/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The releases of Nova, and what each knows of PCI devices. */
#ifndef PCIPROBE_STANDALONE_NOVA_RELEASE_H
#define PCIPROBE_STANDALONE_NOVA_RELEASE_H

#include "probe/log.h"

#include <stdbool.h>
#include <stddef.h>

/* Bits of nova_release.knows. A key of a device_spec that a release does not know is a tag without
 * effect; an unknown key of an alias is an error, and an unknown option is ignored. */
enum nova_feature {
	/* the option device_spec, formerly passthrough_whitelist; report_in_placement;
	 * resource_class and traits of a spec */
	NOVA_DEVICE_SPEC = 1u << 0,
	/* pci_in_placement; resource_class and traits of an alias */
	NOVA_PLACEMENT_ALIAS = 1u << 1,
	/* managed and live_migratable of a spec, live_migratable of an alias */
	NOVA_MIGRATABLE = 1u << 2,
	/* an alias requires ids, or a resource_class and pci_in_placement, which allows only one
	 * spec per alias */
	NOVA_ALIAS_CHECKS = 1u << 3,
	/* one_time_use of a spec */
	NOVA_ONE_TIME_USE = 1u << 4,
	/* a device that is live_migratable has the trait HW_PCI_LIVE_MIGRATABLE */
	NOVA_MIGRATABLE_TRAIT = 1u << 5,
};

struct nova_release {
	const char *name;    /* of OpenStack: "2025.1" */
	const char *version; /* of Nova: "31", the first part of its version number */
	unsigned knows;	     /* enum nova_feature, in the last version of this release */
};

/* In ascending order. */
extern const struct nova_release NOVA_RELEASES[];
extern const size_t NOVA_RELEASE_COUNT;

/* The last one. */
const struct nova_release *nova_release_newest(void);

/* Returns the release with this name or version, or NULL (logged). */
const struct nova_release *nova_release_find(const char *name, const struct log *log);

/* The first and the last release with the same rules as RELEASE. */
const struct nova_release *nova_release_first_like(const struct nova_release *release);
const struct nova_release *nova_release_last_like(const struct nova_release *release);

/* The first release that knows FEATURE. */
const struct nova_release *nova_release_since(enum nova_feature feature);

#endif
