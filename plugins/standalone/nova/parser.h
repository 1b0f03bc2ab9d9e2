/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internals shared by the parsers of specs and aliases. */
#ifndef PCIPROBE_STANDALONE_NOVA_PARSER_H
#define PCIPROBE_STANDALONE_NOVA_PARSER_H

#include "plugins/standalone/nova/line.h"

#include <json.h>

struct nova_parser {
	struct nova_conf *conf;
	const struct inventory *inventory;
	const struct log *log;
	struct nova_lines *lines;
	unsigned line; /* current location, for nova_error: as in struct nova_line */
	size_t item;
	bool no_memory;
};

/* Reports an error at the current location by nova_conf_error. Returns false. */
bool nova_error(struct nova_parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Returns a copy of the string KEY of OBJECT, which the caller frees; NULL if it is absent, or on
 * failure, when *ok becomes false. */
char *nova_parse_string(struct nova_parser *parser, struct json_object *object, const char *key,
			bool *ok);

/* Returns the value of a boolean, NOVA_UNSET if it is absent, null or not a boolean. */
enum nova_switch nova_parse_switch(struct json_object *value);

/* Parses the boolean KEY of OBJECT; *ret stays unset if it is absent or null. Returns whether it is
 * valid. */
bool nova_parse_strict_switch(struct nova_parser *parser, struct json_object *object,
			      const char *key, enum nova_switch *ret);

/* Returns whether the release knows FEATURE, to which the KEY of a spec belongs, else logs a
 * warning. */
bool nova_knows(struct nova_parser *parser, const char *key, enum nova_feature feature);

/* Removes white space at both ends of STRING, in place. Returns the new start. */
char *nova_strip(char *string);

/* Parse OBJECT into LINE, as nova.pci.devspec and nova.pci.request do. Return whether it is valid;
 * errors are reported by nova_error. */
bool nova_parse_spec(struct nova_parser *parser, struct json_object *object,
		     struct nova_line *line);
bool nova_parse_alias(struct nova_parser *parser, struct json_object *object,
		      struct nova_line *line);

#endif
