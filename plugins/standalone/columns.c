/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct columns {
	const struct field **fields;
	size_t count;
};

/* A column that is there already stays where it is. */
static int add(struct columns *columns, const struct field *field)
{
	const struct field **more;

	for (size_t i = 0; i < columns->count; i++)
		if (columns->fields[i] == field)
			return 0;
	more = realloc(columns->fields, (columns->count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	columns->fields = more;
	more[columns->count++] = field;
	return 0;
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
		} else {
			log_error(log, "nobody knows the column '%s'; 'pciprobe -o help' lists them", name);
			error = -EINVAL;
		}
	}
	free(copy);
	return error;
}

static int add_fallback(struct columns *columns, const char *list, const struct log *log)
{
	int error = 0;

	if (strcmp(list, "*") != 0)
		return add_list(columns, list, log);
	for (size_t i = 0; i < FIELD_COUNT && !error; i++)
		error = add(columns, &FIELDS[i]);
	return error;
}

int columns_parse(const char *list, const char *fallback, const struct log *log, const struct field ***ret,
		  size_t *ret_count)
{
	struct columns columns = {0};
	int error = 0;

	if (!list || *list == '+')
		error = add_fallback(&columns, fallback, log);
	if (!error && list)
		error = add_list(&columns, list + (*list == '+'), log);
	if (!error && !columns.count) {
		log_error(log, "no column is named; 'pciprobe -o help' lists them");
		error = -EINVAL;
	}
	if (error < 0) {
		free(columns.fields);
		return error;
	}
	*ret = columns.fields;
	*ret_count = columns.count;
	return 0;
}
