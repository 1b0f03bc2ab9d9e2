/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A YAML file as a tree of nodes (libyaml's), each of which knows its place. YAML 1.1,
 * https://yaml.org/spec/1.1/, but that every scalar is a text, and that there are no tags. */
#ifndef PCIPROBE_CONFIG_YAMLFILE_H
#define PCIPROBE_CONFIG_YAMLFILE_H

#include "probe/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* Room for "path:line:column". Of a very long path the end is shown. */
#define YAML_PLACE_SIZE 300

/* To be filled in with path and log. Faults are counted, so that one run names them all. */
struct yamlfile {
	const char *path;
	const struct log *log;
	yaml_document_t document; /* when LOADED; its root may be NULL: the file is empty */
	bool loaded;
	struct {
		yaml_mark_t start, end;
	} long_quote; /* the last quoted string of several lines; start.line == end.line: there is
			 none */
	unsigned faults;
	int error; /* of the machine, not of the file: -ENOMEM */
};

/* Loads TEXT. What isn't YAML, has tags, is nested too deep or is more than one document is logged
 * and counted. Returns 0, even with a fault when there is a tree to look for further ones in;
 * -EINVAL without a tree; or -ENOMEM. */
int yaml_load(struct yamlfile *file, const char *text, size_t length);
void yaml_unload(struct yamlfile *file);

/* Writes "path:line:column" of MARK and returns BUFFER. */
const char *yaml_location(const struct yamlfile *file, yaml_mark_t mark,
			  char buffer[static YAML_PLACE_SIZE]);

/* Tells a fault at NODE and counts it. */
void yaml_error(struct yamlfile *file, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The text of a scalar, which belongs to the document; NULL for a list or a map. */
const char *yaml_text(const yaml_node_t *node);

/* Nothing, ~ or null, without quotes. */
bool yaml_is_null(const yaml_node_t *node);

#endif
