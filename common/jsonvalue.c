/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/jsonvalue.h"

#include "common/text.h"
#include "common/textstream.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NEW_KEY (JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT)
#define STYLE (JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

struct json_object *jsonvalue_string(const char *string)
{
	struct json_object *object;
	char *clean = NULL;
	FILE *out;
	const char *p = string;
	uint32_t character;
	size_t length = 1;

	while (*p && (length = text_decode(p, &character)))
		p += length;
	if (!*p)
		return json_object_new_string(string);
	out = textstream_open(&clean);
	if (!out)
		return NULL;
	text_write_utf8(out, string);
	object = textstream_close(out, &clean) ? json_object_new_string(clean) : NULL;
	free(clean);
	return object;
}

void jsonvalue_add(struct json_object *object, const char *key, struct json_object *value,
		   int *error)
{
	if (object && value && json_object_object_add_ex(object, key, value, NEW_KEY) == 0)
		return;
	json_object_put(value);
	*error = -ENOMEM;
}

void jsonvalue_append(struct json_object *list, struct json_object *value, int *error)
{
	if (list && value && json_object_array_add(list, value) == 0)
		return;
	json_object_put(value);
	*error = -ENOMEM;
}

void jsonvalue_add_string(struct json_object *object, const char *key, const char *string,
			  int *error)
{
	if (string)
		jsonvalue_add(object, key, jsonvalue_string(string), error);
	else if (!object || json_object_object_add_ex(object, key, NULL, NEW_KEY) < 0)
		*error = -ENOMEM;
}

/* In strict mode json-c 0.18 rejects every byte above 7f, so that characters outside ASCII are
 * escaped as \u. Returns NULL without memory; the caller frees the result. */
static char *escape_non_ascii(const char *text)
{
	char *escaped = malloc(6 * strlen(text) + 1), *out = escaped;
	uint32_t character;
	size_t length;

	if (!escaped)
		return NULL;
	for (; *text; text += length) {
		length = text_decode(text, &character);
		if (!length) /* not UTF-8: json-c reports it */
			length = 1, character = (unsigned char)*text;
		if (length == 1)
			*out++ = *text;
		else if (character < 0x10000)
			out += sprintf(out, "\\u%04x", character);
		else
			out += sprintf(out, "\\u%04x\\u%04x",
				       0xd800 + ((character - 0x10000) >> 10),
				       0xdc00 + ((character - 0x10000) & 0x3ff));
	}
	*out = '\0';
	return escaped;
}

/* Returns the offset of a control character in a string, which json-c accepts before 0.18; or
 * SIZE_MAX. */
static size_t find_control(const char *text)
{
	bool in_string = false;

	for (size_t i = 0; text[i]; i++) {
		if (in_string && (unsigned char)text[i] < ' ')
			return i;
		if (in_string && text[i] == '\\' && text[i + 1])
			i++;
		else if (text[i] == '"')
			in_string = !in_string;
	}
	return SIZE_MAX;
}

static size_t count_lines(const char *text, size_t length)
{
	size_t lines = 0;

	for (size_t i = 0; i < length && text[i]; i++)
		lines += text[i] == '\n';
	return lines;
}

int jsonvalue_parse(const char *text, struct json_object **ret_value,
		    struct jsonvalue_error *ret_error)
{
	struct json_tokener *tokener;
	struct json_object *value;
	enum json_tokener_error error;
	size_t control = find_control(text);
	char *escaped;

	if (control != SIZE_MAX) {
		*ret_error =
			(struct jsonvalue_error){"a string must end on the line on which it begins",
						 count_lines(text, control)};
		return -EBADMSG;
	}
	tokener = json_tokener_new();
	escaped = escape_non_ascii(text);
	if (!tokener || !escaped) {
		if (tokener)
			json_tokener_free(tokener);
		free(escaped);
		return -ENOMEM;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
	errno = 0;
	/* including the NUL, which ends a number */
	value = json_tokener_parse_ex(tokener, escaped, (int)strlen(escaped) + 1);
	error = json_tokener_get_error(tokener);
	if (errno == ENOMEM) {
		json_object_put(value);
		json_tokener_free(tokener);
		free(escaped);
		return -ENOMEM;
	}
	if (error == json_tokener_success)
		*ret_value = value;
	else
		*ret_error = (struct jsonvalue_error){
			json_tokener_error_desc(error),
			count_lines(escaped, json_tokener_get_parse_end(tokener))};
	json_tokener_free(tokener);
	free(escaped);
	return error == json_tokener_success ? 0 : -EBADMSG;
}

/* Without memory, json-c truncates the text or returns NULL; only errno shows that. */
static int write_styled(FILE *out, struct json_object *value, int style, int error)
{
	const char *text;

	if (!error) {
		errno = 0;
		text = json_object_to_json_string_ext(value, style);
		error = !text || errno == ENOMEM ? -ENOMEM : 0;
		if (!error)
			fputs(text, out);
	}
	json_object_put(value);
	return error;
}

int jsonvalue_write(FILE *out, struct json_object *value, int error)
{
	return write_styled(out, value, STYLE, error);
}

int jsonvalue_write_pretty(FILE *out, struct json_object *value, int error)
{
	error = write_styled(out, value, STYLE | JSON_C_TO_STRING_PRETTY, error);
	if (!error)
		fputc('\n', out);
	return error;
}
