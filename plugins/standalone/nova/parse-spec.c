/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses a device_spec as nova.pci.devspec does. */
#include "plugins/standalone/nova/parser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Parses a number as Python's int(STRING, 16) does, which allows surrounding white space, a sign,
 * 0x, and single underscores between digits. */
static bool parse_hex(const char *string, long *ret)
{
	long value = 0;
	int sign = 1;
	bool digit = false;

	string += strspn(string, " \t\n\v\f\r");
	if (*string == '+' || *string == '-')
		sign = *string++ == '-' ? -1 : 1;
	if (*string == '0' && (string[1] == 'x' || string[1] == 'X')) {
		string += 2;
		string += *string == '_';
	}
	for (; strchr("0123456789abcdefABCDEF_", *string) && *string; string++) {
		if (*string == '_' && !digit)
			return false;
		digit = *string != '_';
		if (digit && value <= 0xfffff)
			value = value * 16 +
				(*string <= '9' ? *string - '0' : (*string | 0x20) - 'a' + 10);
	}
	if (!digit || string[strspn(string, " \t\n\v\f\r")])
		return false;
	*ret = sign * value;
	return true;
}

/* STRING is * or a hex number. */
static bool parse_field(struct nova_parser *parser, struct nova_spec *spec, enum nova_field field,
			const char *string)
{
	static const struct {
		const char *name;
		long max;
	} fields[NOVA_FIELD_COUNT] = {
		[NOVA_VENDOR] = {"vendor_id", 0xffff}, [NOVA_PRODUCT] = {"product_id", 0xffff},
		[NOVA_DOMAIN] = {"domain", 0xffff},    [NOVA_BUS] = {"bus", 0xff},
		[NOVA_SLOT] = {"slot", 0x1f},	       [NOVA_FUNCTION] = {"function", 7},
	};

	if (strcmp(string, "*") == 0)
		return true;
	if (!parse_hex(string, &spec->values[field]))
		return nova_error(parser, "%s '%.64s' is neither a hex number nor *",
				  fields[field].name, string);
	if (spec->values[field] > fields[field].max)
		return nova_error(parser, "%s '%.64s' exceeds Nova's maximum of %lx",
				  fields[field].name, string, fields[field].max);
	spec->fixed |= 1u << field;
	return true;
}

static bool parse_id(struct nova_parser *parser, struct json_object *object, const char *key,
		     struct nova_spec *spec, enum nova_field field)
{
	bool ok = true;
	char *string = nova_parse_string(parser, object, key, &ok);

	if (ok && string)
		ok = parse_field(parser, spec, field,
				 field == NOVA_VENDOR ? nova_strip(string) : string);
	free(string);
	return ok;
}

/* [[[domain:]bus:]slot][.function], where * or an empty part matches any. */
static bool parse_glob(struct nova_parser *parser, const char *address, struct nova_spec *spec)
{
	char *copy = strdup(address), *rest = copy, *parts[4] = {0}, *function;
	size_t count = 0;
	bool ok = true;

	if (!copy) {
		parser->no_memory = true;
		return false;
	}
	function = copy + strcspn(copy, ".");
	if (*function)
		*function++ = '\0';
	if (*function)
		ok = parse_field(parser, spec, NOVA_FUNCTION, nova_strip(function));
	if (!*copy)
		rest = NULL;
	while (rest && count < 4)
		parts[count++] = nova_strip(strsep(&rest, ":"));
	if (count == 4)
		ok = nova_error(
			parser,
			"invalid address '%.64s': expected [[[domain:]bus:]slot][.function]",
			address);
	for (size_t i = 0; i < count && ok; i++)
		if (*parts[i])
			ok = parse_field(parser, spec,
					 (enum nova_field)(NOVA_DOMAIN + 3 - count + i), parts[i]);
	free(copy);
	return ok;
}

static const char *const ADDRESS_KEYS[NOVA_FIELD_COUNT] = {
	[NOVA_DOMAIN] = "domain",
	[NOVA_BUS] = "bus",
	[NOVA_SLOT] = "slot",
	[NOVA_FUNCTION] = "function",
};

/* Reports an expression that exceeds the match limit, which would otherwise appear not to match. */
static bool check_match_limit(struct nova_parser *parser, const struct regex *regex,
			      enum nova_field field)
{
	const struct inventory *inventory = parser->inventory;
	char string[NOVA_FIELD_SIZE];

	for (size_t i = 0; i < inventory->count; i++) {
		nova_format_field(field, nova_value(&inventory->devices[i], field), string);
		if (regex_matches(regex, string) < 0)
			return nova_error(
				parser,
				"%s: match limit exceeded on '%s' (avoid nested quantifiers)",
				ADDRESS_KEYS[field], string);
	}
	return true;
}

/* If all expressions are plain hex digits, they are a single address as well: *ret_single is true,
 * and the values are set. */
static bool parse_expressions(struct nova_parser *parser, struct json_object *address,
			      struct nova_spec *spec, bool *ret_single)
{
	static const size_t widths[NOVA_FIELD_COUNT] = {
		[NOVA_DOMAIN] = 4, [NOVA_BUS] = 2, [NOVA_SLOT] = 2, [NOVA_FUNCTION] = 1};
	char reason[REGEX_ERROR_SIZE];
	bool ok = true;
	int error;

	*ret_single = true;
	for (enum nova_field field = NOVA_DOMAIN; field <= NOVA_FUNCTION && ok; field++) {
		char *string = nova_parse_string(parser, address, ADDRESS_KEYS[field], &ok);

		if (!string) {
			*ret_single = false;
			continue;
		}
		error = regex_new(string, REGEX_START, &spec->address[field], reason);
		parser->no_memory = parser->no_memory || error == -ENOMEM;
		if (error == -EINVAL)
			nova_error(parser, "%s '%.64s': invalid regular expression: %s",
				   ADDRESS_KEYS[field], string, reason);
		ok = error == 0 && check_match_limit(parser, spec->address[field], field);
		if (strlen(string) == widths[field] &&
		    strspn(string, "0123456789abcdef") == widths[field])
			spec->values[field] = strtol(string, NULL, 16);
		else
			*ret_single = false;
		free(string);
	}
	return ok;
}

/* The address of a PF matches its VFs, too. */
static void set_with_vfs(const struct nova_parser *parser, struct nova_spec *spec)
{
	const struct pci_address address = {
		.domain = (uint32_t)spec->values[NOVA_DOMAIN],
		.bus = (uint8_t)spec->values[NOVA_BUS],
		.slot = (uint8_t)spec->values[NOVA_SLOT],
		.function = (uint8_t)spec->values[NOVA_FUNCTION],
	};
	const struct pci_device *device = inventory_find(parser->inventory, &address);

	for (enum nova_field field = NOVA_DOMAIN; field <= NOVA_FUNCTION; field++)
		if (spec->values[field] < 0) /* "-1", which Nova accepts as a number */
			return;
	spec->with_vfs = device && nova_is_pf(device);
}

static bool parse_address(struct nova_parser *parser, struct json_object *address,
			  struct nova_spec *spec)
{
	bool single;

	if (json_object_is_type(address, json_type_string)) {
		if (!parse_glob(parser, json_object_get_string(address), spec))
			return false;
		single = (spec->fixed & NOVA_ADDRESS_FIELDS) == NOVA_ADDRESS_FIELDS;
	} else if (json_object_is_type(address, json_type_object)) {
		if (!parse_expressions(parser, address, spec, &single))
			return false;
	} else {
		return nova_error(
			parser,
			"\"address\" must be a string, or an object of regular expressions");
	}
	if (single)
		set_with_vfs(parser, spec);
	return true;
}

/* Sets the address of the device that has the interface NAME, if there is one. */
static bool parse_devname(struct nova_parser *parser, const char *name, struct nova_spec *spec)
{
	const struct inventory *inventory = parser->inventory;

	for (size_t i = 0; i < inventory->count; i++)
		for (size_t j = 0; j < inventory->devices[i].interface_count; j++) {
			const struct interface *interface = &inventory->devices[i].interfaces[j];

			if (strcmp(interface->name, name) != 0)
				continue;
			if (!interface->direct)
				return nova_error(
					parser,
					"interface '%.64s' belongs to a child of a PCI device, not to the PCI device itself",
					name);
			for (enum nova_field field = NOVA_DOMAIN; field <= NOVA_FUNCTION; field++)
				spec->values[field] = nova_value(&inventory->devices[i], field);
			spec->fixed |= NOVA_ADDRESS_FIELDS;
			spec->with_vfs = nova_is_pf(&inventory->devices[i]);
			spec->matches_none = false;
			return true;
		}
	return true;
}

/* Whether Python considers VALUE false. */
static bool is_falsy(struct json_object *value)
{
	switch (json_object_get_type(value)) {
	case json_type_null:
		return true;
	case json_type_string:
		return json_object_get_string_len(value) == 0;
	case json_type_object:
		return json_object_object_length(value) == 0;
	case json_type_array:
		return json_object_array_length(value) == 0;
	default:
		return !json_object_get_boolean(value);
	}
}

static bool parse_location(struct nova_parser *parser, struct json_object *object,
			   struct nova_spec *spec)
{
	struct json_object *address = NULL, *name = NULL;
	bool has_address = json_object_object_get_ex(object, "address", &address) &&
			   !is_falsy(address);
	bool has_name = json_object_object_get_ex(object, "devname", &name) && !is_falsy(name),
	     ok = true;
	char *string;

	if (has_address && has_name)
		return nova_error(parser, "\"address\" and \"devname\" are mutually exclusive");
	if (has_address)
		return parse_address(parser, address, spec);
	if (!has_name)
		return true;
	spec->matches_none = true; /* also if it is not a string */
	if (!json_object_is_type(name, json_type_string))
		return true;
	string = nova_parse_string(parser, object, "devname", &ok);
	ok = ok && string && parse_devname(parser, string, spec);
	free(string);
	return ok;
}

/* ---- tags ---- */

static bool has_value(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	return json_object_object_get_ex(object, key, &value) && !is_falsy(value);
}

/* Sets *ret to a copy of the string KEY of OBJECT, or leaves it if that is not a string. */
static bool copy_string(struct nova_parser *parser, struct json_object *object, const char *key,
			char **ret)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, key, &value);
	if (!json_object_is_type(value, json_type_string))
		return true;
	*ret = strdup(json_object_get_string(value));
	parser->no_memory = parser->no_memory || !*ret;
	return *ret;
}

/* A string that is used for Placement only. */
static bool parse_placement_tag(struct nova_parser *parser, struct json_object *object,
				const char *key, char **ret)
{
	if (!has_value(object, key) || !nova_knows(parser, key, NOVA_DEVICE_SPEC) ||
	    !copy_string(parser, object, key, ret))
		return !parser->no_memory;
	return *ret || !parser->conf->report_in_placement ||
	       nova_error(parser, "\"%s\" must be a string, in quotes", key);
}

static bool parse_switch_tag(struct nova_parser *parser, struct json_object *object,
			     const char *key, enum nova_feature feature, enum nova_switch *ret)
{
	return !json_object_object_get_ex(object, key, NULL) || !nova_knows(parser, key, feature) ||
	       nova_parse_strict_switch(parser, object, key, ret);
}

static bool parse_one_time_use(struct nova_parser *parser, struct json_object *object,
			       struct nova_tags *tags)
{
	if (!parse_switch_tag(parser, object, "one_time_use", NOVA_ONE_TIME_USE,
			      &tags->one_time_use))
		return false;
	tags->has_one_time_use = json_object_object_get_ex(object, "one_time_use", NULL) &&
				 (parser->conf->release->knows & NOVA_ONE_TIME_USE);
	return tags->one_time_use != NOVA_TRUE || parser->conf->report_in_placement ||
	       nova_error(parser, "one_time_use requires report_in_placement = true in [pci]");
}

static bool parse_remote_managed(struct nova_parser *parser, struct json_object *object,
				 struct nova_line *line)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(object, "remote_managed", &value);
	line->tags.remote_managed = nova_parse_switch(value) == NOVA_TRUE;
	if (!line->tags.remote_managed)
		return true;
	if (line->spec.matches_none)
		return nova_error(parser, "remote_managed: no interface has this name");
	/* also with the product id of its VFs: Nova then reads a file that no PCI device has */
	if (line->spec.with_vfs)
		return nova_error(parser,
				  "remote_managed is not supported for the address of a PF: "
				  "match its VFs by their ids, or by an address with *");
	return true;
}

static bool parse_devname_tag(struct nova_parser *parser, struct json_object *object)
{
	return !has_value(object, "devname") || !parser->conf->report_in_placement ||
	       nova_error(parser, "devname is not supported with report_in_placement: use the "
				  "address of the device");
}

static bool is_pci(struct json_object *value)
{
	return json_object_is_type(value, json_type_string) &&
	       strcasecmp(json_object_get_string(value), "pci") == 0;
}

static bool parse_tags(struct nova_parser *parser, struct json_object *object,
		       struct nova_line *line)
{
	struct nova_tags *tags = &line->tags;
	struct json_object *capability = NULL;
	enum nova_switch managed; /* only checked */

	json_object_object_get_ex(object, "capability_type", &capability);
	tags->capability_pci = is_pci(capability);
	tags->has_network = has_value(object, "physical_network");
	return parse_switch_tag(parser, object, "managed", NOVA_MIGRATABLE, &managed) &&
	       parse_switch_tag(parser, object, "live_migratable", NOVA_MIGRATABLE,
				&tags->live_migratable) &&
	       parse_one_time_use(parser, object, tags) &&
	       parse_remote_managed(parser, object, line) && parse_devname_tag(parser, object) &&
	       copy_string(parser, object, "dev_type", &tags->type) &&
	       parse_placement_tag(parser, object, "resource_class", &tags->resource_class) &&
	       parse_placement_tag(parser, object, "traits", &tags->traits);
}

bool nova_parse_spec(struct nova_parser *parser, struct json_object *object, struct nova_line *line)
{
	return parse_id(parser, object, "vendor_id", &line->spec, NOVA_VENDOR) &&
	       parse_id(parser, object, "product_id", &line->spec, NOVA_PRODUCT) &&
	       parse_location(parser, object, &line->spec) && parse_tags(parser, object, line);
}
