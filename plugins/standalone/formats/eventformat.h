/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Formats of events: a line for each. */
#ifndef PCIPROBE_STANDALONE_FORMATS_EVENTFORMAT_H
#define PCIPROBE_STANDALONE_FORMATS_EVENTFORMAT_H

#include "probe/fields.h"
#include "probe/monitor/events.h"

#include <stdint.h>
#include <stdio.h>

/* What prompted a reading: bits. Names are in TRIGGER_NAMES. */
enum trigger {
	TRIGGER_START = 1u << 0,
	TRIGGER_UEVENT = 1u << 1,
	TRIGGER_FILE = 1u << 2,	  /* inotify */
	TRIGGER_USERS = 1u << 3,  /* the kernel's count of VFIO users */
	TRIGGER_CONFIG = 1u << 4, /* the configuration was changed, or SIGHUP */
	TRIGGER_OVERFLOW = 1u << 5,
	TRIGGER_RESUME = 1u << 6, /* the host was suspended, or its clock was set */
	TRIGGER_REPEAT = 1u << 7, /* once more after a change */
	TRIGGER_SCAN = 1u << 8,	  /* periodically */
	TRIGGER_READER = 1u << 9, /* the reader of the output was too slow, and has caught up */
};
#define TRIGGER_COUNT 10
extern const char *const TRIGGER_NAMES[TRIGGER_COUNT];

/* Indexed by enum severity. */
extern const char *const SEVERITY_NAMES[];

/* What a line says in addition to its event. */
struct event_context {
	const struct inventory *inventory; /* its time, its host, its number of devices */
	uint64_t sequence;		   /* number of the line, from 1 */
	unsigned offset;		   /* number of the line within the reading, from 0 */
	unsigned triggers;		   /* enum trigger */
	const char *config;		   /* path of the configuration, for its events */
};

struct event_format {
	const char *name;
	const char *help;
	/* Writes a line. Returns 0 or a negative errno. */
	int (*write)(const struct event *event, const struct event_context *context, FILE *out);
};

extern const struct event_format EVENT_FORMATS[]; /* the first is the default */
extern const size_t EVENT_FORMAT_COUNT;

/* Returns the format with this name, or NULL. */
const struct event_format *event_format_find(const char *name);

/* What must be read for all fields of events (enum detail). */
unsigned event_details(void);

/* Whether FIELD is one of those that events of KIND are about. */
bool event_has_field(enum event_kind kind, const struct field *field);

int write_json_event(const struct event *event, const struct event_context *context, FILE *out);
int write_influx_event(const struct event *event, const struct event_context *context, FILE *out);

#endif
