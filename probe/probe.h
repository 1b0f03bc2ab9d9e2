/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public API of the core: create a probe once for a root and a configuration, then read it as
 * often as needed. */
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
	const char *sysroot; /* NULL: "/" */
	const char *config;  /* file; NULL: the installed one, or no restriction if none is
				installed */
	const int
		*config_fd; /* or NULL; read from this descriptor, config is its name in messages */
	const char *config_home; /* absolute path of the installed file, looked up below the root */
	bool all;		 /* read no configuration and select every device */
	unsigned details;	 /* enum detail: what to read of selected devices */
	unsigned other_details;	 /* the same for all others: SRIOV, INTERFACES; for bridges DRIVER
				    and IOMMU_GROUP */
	const unsigned *owners;	 /* enum owner_source; NULL: as configured */
	const char *libvirt_helper; /* program that queries libvirt; NULL: built without it */
	const char *vf_helper; /* program that queries settings of VFs, copied; NULL: built without
				  it */

	/* Further restrictions; NULL: none. They must outlive the probe. */
	const struct rule_list *filters, *slots, *names;

	/* For a probe that reads again and again: attributes stay open from one probe_read_again to
	 * the next (kept.h). Only below the root "/". */
	bool keep_files;

	sysroot_observer *observer; /* called for all reads below the root; may be NULL */
	void *observer_data;
};

/* Loads the configuration. Free the probe with probe_free. Returns 0 or a negative errno (logged
 * through options.log): -EINVAL for an invalid configuration. */
int probe_new(const struct probe_options *options, struct probe **ret);
void probe_free(struct probe *probe);

/* Reads the devices. Free the inventory with inventory_free, before the probe. Returns 0, with the
 * number of unreadable devices in inventory.incomplete, or a negative errno (logged). */
int probe_read(struct probe *probe, struct inventory **ret);

/* Like probe_read, for callers who know that no process has opened or closed a device since LAST,
 * which was read with this probe. Unless devices were added or removed or a driver changed, only
 * volatile attributes are re-read: drivers, links, errors, power and the like. Static ones
 * (DETAIL_STATIC) and owners are copied from LAST, which is not modified. SETTLED: the kernel has
 * not said that a device was added or removed or that a driver was bound or unbound since LAST was
 * begun, and would have; then the devices are not listed, and their drivers are copied, too. */
int probe_read_again(struct probe *probe, const struct inventory *last, bool settled,
		     struct inventory **ret);

/* Parts of the probe, which owns them. */
const struct config *probe_config(const struct probe *probe); /* path is NULL if none was read */
const struct selection *probe_selection(const struct probe *probe);
struct names *probe_names(struct probe *probe);
struct sysroot *probe_sysroot(struct probe *probe);

#endif
