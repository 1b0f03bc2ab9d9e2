/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options -w and -c of "pciprobe check": NAME=RANGE, or NAME:ALIAS=RANGE for the devices of an
 * alias only. NAME is that of a check. */
#ifndef PCIPROBE_STANDALONE_CHECKS_THRESHOLD_H
#define PCIPROBE_STANDALONE_CHECKS_THRESHOLD_H

#include "plugins/standalone/checks/range.h"
#include "probe/log.h"

#include <stddef.h>

struct service_check;

/* States of a service, with the values of Monitoring Plugins: exit statuses. */
enum service_state { SERVICE_OK, SERVICE_WARNING, SERVICE_CRITICAL, SERVICE_UNKNOWN };

struct threshold {
	const struct service_check *check;
	char *alias; /* NULL: all devices */
	enum service_state state;
	struct range range;
	char text[RANGE_TEXT_MAX + 1]; /* of the range */
};

struct thresholds {
	struct threshold *items;
	size_t count;
};

/* Adds TEXT, an argument of -w or -c as STATE says. Returns 0; -EINVAL (logged) if it is invalid,
 * or the same threshold was given before; or -ENOMEM. */
int thresholds_add(struct thresholds *thresholds, const char *text, enum service_state state,
		   const struct log *log);

/* The one of CHECK, for the devices of ALIAS or NULL, and STATE; NULL if there is none. */
const struct threshold *thresholds_find(const struct thresholds *thresholds,
					const struct service_check *check, const char *alias,
					enum service_state state);

void thresholds_free(struct thresholds *thresholds);

#endif
