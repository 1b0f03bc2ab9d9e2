/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/yamlfile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define PATH_SHOWN_MAX 240

/* Of a very long path the end is shown, so that line and column always are. */
const char *yaml_place(const struct yamlfile *file, yaml_mark_t mark, char buffer[static YAML_PLACE_SIZE])
{
	size_t length = strlen(file->path);
	bool cut = length > PATH_SHOWN_MAX;

	snprintf(buffer, YAML_PLACE_SIZE, "%s%s:%zu:%zu", cut ? "..." : "", file->path + (cut ? length - PATH_SHOWN_MAX : 0),
		 mark.line + 1, mark.column + 1);
	return buffer;
}

void yaml_fault(struct yamlfile *file, const yaml_node_t *node, const char *format, ...)
{
	char text[512], place[YAML_PLACE_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error(file->log, "%s: %s", yaml_place(file, node->start_mark, place), text);
	file->faults++;
}

const char *yaml_text(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* YAML 1.1 would also read 0:0 as a number in base 60 and 07:00.0 as another. To us a scalar is what is written. */
bool yaml_is_null(const yaml_node_t *node)
{
	const char *text = yaml_text(node);

	return text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") || !strcmp(text, "NULL"));
}

#define EXCLUSION_HINT "Put quotes around a filter that excludes devices: '!10de:1eb8'"

static void tell_yaml_fault(struct yamlfile *file, const yaml_parser_t *parser)
{
	const char *hint = "";

	if (parser->context && strstr(parser->context, "alias"))
		hint = ". A text that begins with * needs quotes around it: '*:10d3'";
	else if (parser->context && strstr(parser->context, "a tag"))
		hint = ". " EXCLUSION_HINT;
	else if (parser->problem && strstr(parser->problem, "mapping values"))
		hint = ". A text that ends with a colon, or has a colon and a blank in it, needs quotes around it: '10de:'";
	else if (parser->problem && strstr(parser->problem, "cannot start any token"))
		hint = ". Indent with blanks, not tabs, and put quotes around texts";
	if (parser->error == YAML_READER_ERROR)
		log_error(file->log, "%s: byte %zu: not YAML: %s", file->path, parser->problem_offset,
			  parser->problem);
	else
		log_error(file->log, "%s:%zu:%zu: not YAML: %s%s%s%s", file->path, parser->problem_mark.line + 1,
			  parser->problem_mark.column + 1, parser->problem ? parser->problem : "out of memory",
			  parser->context ? ", " : "", parser->context ? parser->context : "", hint);
	file->faults++;
}

/* A second document in the file would silently not count. */
static void expect_end(struct yamlfile *file, yaml_parser_t *parser)
{
	yaml_document_t second;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &second)) {
		tell_yaml_fault(file, parser);
		return;
	}
	root = yaml_document_get_root_node(&second);
	if (root)
		yaml_fault(file, root, "a second document begins here, behind a line '---'. Put all into one");
	yaml_document_delete(&second);
}

/* The nesting of a file that makes sense is four deep. libyaml takes any, at a cost that grows with its square. */
#define DEPTH_MAX 16
/* Nor does anybody have so much to say, or to repeat: each alias stands for all that its anchor has. */
#define EVENTS_MAX 20000
#define ALIASES_MAX 100

struct extent {
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

/* Returns whether it is fit to be loaded, as far as EVENT goes. */
static bool check_event(struct yamlfile *file, const yaml_event_t *event, struct extent *extent)
{
	char place[YAML_PLACE_SIZE];

	extent->depth += event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
	extent->depth -= event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
	extent->aliases += event->type == YAML_ALIAS_EVENT;
	yaml_place(file, event->start_mark, place);
	if (++extent->events > EVENTS_MAX || extent->aliases > ALIASES_MAX)
		log_error(file->log, "%s: too much for a configuration: at most %d texts, lists and maps, and %d aliases",
			  place, EVENTS_MAX, ALIASES_MAX);
	else if (extent->depth > DEPTH_MAX)
		log_error(file->log, "%s: lists and maps within each other more than %d deep", place, DEPTH_MAX);
	else if (event->type == YAML_SCALAR_EVENT && tag_of(event) && *tag_of(event) == '!')
		log_error(file->log, "%s: '%s' is a tag in YAML, because it begins with !. " EXCLUSION_HINT, place,
			  tag_of(event));
	else if (tag_of(event)) /* the loaded tree doesn't tell !!str from nothing */
		log_error(file->log, "%s: the tag '%s' has no meaning here; take it away", place, tag_of(event));
	else
		return true;
	file->faults++;
	return false;
}

/* What isn't YAML is left to the loader, which tells it. */
static bool check_events(struct yamlfile *file, const char *text, size_t length)
{
	bool more = true, fit = true;
	yaml_parser_t parser;
	yaml_event_t event;
	struct extent extent = {0};

	if (!yaml_parser_initialize(&parser)) {
		file->error = -ENOMEM;
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (more && fit && yaml_parser_parse(&parser, &event)) {
		more = event.type != YAML_STREAM_END_EVENT;
		fit = check_event(file, &event, &extent);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return fit;
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
		tell_yaml_fault(file, &parser);
	} else {
		file->loaded = true;
		if (yaml_document_get_root_node(&file->document))
			expect_end(file, &parser);
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
