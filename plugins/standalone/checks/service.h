/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of the service: the checks that were requested, judged. */
#ifndef PCIPROBE_STANDALONE_CHECKS_SERVICE_H
#define PCIPROBE_STANDALONE_CHECKS_SERVICE_H

#include "plugins/standalone/checks/check.h"

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

#endif
