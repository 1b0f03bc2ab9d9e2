/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a frontend's records differ from the host. No I/O. */
#ifndef PCIPROBE_STANDALONE_RECORDS_COMPARE_H
#define PCIPROBE_STANDALONE_RECORDS_COMPARE_H

#include "plugins/standalone/records/frontends.h"
#include "plugins/standalone/records/records.h"
#include "probe/config/config.h"
#include "probe/device.h"

enum difference_kind {
	DIFFERENCE_VM_GONE,	 /* no VM holds the device */
	DIFFERENCE_OTHER_VM,	 /* another VM or a program has it */
	DIFFERENCE_NOT_RECORDED, /* held or reserved, but recorded as free or not at all */
	DIFFERENCE_DEVICE_GONE,	 /* the host has no such device */
	DIFFERENCE_NEW_DEVICE,	 /* offered by the host, but not in the records */
	DIFFERENCE_TWO_VMS,	 /* the records assign it to several VMs */
	DIFFERENCE_NOT_OFFERED,	 /* exists, but the host does not offer it any more */
	DIFFERENCE_UNKNOWN,	 /* could not be determined: not a difference */
	DIFFERENCE_COUNT,
};

struct difference {
	enum difference_kind kind;
	const struct record *record;	 /* NULL: none of the device */
	const struct record *second;	 /* TWO_VMS: of another VM */
	const struct record *stale;	 /* TWO_VMS: which of them, if the other is right */
	const struct pci_device *device; /* NULL: the host has none */
	const struct owner *owner;	 /* OTHER_VM, NOT_RECORDED: who has it */
	const char *reason;		 /* UNKNOWN: why; a constant, or of the device */
	size_t order;			 /* in which it was found */
};

/* The caller sets the first members. */
struct comparison {
	const struct frontend *frontend;
	const struct records *records;
	const struct inventory *inventory; /* all devices are selected, with owners and mdevs */
	const bool *offered;		   /* by device: selected by pci.conf; NULL: not compared */
	const struct config *config;

	struct difference *differences; /* sorted by address */
	size_t count;
	size_t unknown; /* of these, DIFFERENCE_UNKNOWN */
};

/* "vm-gone", ... */
const char *difference_name(enum difference_kind kind);

/* Why the host does not offer DEVICE to the frontend, or NULL if it does or this is not compared.
 */
const char *comparison_omit_reason(const struct comparison *comparison,
				   const struct pci_device *device);

/* Returns 0 or -ENOMEM. Free COMPARISON with comparison_free in any case. */
int records_compare(struct comparison *comparison);
void comparison_free(struct comparison *comparison);

#endif
