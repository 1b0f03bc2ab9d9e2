/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Logs a persistent error once, not in every reading. */
#ifndef PCIPROBE_MONITOR_LOG_DEDUP_H
#define PCIPROBE_MONITOR_LOG_DEDUP_H

#include "probe/log.h"
#include "probe/strings.h"

#include <stdbool.h>

struct log_dedup {
	struct log out;
	struct strings previous, current; /* messages up to the last reading, and of this one */
	bool overflow;			  /* this reading had too many different messages */
};

/* Returns a log that forwards to DEDUP->out the messages that the last reading did not have.
 * Initialise DEDUP with {.out = ...}. */
struct log log_dedup_log(struct log_dedup *dedup);

/* Ends a reading. A FULL one logged every error that persists: a message that it did not have is
 * logged when it occurs again. */
void log_dedup_next(struct log_dedup *dedup, bool full);
void log_dedup_free(struct log_dedup *dedup);

#endif
