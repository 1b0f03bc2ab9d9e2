/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the changes between two readings. No I/O. */
#ifndef PCIPROBE_MONITOR_EVENTS_H
#define PCIPROBE_MONITOR_EVENTS_H

#include "probe/device.h"

enum event_kind {
	EVENT_ADDED,
	EVENT_REMOVED,
	EVENT_REPLACED, /* removed and added again, or another device at the same address */
	EVENT_DRIVER_CHANGED,
	EVENT_VM_ATTACHED,
	EVENT_VM_DETACHED,
	EVENT_OWNER_UNKNOWN,
	EVENT_OWNER_KNOWN,
	EVENT_CONFLICT,
	EVENT_CONFLICT_OVER,
	EVENT_LINK_DEGRADED,
	EVENT_LINK_RECOVERED,
	EVENT_LINK_UNKNOWN, /* was degraded, and is suspended now */
	EVENT_LEFTOVER,	    /* a free VF has settings of a previous VM */
	EVENT_LEFTOVER_GONE,
	EVENT_LEFTOVER_UNKNOWN, /* had some, and its settings or owner are unknown now */
	EVENT_DRIFT,		/* a VF differs from the definition of its VM */
	EVENT_DRIFT_OVER,
	EVENT_DRIFT_UNKNOWN,  /* did, and its settings are unknown now */
	EVENT_EXPECT_MISSING, /* the host differs from :expect:: one kind for each finding_kind */
	EVENT_EXPECT_MOVED,
	EVENT_EXPECT_DEGRADED,
	EVENT_EXPECT_CHANGED,
	EVENT_EXPECT_UNEXPECTED,
	EVENT_EXPECT_UNKNOWN,
	EVENT_EXPECT_MET, /* it did */
	EVENT_AER_CORRECTABLE,
	EVENT_AER_NONFATAL,
	EVENT_AER_FATAL,
};

struct event {
	enum event_kind kind;
	const struct pci_device *was, *is; /* before and now; NULL if it was added or removed */
	const struct owner *owner;	   /* of EVENT_VM_ATTACHED and EVENT_VM_DETACHED */
	uint64_t errors;		   /* of EVENT_AER_*: increase of the counter */
	const struct finding *finding;	   /* of EVENT_EXPECT_*, which may have no device */
};

typedef void event_sink(void *data, const struct event *event);

/* Calls SINK for each change from the inventory WAS to IS, in order of address, then for
 * each finding of :expect: that begins, ends or says something else. A device that exists in both
 * but became selected or unselected is not a change. If PERSISTENT, lasting states (unknown,
 * conflict, degraded, leftover, drift, findings) are reported as long as they last. */
void events_find(const struct inventory *was, const struct inventory *is, bool persistent,
		 event_sink *sink, void *data);

#endif
