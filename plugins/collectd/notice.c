/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/notice.h"

#include "plugins/collectd/instance.h"
#include "plugins/collectd/sanitize.h"
#include "probe/expect/finding.h"
#include "probe/ownership/ownership.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void add_string(struct notice *notice, const char *key, const char *string)
{
	char pair[MESSAGE_SIZE], value[80];
	size_t used = strlen(notice->message);
	int length;

	if (!string || !*string)
		return;
	length = snprintf(pair, sizeof(pair), "%s%s=%s", used ? " " : "", key,
			  sanitize_copy(value, sizeof(value), string, " \"'\\=", '?'));
	if (used + (size_t)length < sizeof(notice->message))
		strcpy(notice->message + used, pair);
}

static void add_number(struct notice *notice, const char *key, uint64_t number)
{
	char digits[24];

	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	add_string(notice, key, digits);
}

/* printf's %f would use the decimal mark of the daemon's locale. */
static void add_speed(struct notice *notice, const char *key, double speed)
{
	unsigned tenths = (unsigned)(speed * 10 + 0.5);
	char digits[24];

	snprintf(digits, sizeof(digits), "%u.%u", tenths / 10, tenths % 10);
	add_string(notice, key, digits);
}

static void add_owner(struct notice *notice, const struct owner *owner)
{
	add_string(notice, owner->reserves ? "reserved_for" : "vm", owner->name);
	add_string(notice, "uuid", owner->uuid);
	add_string(notice, "program", owner->program);
	if (owner->pid)
		add_number(notice, "pid", (uint64_t)owner->pid);
	add_string(notice, "source", owner->source);
	add_string(notice, "frontend", owner->frontend);
	add_string(notice, "id", owner->frontend_id);
	add_string(notice, "mdev", owner->mdev);
}

static void add_owners(struct notice *notice, const struct event *event)
{
	const struct pci_device *device = event_device(event);

	if (event->owner) {
		add_owner(notice, event->owner);
		return;
	}
	for (size_t i = 0; i < device->owner_count; i++)
		add_owner(notice, &device->owners[i]);
}

static void add_state(struct notice *notice, const struct event *event)
{
	const struct pci_device *device = event_device(event);

	if (device->present & HAS_OWNERSHIP)
		add_string(notice, "state", ownership_name(device->ownership));
}

static void add_drivers(struct notice *notice, const struct event *event)
{
	const char *was = event->was ? event->was->driver : NULL,
		   *is = event->is ? event->is->driver : NULL;

	if (event->was && event->is)
		add_string(notice, "driver_was", was ? was : "none");
	add_string(notice, "driver", is ? is : event->is ? "none" : was);
}

/* The model pair names the present one. */
static void add_model_was(struct notice *notice, const struct event *event)
{
	char model[INSTANCE_SIZE];

	add_string(notice, "model_was", instance_of_model(event->was, model));
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
	add_string(notice, "runtime", device->runtime_status);
}

/* "leftover=vlan_100" */
static void add_list(struct notice *notice, const char *key, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++) {
		char text[160];

		snprintf(text, sizeof(text), "%s", list->items[i]);
		for (char *space = text; (space = strchr(space, ' '));)
			*space = '_';
		add_string(notice, key, text);
	}
}

static void add_leftovers(struct notice *notice, const struct event *event)
{
	add_list(notice, "leftover", &event->is->leftovers);
}

static void add_drift(struct notice *notice, const struct event *event)
{
	add_list(notice, "drift", &event->is->drift);
}

static void add_finding(struct notice *notice, const struct event *event)
{
	const struct finding *finding = event->finding;
	const struct expectation *item = finding->expectation;

	add_string(notice, "property", expect_property_name(finding->property));
	add_string(notice, "short_address", item ? item->short_address : NULL);
	add_string(notice, "filter", item ? item->filter : NULL);
	add_string(notice, "expect_alias", item ? item->alias : NULL);
	add_string(notice, "expected", finding->expected);
	add_string(notice, "seen", event->kind == EVENT_EXPECT_MET ? NULL : finding->seen);
	add_string(notice, "reason", finding_reason_name(finding->reason));
	add_string(notice, "location", finding->location);
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

#define ADDERS_MAX 3

/* What the message has after the device, by kind. */
static void (*const ADDERS[EVENT_COUNT][ADDERS_MAX])(struct notice *notice,
						     const struct event *event) = {
	[EVENT_ADDED] = {add_drivers, add_state},
	[EVENT_REMOVED] = {add_drivers, add_state, add_owners},
	[EVENT_REPLACED] = {add_model_was, add_drivers, add_state},
	[EVENT_DRIVER_CHANGED] = {add_drivers, add_state, add_owners},
	[EVENT_VM_ATTACHED] = {add_owners},
	[EVENT_VM_DETACHED] = {add_owners, add_state},
	[EVENT_OWNER_UNKNOWN] = {add_drivers},
	[EVENT_OWNER_KNOWN] = {add_state, add_owners},
	[EVENT_CONFLICT] = {add_owners},
	[EVENT_CONFLICT_OVER] = {add_state, add_owners},
	[EVENT_LINK_DEGRADED] = {add_link, add_owners},
	[EVENT_LINK_RECOVERED] = {add_link},
	[EVENT_LINK_UNKNOWN] = {add_link},
	[EVENT_LEFTOVER] = {add_leftovers},
	[EVENT_LEFTOVER_GONE] = {add_state, add_owners},
	[EVENT_LEFTOVER_UNKNOWN] = {add_state},
	[EVENT_DRIFT] = {add_drift, add_owners},
	[EVENT_DRIFT_OVER] = {add_state, add_owners},
	[EVENT_DRIFT_UNKNOWN] = {add_state, add_owners},
	[EVENT_EXPECT_MISSING] = {add_finding},
	[EVENT_EXPECT_MOVED] = {add_finding},
	[EVENT_EXPECT_DEGRADED] = {add_finding},
	[EVENT_EXPECT_CHANGED] = {add_finding},
	[EVENT_EXPECT_UNEXPECTED] = {add_finding},
	[EVENT_EXPECT_UNKNOWN] = {add_finding},
	[EVENT_EXPECT_MET] = {add_finding},
	[EVENT_AER_CORRECTABLE] = {add_errors, add_owners},
	[EVENT_AER_NONFATAL] = {add_errors, add_owners},
	[EVENT_AER_FATAL] = {add_errors, add_owners},
};

static void add_device(struct notice *notice, const struct pci_device *device)
{
	char model[INSTANCE_SIZE];

	address_format(&device->address, notice->instance);
	add_string(notice, "address", notice->instance);
	add_string(notice, "model", instance_of_model(device, model));
	for (size_t i = 0; i < device->aliases.count; i++)
		add_string(notice, "alias", device->aliases.items[i]);
}

void notice_of_event(const struct event *event, struct notice *ret)
{
	const struct pci_device *device = event_device(event);
	struct notice notice = {.severity = event_severity(event),
				.type_instance = EVENT_TYPES[event->kind].name,
				.instance = INSTANCE_SUMMARY};

	add_string(&notice, "event", notice.type_instance);
	if (device)
		add_device(&notice, device);
	for (size_t i = 0; i < ADDERS_MAX && ADDERS[event->kind][i]; i++)
		ADDERS[event->kind][i](&notice, event);
	*ret = notice;
}

void notice_of_config(const char *path, bool loaded, struct notice *ret)
{
	const struct event event = {.kind = loaded ? EVENT_CONFIG_LOADED : EVENT_CONFIG_REJECTED};
	struct notice notice = {
		.severity = event_severity(&event),
		.type_instance = EVENT_TYPES[event.kind].name,
		.instance = INSTANCE_SUMMARY,
	};

	add_string(&notice, "event", notice.type_instance);
	add_string(&notice, "file", path);
	*ret = notice;
}
