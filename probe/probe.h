/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The face of the core: a probe is made once, for a root and a configuration, and then read as
 * often as wanted. */
#ifndef PCIPROBE_PROBE_H
#define PCIPROBE_PROBE_H

#include "probe/config/config.h"
#include "probe/device.h"
#include "probe/log.h"
#include "probe/names/names.h"
#include "probe/select/selection.h"
#include "probe/sysfs/sysroot.h"

struct probe;

struct probe_options {
	struct log log;
	const char *sysroot;  /* NULL: "/" */
	const char *config;   /* the file; NULL: the installed one, and every device where none is
				 installed */
	const int *config_fd; /* read it from here; CONFIG is then its name in messages. Or NULL */
	const char *config_home; /* where the installed one is, absolute; it is looked for below the
				    root */
	bool all;		 /* no configuration is read: every device */
	unsigned details;	 /* enum detail: what to read of selected devices */
	unsigned other_details;	 /* the same of all others: SRIOV, INTERFACES; of bridges DRIVER,
				    IOMMU_GROUP */
	const unsigned
		*owners; /* enum owner_source: those to ask; NULL: as the configuration says */
	const char *libvirt_helper; /* the program that asks libvirt; NULL: built without */

	/* Lists of the caller's own, which restrict further; NULL: none. They must outlive the
	 * probe. */
	const struct rule_list *filters, *slots, *names;

	sysroot_observer
		*observer; /* sees all that is read below the root, from the start; may be NULL */
	void *observer_data;
};

/* Reads the configuration. Failures have been told through options.log. Free it with probe_free.
 * Returns 0 or a negative errno: -EINVAL for a configuration with faults. */
int probe_new(const struct probe_options *options, struct probe **ret);
void probe_free(struct probe *probe);

/* Reads the devices. The inventory is freed with inventory_free, and before the probe is.
 * Returns 0 (inventory.incomplete tells whether some devices could not be read whole) or a negative
 * errno that has been told: nothing is known then. */
int probe_read(struct probe *probe, struct inventory **ret);

/* The same, for whoever has read before and knows that no process took or gave back a device since
 * LAST (whose probe this is). Where no device came or went and no driver changed, nothing is read
 * but what moves by itself: drivers, links, errors, power and the like. What doesn't
 * (DETAIL_STATIC) is taken over from LAST, and so is who has each device. LAST stays as it is. */
int probe_read_again(struct probe *probe, const struct inventory *last, struct inventory **ret);

/* What the probe goes by; all of it belongs to the probe. */
const struct config *probe_config(const struct probe *probe); /* path NULL: none was read */
const struct selection *probe_selection(const struct probe *probe);
struct names *probe_names(struct probe *probe);
struct sysroot *probe_sysroot(struct probe *probe);

#endif
