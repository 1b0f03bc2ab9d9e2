/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/config/yamlfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH_SHOWN_MAX 240

/* Truncates very long paths at the start, so that line and column always fit. */
const char *yaml_location(const struct yamlfile *file, yaml_mark_t mark,
			  char buffer[static YAML_LOCATION_SIZE])
{
	size_t length = strlen(file->path);
	bool cut = length > PATH_SHOWN_MAX;

	snprintf(buffer, YAML_LOCATION_SIZE, "%s%s:%zu:%zu", cut ? "..." : "",
		 file->path + (cut ? length - PATH_SHOWN_MAX : 0), mark.line + 1, mark.column + 1);
	return buffer;
}

void yaml_error(struct yamlfile *file, const yaml_node_t *node, const char *format, ...)
{
	char text[512], location[YAML_LOCATION_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error(file->log, "%s: %s", yaml_location(file, node->start_mark, location), text);
	file->error_count++;
}

const char *yaml_string(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* YAML 1.1 would also read 0:0 and 07:00.0 as numbers in base 60. Here all scalars except null are
 * strings. */
bool yaml_is_null(const yaml_node_t *node)
{
	const char *text = yaml_string(node);

	return text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") ||
		!strcmp(text, "NULL"));
}

#define EXCLUSION_HINT "put quotes around a filter that excludes devices: '!10de:1eb8'"

/* Converts the offset of a byte into line and column: for invalid UTF-8 libyaml reports only the
 * offset. */
static yaml_mark_t mark_of_byte(const char *text, size_t offset)
{
	yaml_mark_t mark = {0};

	for (size_t i = offset >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; i < offset;
	     i++) {
		if (text[i] == '\n' ||
		    (text[i] == '\r' && (i + 1 == offset || text[i + 1] != '\n'))) {
			mark.line++;
			mark.column = 0;
		} else {
			mark.column += ((unsigned char)text[i] & 0xc0) != 0x80;
		}
	}
	return mark;
}

static bool is_utf16(const char *text, size_t length)
{
	return length >= 2 &&
	       (memcmp(text, "\xff\xfe", 2) == 0 || memcmp(text, "\xfe\xff", 2) == 0);
}

static void log_reader_error(struct yamlfile *file, const yaml_parser_t *parser, const char *text,
			     size_t length)
{
	bool not_utf8 = strstr(parser->problem, "UTF-8") != NULL;
	size_t offset = parser->problem_offset;
	char location[YAML_LOCATION_SIZE];

	/* an invalid byte inside a character: go back to the start of the character */
	if (strstr(parser->problem, "trailing"))
		while (offset && ((unsigned char)text[--offset] & 0xc0) != 0xc0)
			;
	if (is_utf16(text, length))
		log_error(file->log, "%s: byte %zu: %s", file->path, parser->problem_offset,
			  parser->problem);
	else
		log_error(file->log, "%s: %s%s",
			  yaml_location(file, mark_of_byte(text, offset), location),
			  not_utf8 ? "not UTF-8: " : "", parser->problem);
}

/* A missing closing quote causes an error only at the end of the file, or after the next quote,
 * which was meant to open another string. Returns whether this was the cause, and logs it. */
static bool log_open_quote(struct yamlfile *file, const yaml_parser_t *parser)
{
	const yaml_mark_t *start = &file->long_quote.start, *end = &file->long_quote.end;
	char location[YAML_LOCATION_SIZE];

	if (parser->context && strstr(parser->context, "quoted scalar") &&
	    (strstr(parser->problem, "end of stream") ||
	     strstr(parser->problem, "document indicator"))) {
		log_error(file->log, "%s: this quote is never closed",
			  yaml_location(file, parser->context_mark, location));
		return true;
	}
	if (start->line == end->line || parser->problem_mark.line != end->line)
		return false;
	log_error(file->log, "%s: this quote is closed only on line %zu",
		  yaml_location(file, *start, location), end->line + 1);
	return true;
}

static void log_yaml_error(struct yamlfile *file, const yaml_parser_t *parser, const char *text,
			   size_t length)
{
	char location[YAML_LOCATION_SIZE];
	const char *hint = "";

	file->error_count++;
	if (parser->error == YAML_READER_ERROR) {
		log_reader_error(file, parser, text, length);
		return;
	}
	if (parser->problem && log_open_quote(file, parser))
		return;
	if (parser->context && strstr(parser->context, "alias"))
		hint = "; a string that begins with * needs quotes around it: '*:10d3'";
	else if (parser->context && strstr(parser->context, "a tag"))
		hint = "; " EXCLUSION_HINT;
	else if (parser->problem && strstr(parser->problem, "mapping values"))
		hint = "; a string that ends with a colon, or has a colon and a space in it, needs quotes around it: '10de:'";
	else if (parser->problem && strstr(parser->problem, "cannot start any token"))
		hint = "; indent with spaces, not tabs";
	log_error(file->log, "%s: not YAML: %s%s%s%s",
		  yaml_location(file, parser->problem_mark, location),
		  parser->problem ? parser->problem : "out of memory", parser->context ? ", " : "",
		  parser->context ? parser->context : "", hint);
}

/* A second document would be ignored silently. */
static void expect_end(struct yamlfile *file, yaml_parser_t *parser, const char *text,
		       size_t length)
{
	yaml_document_t second;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &second)) {
		log_yaml_error(file, parser, text, length);
		return;
	}
	root = yaml_document_get_root_node(&second);
	if (root)
		yaml_error(file, root, "only one YAML document is allowed; remove the '---'");
	yaml_document_delete(&second);
}

/* A valid file has at most four levels. libyaml accepts any depth, at quadratic cost. */
#define DEPTH_MAX 16
/* Sanity limits: each alias repeats all of its anchor. */
#define EVENTS_MAX 20000
#define ALIASES_MAX 100

struct statistics {
	int depth;
	unsigned events, aliases;
};

static const yaml_char_t *tag_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.tag;
	default:
		return NULL;
	}
}

static void save_long_quote(struct yamlfile *file, const yaml_event_t *event)
{
	if (event->type != YAML_SCALAR_EVENT || event->start_mark.line == event->end_mark.line)
		return;
	if (event->data.scalar.style != YAML_SINGLE_QUOTED_SCALAR_STYLE &&
	    event->data.scalar.style != YAML_DOUBLE_QUOTED_SCALAR_STYLE)
		return;
	file->long_quote.start = event->start_mark;
	file->long_quote.end = event->end_mark;
}

/* Returns whether the file is within the limits and without tags up to EVENT. */
static bool check_event(struct yamlfile *file, const yaml_event_t *event, struct statistics *total)
{
	char location[YAML_LOCATION_SIZE];

	total->depth += event->type == YAML_SEQUENCE_START_EVENT ||
			event->type == YAML_MAPPING_START_EVENT;
	total->depth -= event->type == YAML_SEQUENCE_END_EVENT ||
			event->type == YAML_MAPPING_END_EVENT;
	total->aliases += event->type == YAML_ALIAS_EVENT;
	yaml_location(file, event->start_mark, location);
	if (++total->events > EVENTS_MAX || total->aliases > ALIASES_MAX)
		log_error(file->log,
			  "%s: too many nodes: at most %d strings, lists and maps, and %d aliases",
			  location, EVENTS_MAX, ALIASES_MAX);
	else if (total->depth > DEPTH_MAX)
		log_error(file->log, "%s: lists and maps nested more than %d deep", location,
			  DEPTH_MAX);
	else if (event->type == YAML_SCALAR_EVENT && tag_of(event) && *tag_of(event) == '!')
		log_error(file->log,
			  "%s: '%s' is a tag in YAML, because it begins with !; " EXCLUSION_HINT,
			  location, tag_of(event));
	else if (tag_of(event)) /* the loaded tree would not show an explicit !!str */
		log_error(file->log, "%s: unsupported tag '%s'; remove it", location,
			  tag_of(event));
	else
		return true;
	file->error_count++;
	return false;
}

/* Syntax errors are left to the loader, which reports them. */
static bool check_events(struct yamlfile *file, const char *text, size_t length)
{
	bool at_end = false, valid = true;
	yaml_parser_t parser;
	yaml_event_t event;
	struct statistics total = {0};

	if (!yaml_parser_initialize(&parser)) {
		file->error = -ENOMEM;
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (!at_end && valid && yaml_parser_parse(&parser, &event)) {
		at_end = event.type == YAML_STREAM_END_EVENT;
		valid = check_event(file, &event, &total);
		save_long_quote(file, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return valid;
}

int yaml_load(struct yamlfile *file, const char *text, size_t length)
{
	yaml_parser_t parser;

	if (!check_events(file, text, length))
		return file->error ? file->error : -EINVAL;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	if (!yaml_parser_load(&parser, &file->document)) {
		log_yaml_error(file, &parser, text, length);
	} else {
		file->loaded = true;
		if (yaml_document_get_root_node(&file->document))
			expect_end(file, &parser, text, length);
	}
	yaml_parser_delete(&parser);
	return file->loaded ? 0 : -EINVAL;
}

void yaml_unload(struct yamlfile *file)
{
	if (file->loaded)
		yaml_document_delete(&file->document);
	file->loaded = false;
}
