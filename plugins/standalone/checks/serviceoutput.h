/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output of a service: that of a plugin of Nagios, or a line of a local check of Checkmk. */
#ifndef PCIPROBE_STANDALONE_CHECKS_SERVICEOUTPUT_H
#define PCIPROBE_STANDALONE_CHECKS_SERVICEOUTPUT_H

#include "plugins/standalone/checks/service.h"
#include "probe/strings.h"

#include <stdio.h>

/* Its name in Checkmk. */
#define SERVICE_NAME "PCI devices"

/* More devices of one check are only counted: monitoring systems limit the output. */
#define SERVICE_LINES_MAX 10

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
