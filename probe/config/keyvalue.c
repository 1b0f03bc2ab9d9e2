/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/config/keyvalue.h"

#include "probe/nearest.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *key_name(const yaml_node_t *node)
{
	const char *name = yaml_string(node);

	return name && *name == ':' ? name + 1 : name;
}

static const struct key *find_key(const struct keys *keys, const char *name)
{
	for (size_t i = 0; i < keys->count; i++)
		if (strcmp(keys->rows[i].name, name) == 0)
			return &keys->rows[i];
	return NULL;
}

bool key_is_repeated(struct yamlfile *file, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key), *earlier;

	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
		earlier = yaml_document_get_node(&file->document, p->key);
		if (yaml_string(earlier) && strcmp(key_name(earlier), key_name(key)) == 0) {
			yaml_error(file, key, "duplicate key '%s' (first on line %zu)",
				   yaml_string(key), earlier->start_mark.line + 1);
			return true;
		}
	}
	return false;
}

static void log_unknown_key(struct yamlfile *file, const yaml_node_t *key, const struct keys *keys)
{
	const char *colon = keys->colons ? ":" : "";
	struct nearest nearest = {.word = key_name(key)};
	char location[YAML_LOCATION_SIZE], hint[NEAREST_HINT_SIZE + 256];

	for (size_t i = 0; i < keys->count; i++)
		nearest_try(&nearest, keys->rows[i].name);
	if (nearest.found)
		snprintf(hint, sizeof(hint), " (did you mean '%s%s%s'?)", colon, nearest.found,
			 colon);
	else
		snprintf(hint, sizeof(hint), "; valid keys: %s", keys->help);
	yaml_location(file, key->start_mark, location);
	if (keys->strict)
		yaml_error(file, key, "unknown key '%s'%s", yaml_string(key), hint);
	else
		log_warning(file->log, "%s: unknown key '%s' ignored%s", location, yaml_string(key),
			    hint);
}

void keys_read(struct yamlfile *file, const yaml_node_t *map, const struct keys *keys,
	       struct section *section)
{
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
		const struct key *found;

		if (!yaml_string(key)) {
			yaml_error(file, key, "a key must be a string; valid keys: %s", keys->help);
			continue;
		}
		if (key_is_repeated(file, map, pair))
			continue;
		found = find_key(keys, key_name(key));
		if (found)
			found->parse(file, section, key,
				     yaml_document_get_node(&file->document, pair->value));
		else
			log_unknown_key(file, key, keys);
	}
}

/* ---- values: a string, a comma-separated string, or a list of either ---- */

static void add_item(struct yamlfile *file, struct section *section, add_string *add,
		     const char *text, const char *location)
{
	int error = add(file, section, text, location);

	if (error == -EINVAL)
		file->error_count++;
	else if (error < 0)
		file->error = error;
}

static void add_scalar(struct yamlfile *file, struct section *section, add_string *add, bool commas,
		       const yaml_node_t *node)
{
	char location[YAML_LOCATION_SIZE], *copy, *rest, *piece;

	yaml_location(file, node->start_mark, location);
	if (strlen(yaml_string(node)) != node->data.scalar.length) {
		yaml_error(file, node, "NUL character in a string");
		return;
	}
	if (!commas) {
		add_item(file, section, add, yaml_string(node), location);
		return;
	}
	rest = copy = strdup(yaml_string(node));
	if (!copy)
		file->error = -ENOMEM;
	while ((piece = strsep(&rest, ","))) {
		piece += strspn(piece, " \t\n");
		for (size_t end = strlen(piece); end && strchr(" \t\n", piece[end - 1]);)
			piece[--end] = '\0';
		if (*piece)
			add_item(file, section, add, piece, location);
	}
	free(copy);
}

void value_add_strings(struct yamlfile *file, struct section *section, add_string *add, bool commas,
		       const yaml_node_t *key, const yaml_node_t *value)
{
	if (value->type == YAML_SCALAR_NODE) {
		add_scalar(file, section, add, commas, value);
		return;
	}
	if (value->type != YAML_SEQUENCE_NODE) {
		yaml_error(file, value, ":%s: must be a string or a list of strings, not a map",
			   key_name(key));
		return;
	}
	for (yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++) {
		yaml_node_t *node = yaml_document_get_node(&file->document, *item);

		if (node->type != YAML_SCALAR_NODE)
			yaml_error(
				file, node,
				"each item of :%s: must be a string; quote values that contain ': '",
				key_name(key));
		else if (yaml_is_null(node))
			yaml_error(file, node, "empty item in :%s:", key_name(key));
		else
			add_scalar(file, section, add, commas, node);
	}
}

const char *value_string(struct yamlfile *file, const yaml_node_t *key, const yaml_node_t *value)
{
	if (value->type == YAML_SCALAR_NODE && !yaml_is_null(value) &&
	    strlen(yaml_string(value)) == value->data.scalar.length)
		return yaml_string(value);
	yaml_error(file, value, "%s must be one string", key_name(key));
	return NULL;
}

bool value_number(const char *text, size_t digits, unsigned *ret)
{
	size_t length = strspn(text, "0123456789");

	if (!length || length > digits || text[length])
		return false;
	*ret = (unsigned)strtoul(text, NULL, 10);
	return true;
}
