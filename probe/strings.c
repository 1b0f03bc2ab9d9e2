/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int strings_add(struct strings *list, const char *string)
{
	char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = strdup(string);
	if (!items[list->count])
		return -ENOMEM;
	list->count++;
	return 0;
}

bool strings_has(const struct strings *list, const char *string)
{
	for (size_t i = 0; i < list->count; i++)
		if (strcmp(list->items[i], string) == 0)
			return true;
	return false;
}

int strings_add_all(struct strings *list, const struct strings *from)
{
	int error = 0;

	for (size_t i = 0; i < from->count && !error; i++)
		error = strings_add(list, from->items[i]);
	return error;
}

static int compare(const void *a, const void *b)
{
	return strverscmp(*(char *const *)a, *(char *const *)b);
}

void strings_sort(struct strings *list)
{
	if (list->count > 1)
		qsort(list->items, list->count, sizeof(*list->items), compare);
}

void strings_free(struct strings *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct strings){0};
}

int text_boolean(const char *text, size_t length)
{
	static const char *const values[] = {"0", "f", "false", "off", "n", "no",
					     "1", "t", "true",	"on",  "y", "yes"};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (strlen(values[i]) == length && strncasecmp(text, values[i], length) == 0)
			return i >= 6;
	return -1;
}

bool text_same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}
