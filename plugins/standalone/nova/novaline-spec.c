/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device_spec as nova.pci.devspec reads it. */
#include "plugins/standalone/nova/novaparser.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A number as Python's int(TEXT, 16) reads it: blanks around it, a sign, 0x, and single underscores
 * between digits. */
static bool parse_hex(const char *text, long *ret)
{
	long value = 0;
	int sign = 1;
	bool digit = false;

	text += strspn(text, " \t\n\v\f\r");
	if (*text == '+' || *text == '-')
		sign = *text++ == '-' ? -1 : 1;
	if (*text == '0' && (text[1] == 'x' || text[1] == 'X')) {
		text += 2;
		text += *text == '_';
	}
	for (; strchr("0123456789abcdefABCDEF_", *text) && *text; text++) {
		if (*text == '_' && !digit)
			return false;
		digit = *text != '_';
		if (digit && value <= 0xfffff)
			value = value * 16 +
				(*text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10);
	}
	if (!digit || text[strspn(text, " \t\n\v\f\r")])
		return false;
	*ret = sign * value;
	return true;
}

/* What stands for one field: * for any, or a number of at most MAX. */
static bool parse_field(struct nova_parser *parser, struct nova_spec *spec, enum nova_field field,
			const char *text)
{
	static const struct {
		const char *name;
		long max;
	} fields[NOVA_FIELD_COUNT] = {
		[NOVA_VENDOR] = {"vendor_id", 0xffff}, [NOVA_PRODUCT] = {"product_id", 0xffff},
		[NOVA_DOMAIN] = {"domain", 0xffff},    [NOVA_BUS] = {"bus", 0xff},
		[NOVA_SLOT] = {"slot", 0x1f},	       [NOVA_FUNCTION] = {"function", 7},
	};

	if (strcmp(text, "*") == 0)
		return true;
	if (!parse_hex(text, &spec->values[field]))
		return nova_error(parser, "%s '%.64s' is neither a hex number nor *",
				  fields[field].name, text);
	if (spec->values[field] > fields[field].max)
		return nova_error(parser, "%s '%.64s' exceeds Nova's maximum of %lx",
				  fields[field].name, text, fields[field].max);
	spec->fixed |= 1u << field;
	return true;
}

static bool parse_id(struct nova_parser *parser, struct json_object *object, const char *key,
		     struct nova_spec *spec, enum nova_field field)
{
	bool ok = true;
	char *text = nova_parse_text(parser, object, key, &ok);

	if (ok && text)
		ok = parse_field(parser, spec, field,
				 field == NOVA_VENDOR ? nova_strip(text) : text);
	free(text);
	return ok;
}

/* [[[domain:]bus:]slot][.function], with * or nothing for any. */
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
		ok = nova_error(parser,
				"the address '%.64s' has more than domain, bus, slot and function",
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

/* One that takes too long for a device would else seem not to take it. */
static bool try_expression(struct nova_parser *parser, const struct regex *regex,
			   enum nova_field field)
{
	const struct inventory *inventory = parser->inventory;
	char text[NOVA_TEXT_SIZE];

	for (size_t i = 0; i < inventory->count; i++) {
		nova_address_text(field, nova_value(&inventory->devices[i], field), text);
		if (regex_matches(regex, text) < 0)
			return nova_error(
				parser,
				"%s: match limit exceeded on '%s' (avoid nested quantifiers)",
				ADDRESS_KEYS[field], text);
	}
	return true;
}

/* Expressions that are nothing but hex digits are one address as well, which *ret_single tells, and
 * which is fixed then. */
static bool parse_expressions(struct nova_parser *parser, struct json_object *address,
			      struct nova_spec *spec, bool *ret_single)
{
	static const size_t widths[NOVA_FIELD_COUNT] = {
		[NOVA_DOMAIN] = 4, [NOVA_BUS] = 2, [NOVA_SLOT] = 2, [NOVA_FUNCTION] = 1};
	char why[REGEX_FAULT_SIZE];
	bool ok = true;
	int error;

	*ret_single = true;
	for (enum nova_field field = NOVA_DOMAIN; field <= NOVA_FUNCTION && ok; field++) {
		char *text = nova_parse_text(parser, address, ADDRESS_KEYS[field], &ok);

		if (!text) {
			*ret_single = false;
			continue;
		}
		error = regex_new(text, REGEX_START, &spec->address[field], why);
		parser->no_memory = parser->no_memory || error == -ENOMEM;
		if (error == -EINVAL)
			nova_error(parser, "the %s '%.64s' is not a regular expression: %s",
				   ADDRESS_KEYS[field], text, why);
		ok = error == 0 && try_expression(parser, spec->address[field], field);
		if (strlen(text) == widths[field] &&
		    strspn(text, "0123456789abcdef") == widths[field])
			spec->values[field] = strtol(text, NULL, 16);
		else
			*ret_single = false;
		free(text);
	}
	return ok;
}

/* An address that is one PF's takes its VFs. */
static void find_pf(const struct nova_parser *parser, struct nova_spec *spec)
{
	const struct pci_address address = {
		.domain = (uint32_t)spec->values[NOVA_DOMAIN],
		.bus = (uint8_t)spec->values[NOVA_BUS],
		.slot = (uint8_t)spec->values[NOVA_SLOT],
		.function = (uint8_t)spec->values[NOVA_FUNCTION],
	};
	const struct pci_device *device = inventory_find(parser->inventory, &address);

	for (enum nova_field field = NOVA_DOMAIN; field <= NOVA_FUNCTION; field++)
		if (spec->values[field] < 0) /* "-1", which Nova takes for a number */
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
		return nova_error(parser,
				  "an \"address\" is a text, or an object of regular expressions");
	}
	if (single)
		find_pf(parser, spec);
	return true;
}

/* The device whose own interface it is. */
static bool find_interface(struct nova_parser *parser, const char *name, struct nova_spec *spec)
{
	const struct inventory *inventory = parser->inventory;

	spec->nothing = true;
	for (size_t i = 0; i < inventory->count; i++)
		for (size_t j = 0; j < inventory->devices[i].interface_count; j++) {
			const struct interface *interface = &inventory->devices[i].interfaces[j];

			if (strcmp(interface->name, name) != 0)
				continue;
			if (!interface->direct)
				return nova_error(
					parser,
					"interface '%.64s' belongs to a device on a PCI device, not to that itself",
					name);
			for (enum nova_field field = NOVA_DOMAIN; field <= NOVA_FUNCTION; field++)
				spec->values[field] = nova_value(&inventory->devices[i], field);
			spec->fixed |= NOVA_ADDRESS_FIELDS;
			spec->with_vfs = nova_is_pf(&inventory->devices[i]);
			spec->nothing = false;
			return true;
		}
	return true;
}

/* What Python holds for false. */
static bool matches_none(struct json_object *value)
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

static bool parse_address_of(struct nova_parser *parser, struct json_object *object,
			     struct nova_spec *spec)
{
	struct json_object *address = NULL, *name = NULL;
	bool has_address = json_object_object_get_ex(object, "address", &address) &&
			   !matches_none(address);
	bool has_name = json_object_object_get_ex(object, "devname", &name) && !matches_none(name),
	     ok = true;
	char *text;

	if (has_address && has_name)
		return nova_error(parser, "\"address\" and \"devname\" exclude each other");
	if (has_address)
		return parse_address(parser, address, spec);
	if (!has_name)
		return true;
	text = nova_parse_text(parser, object, "devname", &ok);
	ok = ok && text && find_interface(parser, text, spec);
	free(text);
	return ok;
}

/* What oslo_utils.strutils.bool_from_string holds for true. */
static bool is_true(struct json_object *value)
{
	static const char *const words[] = {"1", "t", "true", "on", "y", "yes"};
	const char *text = value ? json_object_get_string(value) : NULL;

	for (size_t i = 0; text && i < sizeof(words) / sizeof(*words); i++)
		if (strcasecmp(text, words[i]) == 0)
			return true;
	return false;
}

bool nova_parse_spec(struct nova_parser *parser, struct json_object *object, struct nova_line *line)
{
	struct json_object *remote = NULL;

	if (!parse_id(parser, object, "vendor_id", &line->spec, NOVA_VENDOR) ||
	    !parse_id(parser, object, "product_id", &line->spec, NOVA_PRODUCT) ||
	    !parse_address_of(parser, object, &line->spec))
		return false;
	if (json_object_object_get_ex(object, "remote_managed", &remote) && is_true(remote))
		log_warning(
			parser->log,
			"%s:%u: of remote_managed devices Nova takes those with a serial number in their VPD, which "
			"isn't looked at here",
			parser->conf->path, parser->line);
	return true;
}
