/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of keys and the kinds of values that they share. Used by the parsers of pci.conf only. */
#ifndef PCIPROBE_CONFIG_KEYVALUE_H
#define PCIPROBE_CONFIG_KEYVALUE_H

#include "probe/config/yamlfile.h"

struct section;

typedef void parse_value(struct yamlfile *file, struct section *section, yaml_node_t *key,
			 yaml_node_t *value);

struct key {
	const char *name;
	parse_value *parse;
};

/* The keys of a map. */
struct keys {
	const struct key *rows;
	size_t count;
	const char *help; /* lists them */
	bool colons;	  /* they are written as ":filter:" */
	bool strict; /* others are errors: to ignore a misspelled one would be worse than to stop */
};

/* The name of a key, without the leading colon of a Ruby symbol; NULL if it is not a string. */
const char *key_name(const yaml_node_t *node);

/* Whether MAP contains the key of PAIR before it, which is logged as an error. */
bool key_is_repeated(struct yamlfile *file, const yaml_node_t *map, const yaml_node_pair_t *pair);

/* Calls the parser of each key of MAP. Unknown keys are logged. */
void keys_read(struct yamlfile *file, const yaml_node_t *map, const struct keys *keys,
	       struct section *section);

/* Adds one string of a value. Returns 0, -EINVAL (logged) or -ENOMEM. LOCATION is that of the
 * string, for messages. */
typedef int add_string(struct yamlfile *file, struct section *section, const char *text,
		       const char *location);

/* Calls ADD for each string of VALUE, which must be a string or a list of strings. If COMMAS, each
 * may be several strings, separated by commas. */
void value_add_strings(struct yamlfile *file, struct section *section, add_string *add, bool commas,
		       const yaml_node_t *key, const yaml_node_t *value);

/* VALUE if it is a single string; NULL for anything else (logged). */
const char *value_string(struct yamlfile *file, const yaml_node_t *key, const yaml_node_t *value);

/* Whether TEXT is a decimal number of at most DIGITS digits, less than 10. */
bool value_number(const char *text, size_t digits, unsigned *ret);

#endif
