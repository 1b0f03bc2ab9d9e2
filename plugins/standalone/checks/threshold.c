/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/checks/threshold.h"

#include "plugins/standalone/checks/check.h"
#include "probe/select/alias.h"
#include "probe/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static char option_letter(enum service_state state)
{
	return state == SERVICE_CRITICAL ? 'c' : 'w';
}

/* Parses NAME or NAME:ALIAS, which is modified. Returns 0 or -EINVAL (logged). */
static int parse_name(char *name, char letter, const struct log *log, struct threshold *ret)
{
	char *alias = strchr(name, ':');

	if (alias)
		*alias++ = '\0';
	ret->check = service_check_find(name, log);
	if (!ret->check)
		return -EINVAL;
	if (alias && !ret->check->count) {
		log_error(log, "-%c %s:%s: '%s' is a number of the host, not of an alias", letter,
			  name, alias, name);
		return -EINVAL;
	}
	if (alias && !alias_is_name(alias)) {
		log_error(log, "-%c %s: invalid alias name '%s'", letter, name, alias);
		return -EINVAL;
	}
	ret->alias = alias;
	return 0;
}

static int parse(char *text, const struct log *log, struct threshold *ret)
{
	char letter = option_letter(ret->state), *range = strchr(text, '=');
	const char *wrong;
	int error;

	if (!range) {
		log_error(log, "-%c: expected NAME=RANGE (for example degraded=2), not '%s'",
			  letter, text);
		return -EINVAL;
	}
	*range++ = '\0';
	error = parse_name(text, letter, log, ret);
	if (error < 0)
		return error;
	wrong = range_parse(range, &ret->range);
	if (wrong) {
		log_error(log, "-%c %s: invalid range '%s': %s", letter, text, range, wrong);
		return -EINVAL;
	}
	strcpy(ret->text, range);
	return 0;
}

int thresholds_add(struct thresholds *thresholds, const char *text, enum service_state state,
		   const struct log *log)
{
	struct threshold added = {.state = state}, *grown;
	char *copy = strdup(text);
	int error = copy ? parse(copy, log, &added) : -ENOMEM;

	if (!error && thresholds_find(thresholds, added.check, added.alias, state)) {
		log_error(log, "-%c %s%s%s: given twice", option_letter(state), added.check->name,
			  added.alias ? ":" : "", added.alias ? added.alias : "");
		error = -EINVAL;
	}
	if (!error && added.alias && !(added.alias = strdup(added.alias)))
		error = -ENOMEM;
	free(copy);
	if (error < 0)
		return error;
	grown = reallocarray(thresholds->items, thresholds->count + 1, sizeof(*grown));
	if (!grown) {
		free(added.alias);
		return -ENOMEM;
	}
	thresholds->items = grown;
	grown[thresholds->count++] = added;
	return 0;
}

const struct threshold *thresholds_find(const struct thresholds *thresholds,
					const struct service_check *check, const char *alias,
					enum service_state state)
{
	for (size_t i = 0; i < thresholds->count; i++) {
		const struct threshold *threshold = &thresholds->items[i];

		if (threshold->check == check && threshold->state == state &&
		    text_same(threshold->alias, alias))
			return threshold;
	}
	return NULL;
}

void thresholds_free(struct thresholds *thresholds)
{
	for (size_t i = 0; i < thresholds->count; i++)
		free(thresholds->items[i].alias);
	free(thresholds->items);
	*thresholds = (struct thresholds){0};
}
