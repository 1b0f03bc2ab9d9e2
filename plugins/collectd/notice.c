/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/notice.h"

#include "plugins/collectd/instance.h"
#include "plugins/collectd/sanitize.h"
#include "probe/ownership/ownership.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_fact(struct notice *notice, const char *key, const char *text)
{
	char fact[MESSAGE_SIZE], value[80];
	size_t used = strlen(notice->message);
	int length;

	if (!text || !*text)
		return;
	length = snprintf(fact, sizeof(fact), "%s%s=%s", used ? " " : "", key,
			  sanitize_copy(value, sizeof(value), text, " \"'\\=", '?'));
	if (used + (size_t)length < sizeof(notice->message))
		strcpy(notice->message + used, fact);
}

static void add_number(struct notice *notice, const char *key, uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, number);
	add_fact(notice, key, text);
}

/* By hand: the locale's decimal mark is the daemon's business. */
static void add_speed(struct notice *notice, const char *key, double speed)
{
	unsigned tenths = (unsigned)(speed * 10 + 0.5);
	char text[24];

	snprintf(text, sizeof(text), "%u.%u", tenths / 10, tenths % 10);
	add_fact(notice, key, text);
}

static void add_owner(struct notice *notice, const struct owner *owner)
{
	add_fact(notice, owner->reserves ? "reserved_for" : "vm", owner->name);
	add_fact(notice, "uuid", owner->uuid);
	add_fact(notice, "program", owner->program);
	if (owner->pid)
		add_number(notice, "pid", (uint64_t)owner->pid);
	add_fact(notice, "source", owner->source);
	add_fact(notice, "frontend", owner->frontend);
	add_fact(notice, "id", owner->frontend_id);
	add_fact(notice, "mdev", owner->mdev);
}

static void add_owners(struct notice *notice, const struct event *event)
{
	const struct pci_device *device = event->is ? event->is : event->was;

	if (event->owner) {
		add_owner(notice, event->owner);
		return;
	}
	for (size_t i = 0; i < device->owner_count; i++)
		add_owner(notice, &device->owners[i]);
}

static void add_state(struct notice *notice, const struct event *event)
{
	const struct pci_device *device = event->is ? event->is : event->was;

	if (device->present & HAS_OWNERSHIP)
		add_fact(notice, "state", ownership_name(device->ownership));
}

static void add_drivers(struct notice *notice, const struct event *event)
{
	const char *was = event->was ? event->was->driver : NULL,
		   *is = event->is ? event->is->driver : NULL;

	if (event->was && event->is)
		add_fact(notice, "driver_was", was ? was : "none");
	add_fact(notice, "driver", is ? is : event->is ? "none" : was);
}

/* Everything else of the message tells what is there now. */
static void add_model_was(struct notice *notice, const struct event *event)
{
	char model[INSTANCE_SIZE];

	add_fact(notice, "model_was", instance_of_model(event->was, model));
}

static void add_link(struct notice *notice, const struct event *event)
{
	const struct pci_device *device = event->is;

	if (device->present & HAS_LINK_SPEED)
		add_speed(notice, "speed_gts", device->link.speed);
	if (device->present & HAS_LINK_WIDTH)
		add_number(notice, "width", device->link.width);
	if (device_knows_link(device)) {
		add_speed(notice, "device_speed_gts", device->link.max_speed);
		add_number(notice, "device_width", device->link.max_width);
		add_speed(notice, "port_speed_gts", device->link.port_speed);
		add_number(notice, "port_width", device->link.port_width);
	}
	add_fact(notice, "runtime", device->runtime_status);
}

static void add_errors(struct notice *notice, const struct event *event)
{
	const struct aer *aer = &event->is->aer;

	add_number(notice, "errors", event->errors);
	add_number(notice, "total",
		   event->kind == EVENT_AER_CORRECTABLE ? aer->correctable
		   : event->kind == EVENT_AER_NONFATAL	? aer->nonfatal
							: aer->fatal);
}

#define FACTS_MAX 3

static const struct {
	const char *name;
	enum severity severity;
	void (*facts[FACTS_MAX])(struct notice *notice, const struct event *event);
} KINDS[] = {
	[EVENT_ADDED] = {"added", SEVERITY_OKAY, {add_drivers, add_state}},
	[EVENT_REMOVED] = {"removed", SEVERITY_WARNING, {add_drivers, add_state, add_owners}},
	[EVENT_REPLACED] = {"replaced", SEVERITY_WARNING, {add_model_was, add_drivers, add_state}},
	[EVENT_DRIVER_CHANGED] = {"driver_changed",
				  SEVERITY_OKAY,
				  {add_drivers, add_state, add_owners}},
	[EVENT_VM_ATTACHED] = {"vm_attached", SEVERITY_OKAY, {add_owners}},
	[EVENT_VM_DETACHED] = {"vm_detached", SEVERITY_OKAY, {add_owners, add_state}},
	[EVENT_OWNER_UNKNOWN] = {"owner_unknown", SEVERITY_WARNING, {add_drivers}},
	[EVENT_OWNER_KNOWN] = {"owner_known", SEVERITY_OKAY, {add_state, add_owners}},
	[EVENT_CONFLICT] = {"conflict", SEVERITY_FAILURE, {add_owners}},
	[EVENT_CONFLICT_OVER] = {"conflict_over", SEVERITY_OKAY, {add_state, add_owners}},
	[EVENT_LINK_DEGRADED] = {"link_degraded", SEVERITY_WARNING, {add_link, add_owners}},
	[EVENT_LINK_RECOVERED] = {"link_recovered", SEVERITY_OKAY, {add_link}},
	[EVENT_LINK_UNKNOWN] = {"link_unknown", SEVERITY_OKAY, {add_link}},
	[EVENT_AER_CORRECTABLE] = {"aer_correctable", SEVERITY_WARNING, {add_errors, add_owners}},
	[EVENT_AER_NONFATAL] = {"aer_nonfatal", SEVERITY_WARNING, {add_errors, add_owners}},
	[EVENT_AER_FATAL] = {"aer_fatal", SEVERITY_FAILURE, {add_errors, add_owners}},
};

void notice_of_event(const struct event *event, struct notice *ret)
{
	const struct pci_device *device = event->is ? event->is : event->was;
	struct notice notice = {.severity = KINDS[event->kind].severity,
				.type_instance = KINDS[event->kind].name};
	char model[INSTANCE_SIZE];

	/* gone without having been given back */
	if (event->kind == EVENT_REMOVED && device->ownership == OWNERSHIP_HELD)
		notice.severity = SEVERITY_FAILURE;
	address_format(&device->address, notice.instance);
	add_fact(&notice, "event", notice.type_instance);
	add_fact(&notice, "address", notice.instance);
	add_fact(&notice, "model", instance_of_model(device, model));
	for (size_t i = 0; i < device->aliases.count; i++)
		add_fact(&notice, "alias", device->aliases.items[i]);
	for (size_t i = 0; i < FACTS_MAX && KINDS[event->kind].facts[i]; i++)
		KINDS[event->kind].facts[i](&notice, event);
	*ret = notice;
}

void notice_of_config(const char *path, bool taken, struct notice *ret)
{
	struct notice notice = {
		.severity = taken ? SEVERITY_OKAY : SEVERITY_WARNING,
		.type_instance = taken ? "config_taken" : "config_refused",
		.instance = INSTANCE_SUMMARY,
	};

	add_fact(&notice, "event", notice.type_instance);
	add_fact(&notice, "file", path);
	*ret = notice;
}
