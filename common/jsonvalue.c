/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/jsonvalue.h"

#include "common/text.h"

#include <errno.h>
#include <stdlib.h>

#define NEW_KEY (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT)
#define STYLE (JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

struct json_object *jsonvalue_text(const char *text)
{
	struct json_object *object;
	char *clean = NULL;
	size_t size = 0;
	FILE *out;
	const char *p = text;
	uint32_t character;
	size_t length = 1;

	while (*p && (length = text_decode(p, &character)))
		p += length;
	if (!*p)
		return json_object_new_string(text);
	out = open_memstream(&clean, &size);
	if (!out)
		return NULL;
	text_write_utf8(out, text);
	object = fclose(out) == 0 ? json_object_new_string(clean) : NULL;
	free(clean);
	return object;
}

int jsonvalue_add(struct json_object *object, const char *key, struct json_object *value)
{
	if (value && json_object_object_add_ex(object, key, value, NEW_KEY) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int jsonvalue_add_null(struct json_object *object, const char *key)
{
	return json_object_object_add_ex(object, key, NULL, NEW_KEY) == 0 ? 0 : -ENOMEM;
}

int jsonvalue_append(struct json_object *list, struct json_object *value)
{
	if (value && json_object_array_add(list, value) == 0)
		return 0;
	json_object_put(value);
	return -ENOMEM;
}

int jsonvalue_write(FILE *out, struct json_object *value, int error)
{
	if (!error)
		fputs(json_object_to_json_string_ext(value, STYLE), out);
	json_object_put(value);
	return error;
}
