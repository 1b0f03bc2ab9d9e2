/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A YAML file as a tree of libyaml nodes with their locations. YAML 1.1,
 * https://yaml.org/spec/1.1/, except that all scalars are strings and tags are not allowed. */
#ifndef PCIPROBE_CONFIG_YAMLFILE_H
#define PCIPROBE_CONFIG_YAMLFILE_H

#include "probe/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <yaml.h>

/* Size of "path:line:column". Of a very long path only the end is shown. */
#define YAML_LOCATION_SIZE 300

/* The caller sets path and log. Errors are counted, so that all are logged in one run. */
struct yamlfile {
	const char *path;
	const struct log *log;
	yaml_document_t document; /* valid if loaded; the root is NULL if the file is empty */
	bool loaded;
	struct {
		yaml_mark_t start, end;
	} long_quote; /* the last quoted string of several lines; start.line == end.line: none */
	unsigned error_count;
	int error; /* of the system, not of the file: -ENOMEM */
};

/* Loads LENGTH bytes at TEXT. Invalid YAML, tags, too deep nesting and more than one document are
 * errors, which are logged and counted. Returns 0 if there is a tree, even with errors; -EINVAL
 * without one; or -ENOMEM. */
int yaml_load(struct yamlfile *file, const char *text, size_t length);
void yaml_unload(struct yamlfile *file);

/* Writes "path:line:column" of MARK and returns BUFFER. */
const char *yaml_location(const struct yamlfile *file, yaml_mark_t mark,
			  char buffer[static YAML_LOCATION_SIZE]);

/* Logs an error at NODE and counts it. */
void yaml_error(struct yamlfile *file, const yaml_node_t *node, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The string of a scalar, which belongs to the document; NULL for a list or a map. */
const char *yaml_string(const yaml_node_t *node);

/* Whether NODE is empty, ~ or null, without quotes. */
bool yaml_is_null(const yaml_node_t *node);

#endif
