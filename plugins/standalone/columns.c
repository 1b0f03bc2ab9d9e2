/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/columns.h"

#include "probe/nearest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct columns {
	const struct field **fields;
	size_t count;
};

/* A repeated column keeps its first position. */
static int add(struct columns *columns, const struct field *field)
{
	const struct field **grown;

	for (size_t i = 0; i < columns->count; i++)
		if (columns->fields[i] == field)
			return 0;
	grown = realloc(columns->fields, (columns->count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	columns->fields = grown;
	grown[columns->count++] = field;
	return 0;
}

static int add_all(struct columns *columns)
{
	int error = 0;

	for (size_t i = 0; i < FIELD_COUNT && !error; i++)
		error = add(columns, &FIELDS[i]);
	return error;
}

static void log_unknown(const char *name, const struct log *log)
{
	struct nearest nearest = {.word = name};
	char hint[NEAREST_HINT_SIZE];

	for (size_t i = 0; i < FIELD_COUNT; i++)
		nearest_try(&nearest, FIELDS[i].name);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		nearest_try(&nearest, FIELDS[i].heading);
	log_error(log, "unknown column: %s%s; 'pciprobe -o help' lists the columns", name,
		  nearest_hint(&nearest, hint));
}

static int add_list(struct columns *columns, const char *list, const struct log *log)
{
	char *copy = strdup(list), *rest = copy, *name;
	const struct field *field;
	int error = copy ? 0 : -ENOMEM;

	while (!error && (name = strsep(&rest, ", "))) {
		if (!*name)
			continue;
		field = field_find(name);
		if (field) {
			error = add(columns, field);
		} else if (strcasecmp(name, "all") == 0) {
			error = add_all(columns);
		} else {
			log_unknown(name, log);
			error = -EINVAL;
		}
	}
	free(copy);
	return error;
}

static int add_defaults(struct columns *columns, const char *list, const struct log *log)
{
	return strcmp(list, "*") == 0 ? add_all(columns) : add_list(columns, list, log);
}

int columns_parse(const char *list, const char *defaults, const struct log *log,
		  const struct field ***ret, size_t *ret_count)
{
	struct columns columns = {0};
	int error = 0;

	if (!list || *list == '+')
		error = add_defaults(&columns, defaults, log);
	if (!error && list)
		error = add_list(&columns, list + (*list == '+'), log);
	if (!error && !columns.count) {
		log_error(log, "no columns specified; 'pciprobe -o help' lists the columns");
		error = -EINVAL;
	}
	if (error < 0) {
		if (error == -ENOMEM)
			log_error(log, "out of memory");
		free(columns.fields);
		return error;
	}
	*ret = columns.fields;
	*ret_count = columns.count;
	return 0;
}
