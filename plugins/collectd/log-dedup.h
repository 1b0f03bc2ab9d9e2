/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is wrong is told once, and again when it has changed, not at every reading. */
#ifndef PCIPROBE_COLLECTD_LOG_DEDUP_H
#define PCIPROBE_COLLECTD_LOG_DEDUP_H

#include "probe/log.h"
#include "probe/strings.h"

#include <stdbool.h>

struct log_dedup {
	struct log out;
	struct strings previous, current; /* up to the last reading, in this one */
	bool silent;			  /* this one had more than can be kept apart */
};

/* A log that hands on to COMPLAINTS->out what the last reading had not to tell. {.out = ...} is a
 * good beginning. */
struct log log_dedup_log(struct log_dedup *dedup);

/* Ends a reading. One that was WHOLE had all to tell that is wrong: what it did not is told when it
 * comes again. */
void log_dedup_next(struct log_dedup *dedup, bool whole);
void log_dedup_free(struct log_dedup *dedup);

#endif
