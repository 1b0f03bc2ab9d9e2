/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has each device, as the host itself shows it: what the sources (sources.h) claim, weighed.
 * What could not be looked at is unknown, never free. */
#ifndef PCIPROBE_OWNERSHIP_OWNERSHIP_H
#define PCIPROBE_OWNERSHIP_OWNERSHIP_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

struct ownership_options {
	unsigned sources;	    /* enum owner_source: those to ask */
	const char *libvirt_helper; /* the program that asks libvirt; NULL: built without it */
};

/* Sets ownership and owners of every selected device of INVENTORY, whose driver and IOMMU group
 * must have been read, and the inventory's unseen and sources. No process is looked at unless some
 * selected device is on a vfio driver, has none while its group is in use, or mediated devices are
 * there. A source that fails is no failure: devices that only it could know of are unknown then.
 * Returns 0 or -ENOMEM. */
int ownership_read(struct sysroot *root, const struct log *log,
		   const struct ownership_options *options, struct inventory *inventory);

/* "held", "reserved", "host", "free" or "unknown". */
const char *ownership_name(enum ownership ownership);

/* "off", "absent", "ok", "partly" or "failed". */
const char *source_state_name(enum source_state state);

#endif
