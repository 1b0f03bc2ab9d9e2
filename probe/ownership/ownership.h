/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the owners of devices, from the host's own state: the claims of all sources (sources.h),
 * ranked. What could not be inspected is unknown, never free. */
#ifndef PCIPROBE_OWNERSHIP_OWNERSHIP_H
#define PCIPROBE_OWNERSHIP_OWNERSHIP_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

struct ownership_options {
	unsigned sources;	    /* enum owner_source: the enabled ones */
	const char *libvirt_helper; /* path of libvirt-domains; NULL: built without libvirt */
	bool host_processes; /* name the processes that use a device through its host driver */
};

/* Sets ownership and owners of every selected device of INVENTORY, and the inventory's unseen and
 * sources. Drivers and IOMMU groups must have been read. Processes are inspected only if a selected
 * device is bound to a VFIO driver, or has no driver while VFIO uses its group, or mediated devices
 * exist, or it has nodes of its host driver (hostnodes.h). If a source fails, this is no error: the
 * ownership of devices that it could have claimed is unknown. Returns 0 or -ENOMEM. */
int ownership_read(struct sysroot *root, const struct log *log,
		   const struct ownership_options *options, struct inventory *inventory);

/* "held", "reserved", "host", "free" or "unknown". */
const char *ownership_name(enum ownership ownership);

/* "off", "absent", "ok", "partly" or "failed". */
const char *source_state_name(enum source_state state);

#endif
