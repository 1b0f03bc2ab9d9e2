/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json of events: one object per line, see pciprobe-event.schema.json. */
#include "common/jsonvalue.h"
#include "plugins/standalone/formats/eventformat.h"
#include "plugins/standalone/formats/jsonfield.h"
#include "plugins/standalone/formats/jsonfinding.h"

#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 1

/* What identifies the device, and names it for people. */
static const char *const IDENTITY[] = {
	"address", "vendor", "device", "class", "vendor_name", "device_name", "aliases", "pci_path",
};

static void add_time(struct json_object *object, const struct timespec *time, int *error)
{
	char seconds[32], text[48];
	struct tm utc;

	gmtime_r(&time->tv_sec, &utc);
	strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
	snprintf(text, sizeof(text), "%s.%03ldZ", seconds, time->tv_nsec / 1000000);
	jsonvalue_add_string(object, "time", text, error);
}

static void add_triggers(struct json_object *object, unsigned triggers, int *error)
{
	struct json_object *list = json_object_new_array();

	for (size_t i = 0; i < TRIGGER_COUNT; i++)
		if (triggers & (1u << i))
			jsonvalue_append(list, jsonvalue_string(TRIGGER_NAMES[i]), error);
	jsonvalue_add(object, "trigger", list, error);
}

static void add_identity(struct json_object *object, const struct pci_device *device, int *error)
{
	struct json_object *identity = json_object_new_object();

	for (size_t i = 0; i < sizeof(IDENTITY) / sizeof(*IDENTITY); i++)
		jsonfield_add(identity, field_find(IDENTITY[i]), device, error);
	jsonvalue_add(object, "device", identity, error);
}

static void add_state(struct json_object *object, const char *key, const struct event *event,
		      const struct pci_device *device, int *error)
{
	struct json_object *state = json_object_new_object();

	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (event_has_field(event->kind, &FIELDS[i]))
			jsonfield_add(state, &FIELDS[i], device, error);
	if (device->incomplete)
		jsonvalue_add(state, "incomplete", json_object_new_boolean(1), error);
	jsonvalue_add(object, key, state, error);
}

static void add_if(struct json_object *object, const char *key, const char *string, int *error)
{
	if (string && *string)
		jsonvalue_add_string(object, key, string, error);
}

static void add_owner(struct json_object *object, const struct owner *owner, int *error)
{
	struct json_object *item = json_object_new_object();

	add_if(item, "name", owner->name, error);
	add_if(item, "uuid", owner->uuid, error);
	add_if(item, "frontend", owner->frontend, error);
	add_if(item, "id", owner->frontend_id, error);
	add_if(item, "pod", owner->pod, error);
	add_if(item, "program", owner->program, error);
	if (owner->pid) {
		jsonvalue_add(item, "pid", json_object_new_int64(owner->pid), error);
		jsonvalue_add(item, "pid_start", json_object_new_uint64(owner->started), error);
	}
	add_if(item, "guest_address", owner->guest_address, error);
	add_if(item, "mdev", owner->mdev, error);
	jsonvalue_add(object, "owner", item, error);
}

/* Appends the items of JOINED, which are joined by +, unless LIST has them. */
static void append_sources(struct json_object *list, const char *joined, int *error)
{
	char copy[128], *rest = copy, *item;
	bool known;

	snprintf(copy, sizeof(copy), "%s", joined);
	while ((item = strsep(&rest, "+"))) {
		known = !*item;
		for (size_t i = 0; list && i < json_object_array_length(list); i++)
			known |= strcmp(json_object_get_string(json_object_array_get_idx(list, i)),
					item) == 0;
		if (!known)
			jsonvalue_append(list, jsonvalue_string(item), error);
	}
}

/* The sources that show the owner that the event is about, or else those of all owners. */
static void add_evidence(struct json_object *object, const struct event *event, int *error)
{
	struct json_object *list = json_object_new_array();
	const struct pci_device *device = event_device(event);

	if (EVENT_TYPES[event->kind].evidence)
		append_sources(list, EVENT_TYPES[event->kind].evidence, error);
	else if (event->owner)
		append_sources(list, event->owner->source, error);
	else
		for (size_t i = 0; i < device->owner_count; i++)
			append_sources(list, device->owners[i].source, error);
	jsonvalue_add(object, "evidence", list, error);
}

int write_json_event(const struct event *event, const struct event_context *context, FILE *out)
{
	const struct inventory *inventory = context->inventory;
	struct json_object *object = json_object_new_object();
	int error = 0;

	jsonvalue_add(object, "schema", json_object_new_int(SCHEMA_VERSION), &error);
	jsonvalue_add(object, "sequence", json_object_new_uint64(context->sequence), &error);
	add_time(object, &inventory->time, &error);
	add_if(object, "host", inventory->host, &error);
	jsonvalue_add_string(object, "event", EVENT_TYPES[event->kind].name, &error);
	jsonvalue_add_string(object, "severity", SEVERITY_NAMES[event_severity(event)], &error);
	add_triggers(object, context->triggers, &error);
	if (event_device(event))
		add_identity(object, event_device(event), &error);
	if (event->kind == EVENT_STATE)
		jsonvalue_add(object, "devices", json_object_new_uint64(inventory->selected),
			      &error);
	add_if(object, "config", context->config, &error);
	if (event->was)
		add_state(object, "before", event, event->was, &error);
	if (event->is)
		add_state(object, "after", event, event->is, &error);
	if (event->owner)
		add_owner(object, event->owner, &error);
	if (event->errors)
		jsonvalue_add(object, "errors", json_object_new_uint64(event->errors), &error);
	if (event->finding)
		jsonvalue_add(object, "finding", jsonfinding_new(event->finding, &error), &error);
	add_evidence(object, event, &error);
	error = jsonvalue_write(out, object, error);
	if (!error)
		fputc('\n', out);
	return error;
}
