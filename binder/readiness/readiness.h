/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether this host can assign devices to VMs: checks with their results and remedies. They write
 * nothing, open no node in /dev/vfio, and read no attribute that takes the device lock. */
#ifndef PCIPROBE_BINDER_READINESS_READINESS_H
#define PCIPROBE_BINDER_READINESS_READINESS_H

#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stddef.h>

enum finding_result {
	FINDING_PASS,
	FINDING_WARN,	 /* devices can be assigned, but the configuration should be changed */
	FINDING_FAIL,	 /* devices cannot be assigned until the remedy is applied */
	FINDING_UNKNOWN, /* could not be checked */
};

struct readiness_finding {
	const char *name;
	enum finding_result result;
	bool essential;	    /* VFIO does not work without it: the IOMMU and the modules */
	char *seen;	    /* what was found, and where; may contain unsanitized text of files */
	const char *remedy; /* what to do, or NULL */
};

struct readiness {
	struct readiness_finding *items;
	size_t count;
	bool no_memory;
};

/* Runs all checks into *ret, which the caller frees with readiness_free. Returns 0 or a negative
 * errno (logged). */
int readiness_read(struct sysroot *root, const struct log *log, struct readiness *ret);
void readiness_free(struct readiness *readiness);

/* "PASS", "WARN", "FAIL" or "UNKNOWN". */
const char *finding_result_name(enum finding_result result);

/* Returns the exit status (see commands.h): BIND_UNAVAILABLE if an essential check failed,
 * BIND_FAILED if another check failed or an essential one could not be done, else BIND_DONE. */
int readiness_status(const struct readiness *readiness);

#endif
