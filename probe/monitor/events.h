/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What changed between two readings. No I/O. */
#ifndef PCIPROBE_MONITOR_EVENTS_H
#define PCIPROBE_MONITOR_EVENTS_H

#include "probe/device.h"

enum event_kind {
	EVENT_ADDED,
	EVENT_REMOVED,
	EVENT_REPLACED, /* taken out and put in again, or another device in its place */
	EVENT_DRIVER_CHANGED,
	EVENT_VM_ATTACHED,
	EVENT_VM_DETACHED,
	EVENT_OWNER_UNKNOWN,
	EVENT_OWNER_KNOWN,
	EVENT_CONFLICT,
	EVENT_CONFLICT_OVER,
	EVENT_LINK_DEGRADED,
	EVENT_LINK_RECOVERED,
	EVENT_LINK_UNKNOWN, /* it was degraded, and sleeps now */
	EVENT_AER_CORRECTABLE,
	EVENT_AER_NONFATAL,
	EVENT_AER_FATAL,
};

struct event {
	enum event_kind kind;
	const struct pci_device *was,
		*is; /* the device, before and now; one of them is NULL when it came or went */
	const struct owner *owner; /* of EVENT_VM_ATTACHED and EVENT_VM_DETACHED: who */
	uint64_t errors;	   /* of EVENT_AER_*: how many more there are */
};

typedef void event_sink(void *data, const struct event *event);

/* Gives SINK every change from the inventory WAS to IS, in order of address. A device that is there
 * and wasn't selected before, or isn't any more, is no change. PERSISTENT: a state that lasts
 * (unknown, conflict, degraded) is told as long as it does. */
void events_find(const struct inventory *was, const struct inventory *is, bool persistent,
		 event_sink *sink, void *data);

#endif
