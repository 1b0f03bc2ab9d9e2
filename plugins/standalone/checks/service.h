/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the service: the checks that were requested, judged, and their output. */
#ifndef PCIPROBE_STANDALONE_CHECKS_SERVICE_H
#define PCIPROBE_STANDALONE_CHECKS_SERVICE_H

#include "plugins/standalone/checks/check.h"
#include "probe/strings.h"

#include <stdio.h>

/* Its name in Checkmk. */
#define SERVICE_NAME "PCI devices"

/* More devices of one check are only counted: monitoring systems limit the output. */
#define SERVICE_LINES_MAX 10

/* A number, and its state. */
struct service_result {
	const struct service_check *check;
	const char *alias; /* of its devices; NULL: all selected devices. Belongs to the
			      configuration or the thresholds */
	const char *warning, *critical; /* the ranges, for performance data; NULL: none */
	const char *expected;		/* the range that is not met; NULL: SERVICE_OK */
	struct amount amount;
	enum service_state state;
};

struct service {
	struct service_result *results;
	size_t count;
	enum service_state state; /* the worst */
};

/* Judges the checks in NAMES, which ends with NULL, and those with a threshold; or if there are no
 * names, all. Others are reported, not judged. Returns 0 or -ENOMEM. */
int service_judge(const struct check_input *input, const struct thresholds *thresholds,
		  char *const names[], struct service *ret);
void service_free(struct service *service);

struct service_output {
	bool is_checkmk; /* a line for a local check of Checkmk, not the output of a plugin */
	bool is_verbose; /* list what is OK, too */
	const struct strings *messages; /* logged while reading; NULL: none */
};

/* Writes SERVICE as a plugin of Nagios does: the state and performance data in one line, and a line
 * for each problem. Strings from outside are sanitized. Returns 0 or -ENOMEM. */
int service_write(FILE *out, const struct service_output *output, const struct check_input *input,
		  const struct service *service);

/* Writes a service that is UNKNOWN because of the messages, the first of which is the reason;
 * without one memory is exhausted. Returns 0 or -ENOMEM. */
int service_write_failure(FILE *out, const struct service_output *output);

#endif
