/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values of JSON by json-c, whatever the texts: JSON is UTF-8, and json-c takes bytes as they come.
 */
#ifndef PCIPROBE_COMMON_JSONVALUE_H
#define PCIPROBE_COMMON_JSONVALUE_H

#include <json.h>
#include <stdio.h>

/* A string; what isn't UTF-8 becomes U+FFFD. NULL without memory. */
struct json_object *jsonvalue_text(const char *text);

/* Each takes VALUE, NULL for "no memory", and frees it on failure. KEY must outlive OBJECT. Returns
 * 0 or -ENOMEM. */
int jsonvalue_add(struct json_object *object, const char *key, struct json_object *value);
int jsonvalue_append(struct json_object *list, struct json_object *value);

/* The same for a null. */
int jsonvalue_add_null(struct json_object *object, const char *key);

/* What is wrong with a JSON text, and how many lines there are before it. */
struct jsonvalue_error {
	const char *reason; /* static */
	size_t lines;
};

/* Parses TEXT, which must be UTF-8 and one JSON value (RFC 8259), with nothing but white space
 * after it. Free *RET_VALUE, which is NULL for a null, with json_object_put. Returns 0, -ENOMEM, or
 * -EBADMSG with RET_ERROR filled in. */
int jsonvalue_parse(const char *text, struct json_object **ret_value,
		    struct jsonvalue_error *ret_error);

/* Writes VALUE on one line, unless ERROR says that it isn't whole, and frees it. Returns ERROR. */
int jsonvalue_write(FILE *out, struct json_object *value, int error);

#endif
