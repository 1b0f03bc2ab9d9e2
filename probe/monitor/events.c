/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/monitor/events.h"

#include "probe/expect/finding.h"
#include "probe/strings.h"

#define OWNERSHIP_FIELDS \
	"ownership unknown_reason available conflict owners vm_uuids pids owner_sources"
#define DRIVER_FIELDS "driver ownership available"
#define LINK_FIELDS \
	"link_speed link_width max_link_speed max_link_width link_degraded runtime_status"
#define LEFTOVER_FIELDS "leftovers ownership"
#define DRIFT_FIELDS "drift owners"

const struct event_type EVENT_TYPES[EVENT_COUNT] = {
	[EVENT_ADDED] = {"added", SEVERITY_OKAY, NULL, "sysfs"},
	[EVENT_REMOVED] = {"removed", SEVERITY_WARNING, NULL, "sysfs"},
	[EVENT_REPLACED] = {"replaced", SEVERITY_WARNING, NULL, "sysfs"},
	[EVENT_DRIVER_CHANGED] = {"driver_changed", SEVERITY_OKAY, DRIVER_FIELDS, "sysfs"},
	[EVENT_VM_ATTACHED] = {"vm_attached", SEVERITY_OKAY, OWNERSHIP_FIELDS, NULL},
	[EVENT_VM_DETACHED] = {"vm_detached", SEVERITY_OKAY, OWNERSHIP_FIELDS, NULL},
	[EVENT_OWNER_UNKNOWN] = {"owner_unknown", SEVERITY_WARNING, OWNERSHIP_FIELDS, NULL},
	[EVENT_OWNER_KNOWN] = {"owner_known", SEVERITY_OKAY, OWNERSHIP_FIELDS, NULL},
	[EVENT_CONFLICT] = {"conflict", SEVERITY_FAILURE, OWNERSHIP_FIELDS, NULL},
	[EVENT_CONFLICT_OVER] = {"conflict_over", SEVERITY_OKAY, OWNERSHIP_FIELDS, NULL},
	[EVENT_LINK_DEGRADED] = {"link_degraded", SEVERITY_WARNING, LINK_FIELDS, "sysfs"},
	[EVENT_LINK_RECOVERED] = {"link_recovered", SEVERITY_OKAY, LINK_FIELDS, "sysfs"},
	[EVENT_LINK_UNKNOWN] = {"link_unknown", SEVERITY_OKAY, LINK_FIELDS, "sysfs"},
	[EVENT_LEFTOVER] = {"leftover", SEVERITY_WARNING, LEFTOVER_FIELDS, "rtnetlink"},
	[EVENT_LEFTOVER_GONE] = {"leftover_gone", SEVERITY_OKAY, LEFTOVER_FIELDS, "rtnetlink"},
	[EVENT_LEFTOVER_UNKNOWN] = {"leftover_unknown", SEVERITY_OKAY, LEFTOVER_FIELDS,
				    "rtnetlink"},
	[EVENT_DRIFT] = {"drift", SEVERITY_WARNING, DRIFT_FIELDS, "rtnetlink+libvirt"},
	[EVENT_DRIFT_OVER] = {"drift_over", SEVERITY_OKAY, DRIFT_FIELDS, "rtnetlink+libvirt"},
	[EVENT_DRIFT_UNKNOWN] = {"drift_unknown", SEVERITY_OKAY, DRIFT_FIELDS, "rtnetlink+libvirt"},
	[EVENT_EXPECT_MISSING] = {"expect_missing", SEVERITY_FAILURE, "findings", "sysfs"},
	[EVENT_EXPECT_MOVED] = {"expect_moved", SEVERITY_WARNING, "findings", "sysfs"},
	[EVENT_EXPECT_DEGRADED] = {"expect_degraded", SEVERITY_WARNING, "findings", "sysfs"},
	[EVENT_EXPECT_CHANGED] = {"expect_changed", SEVERITY_WARNING, "findings", "sysfs"},
	[EVENT_EXPECT_UNEXPECTED] = {"expect_unexpected", SEVERITY_WARNING, "findings", "sysfs"},
	[EVENT_EXPECT_UNKNOWN] = {"expect_unknown", SEVERITY_WARNING, "findings", "sysfs"},
	[EVENT_EXPECT_MET] = {"expect_met", SEVERITY_OKAY, "findings", "sysfs"},
	[EVENT_AER_CORRECTABLE] = {"aer_correctable", SEVERITY_WARNING, "aer_correctable owners",
				   "sysfs"},
	[EVENT_AER_NONFATAL] = {"aer_nonfatal", SEVERITY_WARNING, "aer_nonfatal owners", "sysfs"},
	[EVENT_AER_FATAL] = {"aer_fatal", SEVERITY_FAILURE, "aer_fatal owners", "sysfs"},
	[EVENT_PRESENT] = {"present", SEVERITY_OKAY, NULL, "sysfs"},
	[EVENT_STATE] = {"state", SEVERITY_OKAY, "", "sysfs"},
	[EVENT_CONFIG_LOADED] = {"config_loaded", SEVERITY_OKAY, "", "file"},
	[EVENT_CONFIG_REJECTED] = {"config_rejected", SEVERITY_WARNING, "", "file"},
	[EVENT_OVERFLOW] = {"overflow", SEVERITY_WARNING, "", "queue"},
};

enum severity event_severity(const struct event *event)
{
	if (event->kind == EVENT_REMOVED && event->was->ownership == OWNERSHIP_HELD)
		return SEVERITY_FAILURE;
	/* as when the link of a suspended device is unknown */
	if (event->finding && event->finding->reason == FINDING_SUSPENDED)
		return SEVERITY_OKAY;
	return EVENT_TYPES[event->kind].severity;
}

const struct pci_device *event_device(const struct event *event)
{
	return event->is ? event->is : event->was;
}

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

/* The finding of INVENTORY about the same as FINDING; NULL: none. HINT is where it probably is. */
static const struct finding *find_finding(const struct inventory *inventory,
					  const struct finding *finding, size_t hint)
{
	if (hint < inventory->finding_count &&
	    finding_same_subject(&inventory->findings[hint], finding))
		return &inventory->findings[hint];
	for (size_t i = 0; i < inventory->finding_count; i++)
		if (finding_same_subject(&inventory->findings[i], finding))
			return &inventory->findings[i];
	return NULL;
}

static const enum event_kind FINDING_EVENTS[FINDING_KIND_COUNT] = {
	[FINDING_MISSING] = EVENT_EXPECT_MISSING,	[FINDING_MOVED] = EVENT_EXPECT_MOVED,
	[FINDING_DEGRADED] = EVENT_EXPECT_DEGRADED,	[FINDING_CHANGED] = EVENT_EXPECT_CHANGED,
	[FINDING_UNEXPECTED] = EVENT_EXPECT_UNEXPECTED, [FINDING_UNKNOWN] = EVENT_EXPECT_UNKNOWN,
};

static void emit_finding(const struct event_search *search, enum event_kind kind,
			 const struct finding *finding, const struct inventory *was,
			 const struct inventory *is)
{
	struct event event = {.kind = kind, .finding = finding};

	if (finding->has_address) {
		event.was = inventory_find(was, &finding->address);
		event.is = inventory_find(is, &finding->address);
	}
	emit(search, event);
}

/* A device that is suspended has only lost a finding that it had: else each one that sleeps would
 * be an event. */
static bool is_suspended(const struct finding *finding)
{
	return finding && finding->reason == FINDING_SUSPENDED;
}

/* A finding also ends when its device disappears, but then nothing is met. */
static bool is_met(const struct finding *ended, const struct inventory *is)
{
	struct finding device = *ended;
	const struct finding *now;

	if (ended->has_address && !inventory_find(is, &ended->address))
		return false;
	device.property = EXPECT_SHORT_ADDRESS;
	now = ended->expectation && ended->expectation->short_address ? find_finding(is, &device, 0)
								      : NULL;
	return !now || now->kind == FINDING_MOVED;
}

static void find_findings(const struct event_search *search, const struct inventory *was,
			  const struct inventory *is)
{
	for (size_t i = 0; i < was->finding_count; i++)
		if (!is_suspended(&was->findings[i]) && !find_finding(is, &was->findings[i], i) &&
		    is_met(&was->findings[i], is))
			emit_finding(search, EVENT_EXPECT_MET, &was->findings[i], was, is);
	for (size_t i = 0; i < is->finding_count; i++) {
		const struct finding *now = &is->findings[i], *before = find_finding(was, now, i);
		bool same = before && finding_same(before, now);

		if ((same && !search->persistent) || (is_suspended(now) && (same || !before)))
			continue;
		emit_finding(search, FINDING_EVENTS[now->kind], now, was, is);
	}
}

void events_find(const struct inventory *was, const struct inventory *is, bool persistent,
		 event_sink *sink, void *data)
{
	const struct event_search search = {.persistent = persistent, .sink = sink, .data = data};
	/* an empty inventory has no array, and null + 0 is undefined */
	const struct pci_device *old = was->devices, *old_end = was->count ? old + was->count : old;
	const struct pci_device *new = is->devices, *new_end = is->count ? new + is->count : new;

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
		if (order <= 0)
			old++;
		if (order >= 0)
			new ++;
	}
	find_findings(&search, was, is);
}

void events_of_state(const struct inventory *inventory, event_sink *sink, void *data)
{
	inventory_foreach(inventory, device)
		sink(data, &(struct event){.kind = EVENT_PRESENT, .is = device});
	for (size_t i = 0; i < inventory->finding_count; i++) {
		const struct finding *finding = &inventory->findings[i];
		struct event event = {.kind = FINDING_EVENTS[finding->kind], .finding = finding};

		if (finding->has_address)
			event.is = inventory_find(inventory, &finding->address);
		sink(data, &event);
	}
}
