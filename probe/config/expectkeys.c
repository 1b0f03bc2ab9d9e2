/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/config/expectkeys.h"

#include "probe/config/configkeys.h"
#include "probe/nearest.h"
#include "probe/ownership/ownership.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXAMPLE "'- {filter: \"10de:20b5\", count: 4}'"

static parse_value parse_short_address, parse_alias, parse_count, parse_driver, parse_link_speed,
	parse_link_width, parse_numa_node, parse_state, parse_vfs;

static const struct key ITEM_KEY_ROWS[] = {
	{"short_address", parse_short_address},
	{"filter", section_parse_filters},
	{"alias", parse_alias},
	{"count", parse_count},
	{"min_count", parse_count},
	{"driver", parse_driver},
	{"link_speed", parse_link_speed},
	{"link_width", parse_link_width},
	{"numa_node", parse_numa_node},
	{"state", parse_state},
	{"vfs", parse_vfs},
};
#define ITEM_KEYS_HELP                                                         \
	"short_address, filter, alias, count, min_count, driver, link_speed, " \
	"link_width, numa_node, state, vfs"
static const struct keys ITEM_KEYS = {
	.rows = ITEM_KEY_ROWS,
	.count = sizeof(ITEM_KEY_ROWS) / sizeof(*ITEM_KEY_ROWS),
	.help = ITEM_KEYS_HELP,
	.strict = true,
};

/* Copies TEXT. */
static void set_string(struct yamlfile *file, char **ret, const char *text)
{
	*ret = strdup(text);
	if (!*ret)
		file->error = -ENOMEM;
}

/* ---- which devices ---- */

static void parse_short_address(struct yamlfile *file, struct section *section, yaml_node_t *key,
				yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	struct expectation *item = &section->expectation;

	if (text && identity_parse(text, &item->identity) == 0)
		set_string(file, &item->short_address, text);
	else if (text)
		yaml_error(file, value,
			   "invalid PCI address '%s': expected one, e.g. 07:00.0, "
			   "0000:07:00.0=10de:2204 or the path 00:1c.0/00.0",
			   text);
}

/* Whether there is such an alias is checked after the sections are merged. */
static void parse_alias(struct yamlfile *file, struct section *section, yaml_node_t *key,
			yaml_node_t *value)
{
	const char *text = value_string(file, key, value);

	if (text && alias_is_name(text))
		set_string(file, &section->expectation.alias, text);
	else if (text)
		yaml_error(file, value, "invalid alias name '%s'", text);
}

/* ---- what must hold of them ---- */

static void state_number(struct section *section, enum expect_property property, unsigned *to,
			 unsigned number)
{
	section->expectation.stated |= 1u << property;
	*to = number;
}

static void parse_count(struct yamlfile *file, struct section *section, yaml_node_t *key,
			yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	bool exactly = strcmp(key_name(key), "count") == 0;
	unsigned count;

	if (text && value_number(text, 5, &count) && (exactly || count))
		state_number(section, exactly ? EXPECT_COUNT : EXPECT_MIN_COUNT,
			     &section->expectation.count, count);
	else if (text)
		yaml_error(file, value, "%s must be a number of devices, e.g. 4, not '%s'",
			   key_name(key), text);
}

static void parse_numa_node(struct yamlfile *file, struct section *section, yaml_node_t *key,
			    yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	unsigned node;

	if (text && value_number(text, 5, &node))
		state_number(section, EXPECT_NUMA_NODE, &section->expectation.numa_node, node);
	else if (text)
		yaml_error(file, value, "numa_node must be a number, e.g. 0, not '%s'", text);
}

static void parse_vfs(struct yamlfile *file, struct section *section, yaml_node_t *key,
		      yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	unsigned vfs;

	if (text && value_number(text, 5, &vfs))
		state_number(section, EXPECT_VFS, &section->expectation.vfs, vfs);
	else if (text)
		yaml_error(file, value, "vfs must be the number of enabled VFs, e.g. 8, not '%s'",
			   text);
}

static void parse_link_speed(struct yamlfile *file, struct section *section, yaml_node_t *key,
			     yaml_node_t *value)
{
	static const struct {
		const char *text, *long_text; /* as in lspci and in the fields */
		unsigned tenths;
	} speeds[] = {
		{"2.5", "2.5", 25},	{"5", "5.0", 50},    {"8", "8.0", 80},
		{"16", "16.0", 160},	{"32", "32.0", 320}, {"64", "64.0", 640},
		{"128", "128.0", 1280},
	};
	const char *text = value_string(file, key, value);

	for (size_t i = 0; text && i < sizeof(speeds) / sizeof(*speeds); i++)
		if (strcmp(text, speeds[i].text) == 0 || strcmp(text, speeds[i].long_text) == 0) {
			state_number(section, EXPECT_LINK_SPEED, &section->expectation.link_speed,
				     speeds[i].tenths);
			return;
		}
	if (text)
		yaml_error(file, value,
			   "link_speed must be a number of GT/s: 2.5, 5, 8, 16, 32, 64 or 128, "
			   "not '%s'",
			   text);
}

static void parse_link_width(struct yamlfile *file, struct section *section, yaml_node_t *key,
			     yaml_node_t *value)
{
	static const unsigned widths[] = {1, 2, 4, 8, 12, 16, 32};
	const char *text = value_string(file, key, value);
	unsigned width = 0;

	if (!text)
		return;
	value_number(text, 2, &width);
	for (size_t i = 0; i < sizeof(widths) / sizeof(*widths); i++)
		if (width == widths[i]) {
			state_number(section, EXPECT_LINK_WIDTH, &section->expectation.link_width,
				     width);
			return;
		}
	yaml_error(file, value,
		   "link_width must be a number of lanes: 1, 2, 4, 8, 12, 16 or 32, not '%s'",
		   text);
}

/* Names of modules are shorter. */
#define DRIVER_LENGTH_MAX 63

static int add_driver(struct yamlfile *file, struct section *section, const char *text,
		      const char *location)
{
	struct strings *drivers = &section->expectation.drivers;

	if (strlen(text) > DRIVER_LENGTH_MAX || strpbrk(text, " /\t\n")) {
		log_error(file->log,
			  "%s: invalid driver '%s': expected e.g. vfio-pci, or " EXPECT_NO_DRIVER,
			  location, text);
		return -EINVAL;
	}
	if (drivers->count == EXPECT_DRIVERS_MAX) {
		log_error(file->log, "%s: more than %d drivers", location, EXPECT_DRIVERS_MAX);
		return -EINVAL;
	}
	section->expectation.stated |= 1u << EXPECT_DRIVER;
	return strings_add(drivers, text);
}

/* An empty list states nothing, as if the key were missing; it is more likely an error. */
static void check_stated(struct yamlfile *file, const struct section *section,
			 const yaml_node_t *key, const yaml_node_t *value,
			 enum expect_property property, unsigned errors_before)
{
	if (file->error_count == errors_before && !(section->expectation.stated & (1u << property)))
		yaml_error(file, value, "%s is empty", key_name(key));
}

static void parse_driver(struct yamlfile *file, struct section *section, yaml_node_t *key,
			 yaml_node_t *value)
{
	unsigned errors_before = file->error_count;

	if (!yaml_is_null(value))
		value_add_strings(file, section, add_driver, true, key, value);
	check_stated(file, section, key, value, EXPECT_DRIVER, errors_before);
}

static int add_state(struct yamlfile *file, struct section *section, const char *text,
		     const char *location)
{
	struct nearest nearest = {.word = text};
	char hint[NEAREST_HINT_SIZE];

	for (unsigned i = 0; i < OWNERSHIP_COUNT; i++) {
		const char *name = ownership_name(i);

		if (i == OWNERSHIP_UNKNOWN)
			continue;
		if (strcmp(text, name) == 0) {
			section->expectation.states |= 1u << i;
			section->expectation.stated |= 1u << EXPECT_STATE;
			return 0;
		}
		nearest_try(&nearest, name);
	}
	log_error(file->log, "%s: invalid state '%s'%s: expected held, reserved, host or free",
		  location, text, nearest_hint(&nearest, hint));
	return -EINVAL;
}

static void parse_state(struct yamlfile *file, struct section *section, yaml_node_t *key,
			yaml_node_t *value)
{
	unsigned errors_before = file->error_count;

	if (!yaml_is_null(value))
		value_add_strings(file, section, add_state, true, key, value);
	check_stated(file, section, key, value, EXPECT_STATE, errors_before);
}

/* ---- items ---- */

/* The filters as one string. */
static char *join_rules(struct yamlfile *file, const struct rule_list *list)
{
	size_t size = 1, length = 0;
	char *text;

	for (size_t i = 0; i < list->count; i++)
		size += strlen(rule_text(list->rules[i])) + 1;
	text = calloc(1, size);
	if (!text) {
		file->error = -ENOMEM;
		return NULL;
	}
	for (size_t i = 0; i < list->count; i++)
		length += (size_t)snprintf(text + length, size - length, "%s%s", i ? "," : "",
					   rule_text(list->rules[i]));
	return text;
}

static void check_item(struct yamlfile *file, const yaml_node_t *map, const struct section *section)
{
	const struct expectation *item = &section->expectation;
	bool by_group = section->filters.count || item->alias;

	if (!item->short_address && !by_group)
		yaml_error(
			file, map,
			"item without devices: add short_address, filter or alias, e.g. " EXAMPLE);
	else if (item->short_address && by_group)
		yaml_error(file, map,
			   "short_address with %s: use short_address: '%s=VENDOR:DEVICE', or two "
			   "items",
			   item->alias ? "alias" : "filter", item->short_address);
	else if (item->short_address &&
		 (item->stated & (1u << EXPECT_COUNT | 1u << EXPECT_MIN_COUNT)))
		yaml_error(file, map, "short_address with a count: it is always one device");
	else if ((item->stated & (1u << EXPECT_COUNT)) && (item->stated & (1u << EXPECT_MIN_COUNT)))
		yaml_error(file, map, "either count or min_count");
}

static void read_item(struct yamlfile *file, const yaml_node_t *map, struct section *section)
{
	const unsigned counts = 1u << EXPECT_COUNT | 1u << EXPECT_MIN_COUNT;
	struct expectations *list = &section->expectations;
	struct expectation *items = realloc(list->items, (list->count + 1) * sizeof(*items)), *item;
	unsigned errors_before = file->error_count;
	struct section keys = {0};

	if (!items) {
		file->error = -ENOMEM;
		return;
	}
	list->items = items;
	item = &keys.expectation;
	yaml_location(file, map->start_mark, item->location);
	keys_read(file, map, &ITEM_KEYS, &keys);
	/* an invalid value looks like a missing one */
	if (file->error_count == errors_before)
		check_item(file, map, &keys);
	if (!item->short_address && !(item->stated & counts)) {
		item->stated |= 1u << EXPECT_MIN_COUNT;
		item->count = 1;
	}
	if (item->short_address)
		item->stated |= 1u << EXPECT_SHORT_ADDRESS;
	if (keys.filters.count)
		item->filter = join_rules(file, &keys.filters);
	item->filters = keys.filters;
	list->items[list->count++] = *item;
}

void expect_parse(struct yamlfile *file, struct section *section, yaml_node_t *key,
		  yaml_node_t *value)
{
	(void)key;
	section->has_expect = true;
	if (yaml_is_null(value))
		return;
	if (value->type != YAML_SEQUENCE_NODE) {
		yaml_error(file, value, ":expect: must be a list of maps, e.g. " EXAMPLE);
		return;
	}
	for (yaml_node_item_t *next = value->data.sequence.items.start;
	     next < value->data.sequence.items.top; next++) {
		yaml_node_t *node = yaml_document_get_node(&file->document, *next);

		if (section->expectations.count == EXPECTATIONS_MAX) {
			yaml_error(file, node, "more than %d items in :expect:", EXPECTATIONS_MAX);
			return;
		}
		if (node->type == YAML_MAPPING_NODE)
			read_item(file, node, section);
		else
			yaml_error(file, node,
				   "each item of :expect: must be a map of keys: " ITEM_KEYS_HELP);
	}
}

void expect_parse_complete(struct yamlfile *file, struct section *section, yaml_node_t *key,
			   yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	int boolean = text ? text_boolean(text, strlen(text)) : -1;

	if (!text)
		return;
	if (boolean < 0) {
		yaml_error(file, value, ":expect_complete: must be true or false, not '%s'", text);
		return;
	}
	section->has_complete = true;
	section->expectations.complete = boolean;
	yaml_location(file, key->start_mark, section->expectations.complete_location);
}
