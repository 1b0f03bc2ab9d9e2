/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this host can give devices to VMs at all: what was looked at, how it stands, and what to
 * do about it. Nothing is written, no /dev/vfio node opened, nothing read that takes a device's
 * lock. */
#ifndef PCIPROBE_BINDER_READINESS_READINESS_H
#define PCIPROBE_BINDER_READINESS_READINESS_H

#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stddef.h>

enum finding_result {
	FINDING_PASS,
	FINDING_WARN,	 /* devices can be given, but something is not as it should be */
	FINDING_FAIL,	 /* they can't be until the remedy is applied */
	FINDING_UNKNOWN, /* it could not be looked at */
};

struct readiness_finding {
	const char *name;
	enum finding_result result;
	bool essential;	    /* without it there is no VFIO: the IOMMU and the modules */
	char *seen;	    /* what was seen, and where; may hold what files say */
	const char *remedy; /* NULL: there is nothing to do */
};

struct readiness {
	struct readiness_finding *items;
	size_t count;
	bool no_memory;
};

/* Looks at the host. Free it with readiness_free. Returns 0 or a negative errno that has been told.
 */
int readiness_read(struct sysroot *root, const struct log *log, struct readiness *ret);
void readiness_free(struct readiness *readiness);

/* "PASS", "WARN", "FAIL" or "UNKNOWN". */
const char *finding_result_name(enum finding_result result);

/* What the program ends with (enum status of verbs.h): BIND_UNAVAILABLE when there is no IOMMU or
 * no module to be had, BIND_FAILED when something else failed or nobody could see whether there is
 * one, else BIND_DONE. */
int readiness_status(const struct readiness *readiness);

#endif
