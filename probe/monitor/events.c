/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/monitor/events.h"

#include "probe/strings.h"

struct event_search {
	bool persistent;
	event_sink *sink;
	void *data;
};

static void emit(const struct event_search *search, struct event event)
{
	search->sink(search->data, &event);
}

static bool is_unknown(const struct pci_device *device)
{
	return (device->present & HAS_OWNERSHIP) && device->ownership == OWNERSHIP_UNKNOWN;
}

static bool always_known(const struct pci_device *device)
{
	(void)device;
	return true;
}

static bool has_drift(const struct pci_device *device)
{
	return device->drift.count;
}

static bool knows_drift(const struct pci_device *device)
{
	return device->vf || !device_has_stated_settings(device);
}

static bool has_leftovers(const struct pci_device *device)
{
	return device->leftovers.count;
}

/* Lasting states of a device, with the events for their begin and end; and the event if a state is
 * not known any more: the link of a suspended device is unknown, not recovered. */
static const struct state {
	enum event_kind begins, ends, unknown;
	bool (*holds)(const struct pci_device *device);
	bool (*knows)(const struct pci_device *device);
} STATES[] = {
	{EVENT_OWNER_UNKNOWN, EVENT_OWNER_KNOWN, 0, is_unknown, always_known},
	{EVENT_CONFLICT, EVENT_CONFLICT_OVER, 0, device_has_conflict, always_known},
	{EVENT_LINK_DEGRADED, EVENT_LINK_RECOVERED, EVENT_LINK_UNKNOWN, device_has_degraded_link,
	 device_knows_link},
	{EVENT_LEFTOVER, EVENT_LEFTOVER_GONE, EVENT_LEFTOVER_UNKNOWN, has_leftovers,
	 device_knows_leftovers},
	{EVENT_DRIFT, EVENT_DRIFT_OVER, EVENT_DRIFT_UNKNOWN, has_drift, knows_drift},
};

static void find_states(const struct event_search *search, const struct pci_device *was,
			const struct pci_device *is)
{
	for (size_t i = 0; i < sizeof(STATES) / sizeof(*STATES); i++) {
		struct event event = {.kind = STATES[i].begins, .was = was, .is = is};
		bool before = was && STATES[i].holds(was), now = STATES[i].holds(is);

		if (before && !now)
			event.kind = STATES[i].knows(is) ? STATES[i].ends : STATES[i].unknown;
		else if (!now || (before && !search->persistent))
			continue;
		emit(search, event);
	}
}

/* A pid alone may have been reused, and is not always known. */
static bool same_owner(const struct owner *a, const struct owner *b)
{
	if (!text_same(a->mdev, b->mdev))
		return false;
	if (a->pid && b->pid)
		return a->pid == b->pid && a->started == b->started;
	return text_same(a->uuid, b->uuid) && text_same(a->name, b->name);
}

static bool has_owner(const struct pci_device *device, const struct owner *owner)
{
	for (size_t i = 0; device && i < device->owner_count; i++)
		if (owner_holds(&device->owners[i]) && same_owner(&device->owners[i], owner))
			return true;
	return false;
}

/* If ownership is unknown now, the previous owners may still be there. Reservations are not
 * attachments. */
static void find_owners(const struct event_search *search, const struct pci_device *was,
			const struct pci_device *is)
{
	for (size_t i = 0; was && !is_unknown(is) && i < was->owner_count; i++)
		if (owner_holds(&was->owners[i]) && !has_owner(is, &was->owners[i]))
			emit(search, (struct event){.kind = EVENT_VM_DETACHED,
						    .was = was,
						    .is = is,
						    .owner = &was->owners[i]});
	for (size_t i = 0; i < is->owner_count; i++)
		if (owner_holds(&is->owners[i]) && !has_owner(was, &is->owners[i]))
			emit(search, (struct event){.kind = EVENT_VM_ATTACHED,
						    .was = was,
						    .is = is,
						    .owner = &is->owners[i]});
}

static void find_errors(const struct event_search *search, const struct pci_device *was,
			const struct pci_device *is)
{
	const struct {
		enum event_kind kind;
		unsigned bit;
		uint64_t before, now;
	} counts[] = {
		{EVENT_AER_CORRECTABLE, HAS_AER_CORRECTABLE, was->aer.correctable,
		 is->aer.correctable},
		{EVENT_AER_NONFATAL, HAS_AER_NONFATAL, was->aer.nonfatal, is->aer.nonfatal},
		{EVENT_AER_FATAL, HAS_AER_FATAL, was->aer.fatal, is->aer.fatal},
	};

	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		if ((was->present & is->present & counts[i].bit) &&
		    counts[i].now > counts[i].before)
			emit(search, (struct event){
					     .kind = counts[i].kind,
					     .was = was,
					     .is = is,
					     .errors = counts[i].now - counts[i].before,
				     });
}

/* WAS is NULL if the device was added. */
static void compare(const struct event_search *search, const struct pci_device *was,
		    const struct pci_device *is)
{
	bool replaced = was && (was->inode != is->inode || was->vendor != is->vendor ||
				was->device != is->device);

	if (!was)
		emit(search, (struct event){.kind = EVENT_ADDED, .is = is});
	else if (replaced)
		emit(search, (struct event){.kind = EVENT_REPLACED, .was = was, .is = is});
	else if (!text_same(was->driver, is->driver))
		emit(search, (struct event){.kind = EVENT_DRIVER_CHANGED, .was = was, .is = is});
	find_owners(search, was, is);
	find_states(search, was, is);
	if (was && !replaced)
		find_errors(search, was, is);
}

void events_find(const struct inventory *was, const struct inventory *is, bool persistent,
		 event_sink *sink, void *data)
{
	const struct event_search search = {.persistent = persistent, .sink = sink, .data = data};
	const struct pci_device *old = was->devices, *old_end = old + was->count;
	const struct pci_device *new = is->devices, *new_end = new + is->count;

	while (old < old_end || new < new_end) {
		int order = old == old_end   ? 1
			    : new == new_end ? -1
					     : address_compare(&old->address, &new->address);

		if (order < 0 && old->selected)
			emit(&search, (struct event){.kind = EVENT_REMOVED, .was = old});
		else if (order > 0 && new->selected)
			compare(&search, NULL, new);
		else if (order == 0 && old->selected && new->selected)
			compare(&search, old, new);
		old += order <= 0;
		new += order >= 0;
	}
}
