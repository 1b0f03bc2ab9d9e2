/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/monitor/log-dedup.h"

#include <string.h>

#define MESSAGES_MAX 200

static void forward(const struct log_dedup *dedup, enum message_level level, const char *message)
{
	if (dedup->out.emit)
		dedup->out.emit(dedup->out.data, level, message);
}

static void filter(void *data, enum message_level level, const char *message)
{
	struct log_dedup *dedup = data;

	if (level == MESSAGE_DEBUG) {
		forward(dedup, level, message);
		return;
	}
	if (strings_has(&dedup->current, message))
		return;
	if (dedup->current.count == MESSAGES_MAX) {
		if (!dedup->overflow)
			forward(dedup, MESSAGE_WARNING,
				"further errors are not logged; 'pciprobe list' reports all");
		dedup->overflow = true;
		return;
	}
	if (!strings_has(&dedup->previous, message))
		forward(dedup, level, message);
	strings_add(&dedup->current, message); /* without memory it is logged again */
}

struct log log_dedup_log(struct log_dedup *dedup)
{
	return (struct log){.emit = filter, .data = dedup};
}

void log_dedup_next(struct log_dedup *dedup, bool full)
{
	if (full) {
		dedup->overflow = dedup->overflow && dedup->current.count == MESSAGES_MAX;
		strings_free(&dedup->previous);
		dedup->previous = dedup->current;
		dedup->current = (struct strings){0};
		return;
	}
	for (size_t i = 0; i < dedup->current.count; i++)
		if (dedup->previous.count < MESSAGES_MAX &&
		    !strings_has(&dedup->previous, dedup->current.items[i]))
			strings_add(&dedup->previous, dedup->current.items[i]);
	strings_free(&dedup->current);
}

void log_dedup_free(struct log_dedup *dedup)
{
	strings_free(&dedup->previous);
	strings_free(&dedup->current);
}
