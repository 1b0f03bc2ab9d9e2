/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/log-dedup.h"

#include <string.h>

#define TOLD_MAX 200

static void forward(const struct log_dedup *dedup, enum message_level level, const char *text)
{
	if (dedup->out.emit)
		dedup->out.emit(dedup->out.data, level, text);
}

static void take(void *data, enum message_level level, const char *text)
{
	struct log_dedup *dedup = data;

	if (level == MESSAGE_DEBUG) {
		forward(dedup, level, text);
		return;
	}
	if (strings_has(&dedup->current, text))
		return;
	if (dedup->current.count == TOLD_MAX) {
		if (!dedup->silent)
			forward(dedup, MESSAGE_WARNING,
				"there is more wrong than is told here: 'pciprobe list' tells it all");
		dedup->silent = true;
		return;
	}
	if (!strings_has(&dedup->previous, text))
		forward(dedup, level, text);
	strings_add(&dedup->current, text); /* without memory it is told once more */
}

struct log log_dedup_log(struct log_dedup *dedup)
{
	return (struct log){.emit = take, .data = dedup};
}

void log_dedup_next(struct log_dedup *dedup, bool whole)
{
	if (whole) {
		dedup->silent = dedup->silent && dedup->current.count == TOLD_MAX;
		strings_free(&dedup->previous);
		dedup->previous = dedup->current;
		dedup->current = (struct strings){0};
		return;
	}
	for (size_t i = 0; i < dedup->current.count; i++)
		if (dedup->previous.count < TOLD_MAX &&
		    !strings_has(&dedup->previous, dedup->current.items[i]))
			strings_add(&dedup->previous, dedup->current.items[i]);
	strings_free(&dedup->current);
}

void log_dedup_free(struct log_dedup *dedup)
{
	strings_free(&dedup->previous);
	strings_free(&dedup->current);
}
