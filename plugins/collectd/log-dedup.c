/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/log-dedup.h"

#include <string.h>

#define TOLD_MAX 200

static void hand_on(const struct complaints *complaints, enum message_level level, const char *text)
{
	if (complaints->out.emit)
		complaints->out.emit(complaints->out.data, level, text);
}

static void take(void *data, enum message_level level, const char *text)
{
	struct complaints *complaints = data;

	if (level == MESSAGE_DEBUG) {
		hand_on(complaints, level, text);
		return;
	}
	if (strings_has(&complaints->telling, text))
		return;
	if (complaints->telling.count == TOLD_MAX) {
		if (!complaints->silent)
			hand_on(complaints, MESSAGE_WARNING, "there is more wrong than is told here: 'pciprobe list' tells it all");
		complaints->silent = true;
		return;
	}
	if (!strings_has(&complaints->told, text))
		hand_on(complaints, level, text);
	strings_add(&complaints->telling, text); /* without memory it is told once more */
}

struct log complaints_log(struct complaints *complaints)
{
	return (struct log){.emit = take, .data = complaints};
}

void complaints_turn(struct complaints *complaints, bool whole)
{
	if (whole) {
		complaints->silent = complaints->silent && complaints->telling.count == TOLD_MAX;
		strings_free(&complaints->told);
		complaints->told = complaints->telling;
		complaints->telling = (struct strings){0};
		return;
	}
	for (size_t i = 0; i < complaints->telling.count; i++)
		if (complaints->told.count < TOLD_MAX && !strings_has(&complaints->told, complaints->telling.items[i]))
			strings_add(&complaints->told, complaints->telling.items[i]);
	strings_free(&complaints->telling);
}

void complaints_free(struct complaints *complaints)
{
	strings_free(&complaints->told);
	strings_free(&complaints->telling);
}
