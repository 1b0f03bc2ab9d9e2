/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JSON values by json-c, of strings that may not be UTF-8: JSON must be, and json-c does not check
 * it. */
#ifndef PCIPROBE_COMMON_JSONVALUE_H
#define PCIPROBE_COMMON_JSONVALUE_H

#include <json.h>
#include <stdio.h>

/* Returns a string, with bytes that are not UTF-8 replaced by U+FFFD; NULL without memory. Free it
 * with json_object_put. */
struct json_object *jsonvalue_string(const char *string);

/* Add VALUE, which then belongs to OBJECT or LIST. If either is NULL, or without memory, they free
 * VALUE and set *error to -ENOMEM; *error is unchanged otherwise, so that it is checked once, after
 * all values. Add to VALUE before adding VALUE itself. KEY must outlive OBJECT. */
void jsonvalue_add(struct json_object *object, const char *key, struct json_object *value,
		   int *error);
void jsonvalue_append(struct json_object *list, struct json_object *value, int *error);

/* Adds STRING as jsonvalue_string does, or a null if it is NULL. */
void jsonvalue_add_string(struct json_object *object, const char *key, const char *string,
			  int *error);

/* A syntax error. */
struct jsonvalue_error {
	const char *reason; /* static */
	size_t lines;	    /* before the error */
};

/* Parses TEXT, which must be UTF-8 and one JSON value (RFC 8259), with nothing but white space
 * after it. Free *RET_VALUE, which is NULL for a null, with json_object_put. Returns 0, -ENOMEM, or
 * -EBADMSG with RET_ERROR filled in. */
int jsonvalue_parse(const char *text, struct json_object **ret_value,
		    struct jsonvalue_error *ret_error);

/* Writes VALUE on one line, unless ERROR is set because VALUE is incomplete, and frees VALUE.
 * Returns ERROR. */
int jsonvalue_write(FILE *out, struct json_object *value, int error);

/* The same on several lines, indented, with a newline at the end. */
int jsonvalue_write_pretty(FILE *out, struct json_object *value, int error);

#endif
