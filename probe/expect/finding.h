/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares a host with what is expected of it. No I/O. */
#ifndef PCIPROBE_EXPECT_FINDING_H
#define PCIPROBE_EXPECT_FINDING_H

#include "probe/device.h"
#include "probe/expect/expectation.h"

enum finding_kind {
	FINDING_MISSING,    /* there is no such device, or there are too few */
	FINDING_MOVED,	    /* not at its place, but one with the same ids is elsewhere */
	FINDING_DEGRADED,   /* the link is slower or narrower */
	FINDING_CHANGED,    /* something else differs; short_address: other ids at the place */
	FINDING_UNEXPECTED, /* too many devices, or one that no item matches */
	FINDING_UNKNOWN,    /* could not be determined, see enum finding_reason */
};
#define FINDING_KIND_COUNT 6

/* Why it could not be determined. */
enum finding_reason {
	FINDING_NO_REASON,
	FINDING_UNREADABLE,   /* an attribute, or the ids of a device, could not be read */
	FINDING_SUSPENDED,    /* the link of a suspended device is not read: that would wake it */
	FINDING_NOT_SELECTED, /* the state of devices that are not selected is not determined */
	FINDING_OWNER,	      /* see pci_device.unknown_reason */
};
#define FINDING_REASON_COUNT 5

/* More are only counted. */
#define FINDINGS_MAX 10000

/* A difference. The strings are values without a unit, as in pci.conf: "16.0", "vfio-pci". */
struct finding {
	enum finding_kind kind;
	enum expect_property property;
	enum finding_reason reason;	       /* of FINDING_UNKNOWN */
	const struct expectation *expectation; /* belongs to the configuration; NULL: of
						  EXPECT_COMPLETE */
	const char *location;		       /* where it is expected: "pci.conf:12:5", likewise */
	bool has_address;
	struct pci_address address; /* of the device concerned; has_address is false if there is
				       none, as of FINDING_MISSING, or there are several */
	unsigned devices;	    /* of MISSING: how many; of UNEXPECTED: how many too many; else
				       1 */
	char *expected;		    /* NULL: no device, of FINDING_UNEXPECTED */
	char *seen;		    /* NULL: none, or unknown */
};

/* "missing" */
const char *finding_kind_name(enum finding_kind kind);

/* "unreadable", "suspended", "not-selected" or "owner"; NULL of FINDING_NO_REASON. */
const char *finding_reason_name(enum finding_reason reason);

/* Sets the findings of INVENTORY, which must have been read with the details that
 * expectations_mark requires, in the order of the items; and of each device which kinds concern it.
 * Returns 0 or -ENOMEM. */
int findings_read(const struct expectations *expectations, struct inventory *inventory);

/* Whether EXPECTATION is about DEVICE: it has the identity, or passes the filters and has the
 * alias.
 */
bool expectation_matches(const struct expectation *expectation, const struct pci_device *device);

/* Whether A and B are about the same property of the same devices, and whether they say the same of
 * it, too. For comparing two inventories, which may be of two versions of a configuration. */
bool finding_same_subject(const struct finding *a, const struct finding *b);
bool finding_same(const struct finding *a, const struct finding *b);

/* The number of devices that the findings of one kind concern. */
size_t findings_count(const struct inventory *inventory, enum finding_kind kind);

void findings_free(struct finding *findings, size_t count);

#endif
