/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/parser.h"

#include "common/jsonvalue.h"
#include "probe/strings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* The ASCII characters that Python's strip() removes. */
#define WHITE_SPACE " \t\n\v\f\r\x1c\x1d\x1e\x1f"

bool nova_error(struct nova_parser *parser, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	nova_conf_error(parser->conf, parser->log, parser->line, parser->item, format, args);
	va_end(args);
	return false;
}

char *nova_strip(char *string)
{
	string += strspn(string, WHITE_SPACE);
	for (size_t end = strlen(string); end && strchr(WHITE_SPACE, string[end - 1]);)
		string[--end] = '\0';
	return string;
}

char *nova_parse_string(struct nova_parser *parser, struct json_object *object, const char *key,
			bool *ok)
{
	struct json_object *value = NULL;
	char *string;

	if (!json_object_object_get_ex(object, key, &value))
		return NULL;
	if (!json_object_is_type(value, json_type_string)) {
		*ok = nova_error(parser, "\"%s\" must be a string, in quotes", key);
		return NULL;
	}
	if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value)) {
		*ok = nova_error(parser, "\"%s\" contains a NUL character", key);
		return NULL;
	}
	string = strdup(json_object_get_string(value));
	if (!string) {
		parser->no_memory = true;
		*ok = false;
	}
	return string;
}

/* As oslo_utils.strutils.bool_from_string does, which converts other types to a string. */
enum nova_switch nova_parse_switch(struct json_object *value)
{
	const char *string = value ? json_object_get_string(value) : "";
	size_t length = strlen(string);
	int boolean;

	if (json_object_is_type(value, json_type_string) &&
	    (size_t)json_object_get_string_len(value) != length)
		return NOVA_UNSET; /* contains a NUL */
	for (; length && strchr(WHITE_SPACE, *string); string++)
		length--;
	while (length && strchr(WHITE_SPACE, string[length - 1]))
		length--;
	boolean = text_boolean(string, length);
	return boolean < 0 ? NOVA_UNSET : boolean ? NOVA_TRUE : NOVA_FALSE;
}

bool nova_parse_strict_switch(struct nova_parser *parser, struct json_object *object,
			      const char *key, enum nova_switch *ret)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value) || !value)
		return true;
	*ret = nova_parse_switch(value);
	if (*ret != NOVA_UNSET)
		return true;
	return nova_error(parser,
			  "%s '%.64s' is not a boolean: expected yes, no, true, false, on, off, "
			  "y, n, t, f, 1 or 0",
			  key, json_object_get_string(value));
}

bool nova_knows(struct nova_parser *parser, const char *key, enum nova_feature feature)
{
	if (parser->conf->release->knows & feature)
		return true;
	log_warning(parser->log, "%s:%u: %s has no effect before Nova %s", parser->conf->path,
		    parser->line, key, nova_release_since(feature)->name);
	return false;
}

static void free_line(struct nova_line *line)
{
	for (size_t i = 0; i < NOVA_FIELD_COUNT; i++)
		regex_free(line->spec.address[i]);
	free(line->tags.type);
	free(line->tags.resource_class);
	free(line->tags.traits);
	free(line->alias.name);
	free(line->alias.type);
	free(line->alias.policy);
	free(line->alias.resource_class);
	free(line->alias.traits);
}

static void add_line(struct nova_parser *parser, struct json_object *object, bool is_alias)
{
	struct nova_lines *lines = parser->lines;
	struct nova_line *grown, line = {.line = parser->line, .item = parser->item};

	if (lines->count == NOVA_LINES_MAX) {
		nova_error(parser, "more than %d specs and aliases", NOVA_LINES_MAX);
		return;
	}
	grown = realloc(lines->lines, (lines->count + 1) * sizeof(*grown));
	if (!grown) {
		parser->no_memory = true;
		return;
	}
	lines->lines = grown;
	if (is_alias ? nova_parse_alias(parser, object, &line)
		     : nova_parse_spec(parser, object, &line))
		grown[lines->count++] = line;
	else
		free_line(&line);
}

static void add_list(struct nova_parser *parser, struct json_object *list)
{
	size_t count = json_object_array_length(list);

	for (size_t i = 0; i < count && parser->lines->count < NOVA_LINES_MAX && !parser->no_memory;
	     i++) {
		struct json_object *object = json_object_array_get_idx(list, i);

		parser->item = i + 1;
		if (json_object_is_type(object, json_type_object))
			add_line(parser, object, false);
		else
			nova_error(parser, "device_spec must be an object: {...}");
	}
	if (count > NOVA_LINES_MAX)
		nova_error(parser, "more than %d specs and aliases", NOVA_LINES_MAX);
	parser->item = 0;
}

/* Returns NULL if there is no memory, or an error has been logged. */
static struct json_object *parse_json(struct nova_parser *parser, const char *json)
{
	struct json_object *object = NULL;
	struct jsonvalue_error parse_error;
	int error = jsonvalue_parse(json, &object, &parse_error);

	if (error == -EBADMSG) {
		parser->line += (unsigned)parse_error.lines;
		nova_error(parser, "not JSON: %s", parse_error.reason);
	} else if (error < 0) {
		parser->no_memory = true;
	} else if (!object) {
		nova_error(parser, "value must not be null");
	}
	return object;
}

static void parse_option(struct nova_parser *parser, const struct nova_option *option)
{
	struct json_object *object;

	parser->line = option->line;
	parser->item = 0;
	object = parse_json(parser, option->value);
	if (!object)
		return;
	if (json_object_is_type(object, json_type_object))
		add_line(parser, object, option->is_alias);
	else if (json_object_is_type(object, json_type_array) && !option->is_alias)
		add_list(parser, object);
	else
		nova_error(parser,
			   option->is_alias
				   ? "alias must be an object: {...}"
				   : "device_spec must be an object, {...}, or a list of objects");
	json_object_put(object);
}

int nova_lines_parse(struct nova_conf *conf, const struct inventory *inventory,
		     const struct log *log, struct nova_lines *ret)
{
	struct nova_parser parser = {
		.conf = conf, .inventory = inventory, .log = log, .lines = ret};

	*ret = (struct nova_lines){0};
	for (size_t i = 0; i < conf->count && !parser.no_memory; i++)
		parse_option(&parser, &conf->options[i]);
	return parser.no_memory ? -ENOMEM : 0;
}

void nova_lines_free(struct nova_lines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free_line(&lines->lines[i]);
	free(lines->lines);
	*lines = (struct nova_lines){0};
}
