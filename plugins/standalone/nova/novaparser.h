/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What novaline.c and the readers of specs and aliases share while they read. */
#ifndef PCIPROBE_STANDALONE_NOVA_NOVAPARSER_H
#define PCIPROBE_STANDALONE_NOVA_NOVAPARSER_H

#include "plugins/standalone/nova/novaline.h"

#include <json.h>

struct nova_parser {
	struct novaconf *conf;
	const struct inventory *inventory;
	const struct log *log;
	struct novalines *lines;
	unsigned line; /* where that which is read begins */
	size_t item;   /* as in struct nova_line */
	bool no_memory;
};

/* Tells a fault with its place and counts it. Returns false. */
bool nova_error(struct nova_parser *parser, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The text of KEY, to be freed; NULL when it isn't there, or *ok is false. */
char *nova_parse_text(struct nova_parser *parser, struct json_object *object, const char *key,
		      bool *ok);

/* Cuts blanks off both ends of TEXT and returns where it begins. */
char *nova_strip(char *text);

/* Each reads one object into LINE, by the rules of nova.pci.devspec and nova.pci.request. Returns
 * whether it is right. */
bool nova_parse_spec(struct nova_parser *parser, struct json_object *object,
		     struct nova_line *line);
bool nova_parse_alias(struct nova_parser *parser, struct json_object *object,
		      struct nova_line *line);

#endif
