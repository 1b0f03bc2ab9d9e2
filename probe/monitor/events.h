/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of events, and the changes between two readings. No I/O. */
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
	EVENT_PRESENT, /* part of the current state, see events_of_state */
	/* of the host, without a device */
	EVENT_STATE, /* the current state follows */
	EVENT_CONFIG_LOADED,
	EVENT_CONFIG_REJECTED, /* invalid or removed: the previous rules remain in use */
	EVENT_OVERFLOW,	       /* changes since the last reading may have been missed */
};
#define EVENT_COUNT (EVENT_OVERFLOW + 1)

enum severity { SEVERITY_FAILURE, SEVERITY_WARNING, SEVERITY_OKAY };

struct event_type {
	const char *name; /* "vm_attached" */
	enum severity severity;
	/* Names of the fields (fields.h) that the event is about, separated by spaces; "": none,
	 * NULL: all. */
	const char *fields;
	/* Where that was read: "sysfs", "rtnetlink", "libvirt", joined by +; NULL: from the sources
	 * of the owners. */
	const char *evidence;
};

/* Indexed by enum event_kind. */
extern const struct event_type EVENT_TYPES[EVENT_COUNT];

struct event {
	enum event_kind kind;
	/* Before and now. One is NULL if the device was added, removed or is part of the state,
	 * both if the event is one of the host. */
	const struct pci_device *was, *is;
	const struct owner *owner;     /* of EVENT_VM_ATTACHED and EVENT_VM_DETACHED */
	uint64_t errors;	       /* of EVENT_AER_*: increase of the counter */
	const struct finding *finding; /* of EVENT_EXPECT_*, which may have no device */
};

/* The severity of EVENT: that of its type, but the removal of a device in use is a failure,
 * and a finding about a suspended device is none. */
enum severity event_severity(const struct event *event);

/* The device that EVENT is about, as it is now if it still exists; NULL for the host. */
const struct pci_device *event_device(const struct event *event);

typedef void event_sink(void *data, const struct event *event);

/* Calls SINK for each change from the inventory WAS to IS, in order of address, then for
 * each finding of :expect: that begins, ends or says something else. A device that exists in both
 * but became selected or unselected is not a change. If PERSISTENT, lasting states (unknown,
 * conflict, degraded, leftover, drift, findings) are reported as long as they last. */
void events_find(const struct inventory *was, const struct inventory *is, bool persistent,
		 event_sink *sink, void *data);

/* Calls SINK with EVENT_PRESENT for each selected device of INVENTORY, then with EVENT_EXPECT_* for
 * each finding. */
void events_of_state(const struct inventory *inventory, event_sink *sink, void *data);

#endif
