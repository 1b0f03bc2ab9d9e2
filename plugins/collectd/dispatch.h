/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values and notifications for the daemon. Only dispatch.c uses collectd's API for them, so that it
 * alone must be replaced for collectd 6. */
#ifndef PCIPROBE_COLLECTD_DISPATCH_H
#define PCIPROBE_COLLECTD_DISPATCH_H

#include "probe/monitor/events.h"

#include <stdint.h>

/* Size of a plugin instance, including its NUL: the daemon's limit. */
#define INSTANCE_SIZE 128

/* Size of a notification's message, including its NUL: the daemon's limit. */
#define MESSAGE_SIZE 256

struct value {
	const char *instance;	   /* "0000:81:00.2" */
	const char *type;	   /* of collectd's types.db */
	const char *type_instance; /* "in_use"; "": none */
	/* the data sources of the type: one, or rx and tx */
	enum { VALUE_GAUGE, VALUE_DERIVE, VALUE_TRAFFIC } kind;
	double gauge;	/* NaN: unknown */
	int64_t derive; /* of VALUE_TRAFFIC rx */
	int64_t tx;
};

struct notice {
	enum severity severity;
	char instance[INSTANCE_SIZE];
	const char *type_instance; /* "vm_attached" */
	char message[MESSAGE_SIZE];
};

void dispatch_value(const struct value *value);
void dispatch_notice(const struct notice *notice);

#endif
