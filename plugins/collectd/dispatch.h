/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What goes to the daemon: values and notifications. dispatch.c alone knows how; collectd 6 will
 * want another one. */
#ifndef PCIPROBE_COLLECTD_DISPATCH_H
#define PCIPROBE_COLLECTD_DISPATCH_H

#include <stdint.h>

/* Longest plugin instance, its NUL included: the daemon's own limit. */
#define INSTANCE_SIZE 128

/* Longest message of a notification, likewise. */
#define MESSAGE_SIZE 256

struct value {
	const char *instance;	   /* "0000:81:00.2" */
	const char *type;	   /* a type of the daemon's own types.db, of one source */
	const char *type_instance; /* "in_use" */
	enum { VALUE_GAUGE, VALUE_DERIVE } kind; /* of that source */
	double gauge;				 /* NaN: unknown */
	int64_t derive;
};

enum severity { SEVERITY_FAILURE, SEVERITY_WARNING, SEVERITY_OKAY };

struct notice {
	enum severity severity;
	char instance[INSTANCE_SIZE];
	const char *type_instance; /* "vm_attached" */
	char message[MESSAGE_SIZE];
};

void dispatch_value(const struct value *value);
void dispatch_notice(const struct notice *notice);

#endif
