/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/novaparser.h"

#include "common/jsonvalue.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool nova_error(struct nova_parser *parser, const char *format, ...)
{
	char text[512];
	int length = 0;
	va_list args;

	if (parser->item)
		length = snprintf(text, sizeof(text), "item %zu: ", parser->item);
	va_start(args, format);
	vsnprintf(text + length, sizeof(text) - (size_t)length, format, args);
	va_end(args);
	novaconf_error(parser->conf, parser->log, parser->line, text);
	return false;
}

char *nova_strip(char *text)
{
	text += strspn(text, " \t\n\v\f\r");
	for (size_t end = strlen(text); end && strchr(" \t\n\v\f\r", text[end - 1]);)
		text[--end] = '\0';
	return text;
}

char *nova_parse_text(struct nova_parser *parser, struct json_object *object, const char *key,
		      bool *ok)
{
	struct json_object *value = NULL;
	char *text;

	if (!json_object_object_get_ex(object, key, &value))
		return NULL;
	if (!json_object_is_type(value, json_type_string)) {
		*ok = nova_error(parser, "\"%s\" must be a text, in quotes", key);
		return NULL;
	}
	if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value)) {
		*ok = nova_error(parser, "\"%s\" has a NUL in it", key);
		return NULL;
	}
	text = strdup(json_object_get_string(value));
	if (!text) {
		parser->no_memory = true;
		*ok = false;
	}
	return text;
}

static void free_line(struct nova_line *line)
{
	for (size_t i = 0; i < NOVA_FIELD_COUNT; i++)
		regex_free(line->spec.address[i]);
	free(line->alias.name);
	free(line->alias.type);
	free(line->alias.policy);
}

static void add_line(struct nova_parser *parser, struct json_object *object, bool is_alias)
{
	struct novalines *lines = parser->lines;
	struct nova_line *more, line = {.line = parser->line, .item = parser->item};

	if (lines->count == NOVALINE_COUNT_MAX) {
		nova_error(parser, "more than %d of them", NOVALINE_COUNT_MAX);
		return;
	}
	more = realloc(lines->lines, (lines->count + 1) * sizeof(*more));
	if (!more) {
		parser->no_memory = true;
		return;
	}
	lines->lines = more;
	if (is_alias ? nova_parse_alias(parser, object, &line)
		     : nova_parse_spec(parser, object, &line))
		more[lines->count++] = line;
	else
		free_line(&line);
}

static void add_list(struct nova_parser *parser, struct json_object *list)
{
	size_t count = json_object_array_length(list);

	for (size_t i = 0;
	     i < count && parser->lines->count < NOVALINE_COUNT_MAX && !parser->no_memory; i++) {
		struct json_object *object = json_object_array_get_idx(list, i);

		parser->item = i + 1;
		if (json_object_is_type(object, json_type_object))
			add_line(parser, object, false);
		else
			nova_error(parser, "a device_spec is an object: {...}");
	}
	if (count > NOVALINE_COUNT_MAX)
		nova_error(parser, "more than %d of them", NOVALINE_COUNT_MAX);
	parser->item = 0;
}

/* NULL for what has been logged. */
static struct json_object *parse_json(struct nova_parser *parser, const char *text)
{
	struct json_object *object = NULL;
	struct jsonvalue_error wrong;
	int error = jsonvalue_parse(text, &object, &wrong);

	if (error == -EBADMSG) {
		parser->line += (unsigned)wrong.lines;
		nova_error(parser, "not JSON: %s", wrong.reason);
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
	object = parse_json(parser, option->text);
	if (!object)
		return;
	if (json_object_is_type(object, json_type_object))
		add_line(parser, object, option->is_alias);
	else if (json_object_is_type(object, json_type_array) && !option->is_alias)
		add_list(parser, object);
	else
		nova_error(parser,
			   option->is_alias
				   ? "an alias is an object: {...}"
				   : "a device_spec is an object, {...}, or a list of them");
	json_object_put(object);
}

int novalines_parse(struct novaconf *conf, const struct inventory *inventory, const struct log *log,
		    struct novalines *ret)
{
	struct nova_parser parser = {
		.conf = conf, .inventory = inventory, .log = log, .lines = ret};

	*ret = (struct novalines){0};
	for (size_t i = 0; i < conf->count && !parser.no_memory; i++)
		parse_option(&parser, &conf->options[i]);
	return parser.no_memory ? -ENOMEM : 0;
}

void novalines_free(struct novalines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free_line(&lines->lines[i]);
	free(lines->lines);
	*lines = (struct novalines){0};
}
