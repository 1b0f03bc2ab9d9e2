/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/eventformat.h"

#include "config.h"
#include "probe/details/details.h"

#include <string.h>

const char *const TRIGGER_NAMES[TRIGGER_COUNT] = {
	"start",    "uevent", "file",	"users", "config",
	"overflow", "resume", "repeat", "scan",	 "reader",
};

const char *const SEVERITY_NAMES[] = {
	[SEVERITY_FAILURE] = "failure",
	[SEVERITY_WARNING] = "warning",
	[SEVERITY_OKAY] = "okay",
};

const struct event_format EVENT_FORMATS[] = {
#ifdef HAVE_JSON_C
	{"json", "an object per event, described by pciprobe-event.schema.json", write_json_event},
#endif
	{"telegraf", "watch: events in InfluxDB's line protocol, for Telegraf's execd input",
	 write_influx_event},
};
const size_t EVENT_FORMAT_COUNT = sizeof(EVENT_FORMATS) / sizeof(*EVENT_FORMATS);

const struct event_format *event_format_find(const char *name)
{
	for (size_t i = 0; i < EVENT_FORMAT_COUNT; i++)
		if (strcmp(EVENT_FORMATS[i].name, name) == 0)
			return &EVENT_FORMATS[i];
	return NULL;
}

/* Traffic changes all the time, and names of subsystems are slow to find. */
static bool is_event_field(const struct field *field)
{
	return field->measure != MEASURE_TRAFFIC && !(field->details & DETAIL_SUBSYSTEM_NAME);
}

unsigned event_details(void)
{
	unsigned details = 0;

	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (is_event_field(&FIELDS[i]))
			details |= FIELDS[i].details;
	return details;
}

/* Whether WORD is one of LIST, which is separated by spaces. */
static bool has_word(const char *list, const char *word)
{
	size_t length = strlen(word);

	for (const char *p = list; (p = strstr(p, word)); p += length)
		if ((p == list || p[-1] == ' ') && (!p[length] || p[length] == ' '))
			return true;
	return false;
}

bool event_has_field(enum event_kind kind, const struct field *field)
{
	const char *fields = EVENT_TYPES[kind].fields;

	return fields ? has_word(fields, field->name) : is_event_field(field);
}
