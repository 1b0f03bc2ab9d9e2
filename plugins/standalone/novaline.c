/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/novaline.h"

#include <errno.h>
#include <json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct parser {
	struct novaconf *conf;
	const struct inventory *inventory;
	const struct log *log;
	struct novalines *lines;
	unsigned line;
	size_t item;
	bool no_memory;
};

/* Returns false. */
static bool __attribute__((format(printf, 2, 3))) fault(struct parser *parser, const char *format, ...)
{
	char text[512], item[32] = "";
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (parser->item)
		snprintf(item, sizeof(item), "item %zu: ", parser->item);
	log_error(parser->log, "%s:%u: %s%s", parser->conf->path, parser->line, item, text);
	parser->conf->faults++;
	return false;
}

/* ---- numbers and texts ---- */

/* A number as Python's int(TEXT, 16) reads it: blanks around it, a sign, 0x, and single underscores between digits. */
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
			value = value * 16 + (*text <= '9' ? *text - '0' : (*text | 0x20) - 'a' + 10);
	}
	if (!digit || text[strspn(text, " \t\n\v\f\r")])
		return false;
	*ret = sign * value;
	return true;
}

/* What stands for one field: * for any, or a number of at most MAX. */
static bool parse_field(struct parser *parser, struct nova_spec *spec, enum nova_field field, const char *text)
{
	static const struct {
		const char *name;
		long max;
	} fields[NOVA_FIELD_COUNT] = {
		[NOVA_VENDOR] = {"vendor_id", 0xffff}, [NOVA_PRODUCT] = {"product_id", 0xffff}, [NOVA_DOMAIN] = {"domain", 0xffff},
		[NOVA_BUS] = {"bus", 0xff},	       [NOVA_SLOT] = {"slot", 0x1f},		[NOVA_FUNCTION] = {"function", 7},
	};

	if (strcmp(text, "*") == 0)
		return true;
	if (!parse_hex(text, &spec->values[field]))
		return fault(parser, "the %s '%.64s' is no number in hex, and not *", fields[field].name, text);
	if (spec->values[field] > fields[field].max)
		return fault(parser, "the %s '%.64s' is more than %lx, Nova's greatest", fields[field].name, text, fields[field].max);
	spec->fixed |= 1u << field;
	return true;
}

/* Cuts blanks off both ends. */
static char *strip(char *text)
{
	text += strspn(text, " \t\n\v\f\r");
	for (size_t end = strlen(text); end && strchr(" \t\n\v\f\r", text[end - 1]);)
		text[--end] = '\0';
	return text;
}

/* The text of KEY, to be freed; NULL when it isn't there, or *ok is false. */
static char *take_text(struct parser *parser, struct json_object *object, const char *key, bool *ok)
{
	struct json_object *value = NULL;
	char *text;

	if (!json_object_object_get_ex(object, key, &value))
		return NULL;
	if (!json_object_is_type(value, json_type_string)) {
		*ok = fault(parser, "\"%s\" must be a text, in quotes", key);
		return NULL;
	}
	if (strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value)) {
		*ok = fault(parser, "\"%s\" has a NUL in it", key);
		return NULL;
	}
	text = strdup(json_object_get_string(value));
	if (!text) {
		parser->no_memory = true;
		*ok = false;
	}
	return text;
}

/* ---- specs ---- */

static bool parse_id(struct parser *parser, struct json_object *object, const char *key, struct nova_spec *spec,
		     enum nova_field field)
{
	bool ok = true;
	char *text = take_text(parser, object, key, &ok);

	if (ok && text)
		ok = parse_field(parser, spec, field, field == NOVA_VENDOR ? strip(text) : text);
	free(text);
	return ok;
}

/* [[[domain:]bus:]slot][.function], with * or nothing for any. */
static bool parse_glob(struct parser *parser, const char *address, struct nova_spec *spec)
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
		ok = parse_field(parser, spec, NOVA_FUNCTION, strip(function));
	if (!*copy)
		rest = NULL;
	while (rest && count < 4)
		parts[count++] = strip(strsep(&rest, ":"));
	if (count == 4)
		ok = fault(parser, "the address '%.64s' has more than domain, bus, slot and function", address);
	for (size_t i = 0; i < count && ok; i++)
		if (*parts[i])
			ok = parse_field(parser, spec, (enum nova_field)(NOVA_DOMAIN + 3 - count + i), parts[i]);
	free(copy);
	return ok;
}

static const char *const ADDRESS_KEYS[NOVA_FIELD_COUNT] = {
	[NOVA_DOMAIN] = "domain", [NOVA_BUS] = "bus", [NOVA_SLOT] = "slot", [NOVA_FUNCTION] = "function",
};

/* One that takes too long for a card would else seem not to take it. */
static bool try_expression(struct parser *parser, const struct regex *regex, enum nova_field field)
{
	const struct inventory *inventory = parser->inventory;
	char text[NOVA_TEXT_SIZE];

	for (size_t i = 0; i < inventory->count; i++) {
		nova_address_text(field, nova_value(&inventory->devices[i], field), text);
		if (regex_matches(regex, text) < 0)
			return fault(parser, "the %s takes too many steps on '%s'; write it with fewer repetitions", ADDRESS_KEYS[field],
				     text);
	}
	return true;
}

/* Expressions that are nothing but hex digits are one address as well, which *ret_single tells, and which is fixed then. */
static bool parse_expressions(struct parser *parser, struct json_object *address, struct nova_spec *spec, bool *ret_single)
{
	static const size_t widths[NOVA_FIELD_COUNT] = {[NOVA_DOMAIN] = 4, [NOVA_BUS] = 2, [NOVA_SLOT] = 2, [NOVA_FUNCTION] = 1};
	char why[REGEX_FAULT_SIZE];
	bool ok = true;
	int error;

	*ret_single = true;
	for (enum nova_field field = NOVA_DOMAIN; field <= NOVA_FUNCTION && ok; field++) {
		char *text = take_text(parser, address, ADDRESS_KEYS[field], &ok);

		if (!text) {
			*ret_single = false;
			continue;
		}
		error = regex_new(text, REGEX_START, &spec->address[field], why);
		parser->no_memory = parser->no_memory || error == -ENOMEM;
		if (error == -EINVAL)
			fault(parser, "the %s '%.64s' is not a regular expression: %s", ADDRESS_KEYS[field], text, why);
		ok = error == 0 && try_expression(parser, spec->address[field], field);
		if (strlen(text) == widths[field] && strspn(text, "0123456789abcdef") == widths[field])
			spec->values[field] = strtol(text, NULL, 16);
		else
			*ret_single = false;
		free(text);
	}
	return ok;
}

/* An address that is one PF's takes its VFs. */
static void find_pf(const struct parser *parser, struct nova_spec *spec)
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

static bool parse_address(struct parser *parser, struct json_object *address, struct nova_spec *spec)
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
		return fault(parser, "an \"address\" is a text, or an object of regular expressions");
	}
	if (single)
		find_pf(parser, spec);
	return true;
}

/* The card whose own interface it is. */
static bool find_interface(struct parser *parser, const char *name, struct nova_spec *spec)
{
	const struct inventory *inventory = parser->inventory;

	spec->nothing = true;
	for (size_t i = 0; i < inventory->count; i++)
		for (size_t j = 0; j < inventory->devices[i].interface_count; j++) {
			const struct interface *interface = &inventory->devices[i].interfaces[j];

			if (strcmp(interface->name, name) != 0)
				continue;
			if (!interface->direct)
				return fault(parser, "the interface '%.64s' belongs to no PCI card itself, but to a device on one", name);
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
static bool is_nothing(struct json_object *value)
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

static bool parse_place(struct parser *parser, struct json_object *object, struct nova_spec *spec)
{
	struct json_object *address = NULL, *name = NULL;
	bool has_address = json_object_object_get_ex(object, "address", &address) && !is_nothing(address);
	bool has_name = json_object_object_get_ex(object, "devname", &name) && !is_nothing(name), ok = true;
	char *text;

	if (has_address && has_name)
		return fault(parser, "\"address\" and \"devname\" exclude each other");
	if (has_address)
		return parse_address(parser, address, spec);
	if (!has_name)
		return true;
	text = take_text(parser, object, "devname", &ok);
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

static bool parse_spec(struct parser *parser, struct json_object *object, struct nova_line *line)
{
	struct json_object *remote = NULL;

	if (!parse_id(parser, object, "vendor_id", &line->spec, NOVA_VENDOR) ||
	    !parse_id(parser, object, "product_id", &line->spec, NOVA_PRODUCT) || !parse_place(parser, object, &line->spec))
		return false;
	if (json_object_object_get_ex(object, "remote_managed", &remote) && is_true(remote))
		log_warning(parser->log, "%s:%u: of remote_managed cards Nova takes those with a serial number in their VPD, which "
			    "isn't looked at here", parser->conf->path, parser->line);
	return true;
}

/* ---- aliases ---- */

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static bool parse_alias_id(struct parser *parser, const char *key, const char *text, long *ret)
{
	if (strlen(text) != 4 || strspn(text, "0123456789abcdefABCDEF") != 4)
		return fault(parser, "the %s '%.64s' must be four hex digits", key, text);
	*ret = strtol(text, NULL, 16);
	return true;
}

static bool parse_alias_key(struct parser *parser, const char *key, const char *text, struct nova_alias *alias)
{
	static const char *const types[] = {"type-PCI", "type-PF", "type-VF", NULL};
	static const char *const policies[] = {"legacy", "preferred", "required", "socket", NULL};
	static const char *const newer[] = {"resource_class", "traits", "live_migratable", NULL};

	if (strcmp(key, "name") == 0)
		return true;
	if (strcmp(key, "vendor_id") == 0)
		return parse_alias_id(parser, key, text, &alias->ids[NOVA_VENDOR]);
	if (strcmp(key, "product_id") == 0)
		return parse_alias_id(parser, key, text, &alias->ids[NOVA_PRODUCT]);
	if (strcmp(key, "device_type") == 0)
		return is_one_of(text, types) || fault(parser, "the device_type is type-PCI, type-PF or type-VF");
	if (strcmp(key, "numa_policy") == 0)
		return is_one_of(text, policies) || fault(parser, "the numa_policy is legacy, preferred, required or socket");
	if (strcmp(key, "capability_type") == 0) {
		/* nothing of Nova's ever sets it on a card */
		alias->nothing = true;
		return strcmp(text, "pci") == 0 || fault(parser, "the capability_type can only be pci");
	}
	if (!is_one_of(key, newer))
		return fault(parser, "an alias has no key '%.64s'", key);
	log_warning(parser->log, "%s:%u: an alias can have '%s' only in later versions of Nova than 26", parser->conf->path,
		    parser->line, key);
	return true;
}

static bool parse_alias(struct parser *parser, struct json_object *object, struct nova_line *line)
{
	struct nova_alias *alias = &line->alias;
	bool ok = true;
	char *name = take_text(parser, object, "name", &ok);

	alias->ids[NOVA_VENDOR] = alias->ids[NOVA_PRODUCT] = -1;
	if (!ok || !name || !*name || strlen(name) > 256) {
		free(name);
		return ok && fault(parser, "an alias must have a \"name\" of up to 256 characters");
	}
	json_object_object_foreach(object, key, value) {
		char *text = take_text(parser, object, key, &ok);

		(void)value;
		ok = ok && text && parse_alias_key(parser, key, text, alias);
		free(text);
		if (!ok)
			break;
	}
	if (ok) {
		alias->type = take_text(parser, object, "device_type", &ok);
		alias->policy = take_text(parser, object, "numa_policy", &ok);
		alias->name = strdup(strip(name));
		if (!alias->policy)
			alias->policy = strdup("legacy");
		ok = ok && alias->name && alias->policy;
		parser->no_memory = parser->no_memory || !ok;
	}
	free(name);
	return ok;
}

/* Those of one name are one alias, which has one type and one policy. */
static bool fits_others(struct parser *parser, const struct nova_alias *alias)
{
	for (size_t i = 0; i < parser->lines->count; i++) {
		const struct nova_alias *other = &parser->lines->lines[i].alias;

		if (!other->name || strcmp(other->name, alias->name) != 0)
			continue;
		if (strcmp(other->policy, alias->policy) != 0)
			return fault(parser, "the alias '%.64s' has another numa_policy in line %u", alias->name,
				     parser->lines->lines[i].line);
		if (!other->type || !alias->type || strcmp(other->type, alias->type) != 0)
			return fault(parser, "the alias '%.64s' stands in line %u too: both must say the same device_type", alias->name,
				     parser->lines->lines[i].line);
	}
	return true;
}

bool nova_alias_takes(const struct nova_alias *alias, const struct pci_device *device)
{
	const char *type = nova_device_type(device);

	for (enum nova_field field = NOVA_VENDOR; field <= NOVA_PRODUCT; field++)
		if (alias->ids[field] >= 0 && alias->ids[field] != nova_value(device, field))
			return false;
	if (alias->nothing || !type)
		return false;
	/* a PF is only given to who asks for one */
	return alias->type ? strcmp(alias->type, type) == 0 : strcmp(type, "type-PF") != 0;
}

/* ---- lines ---- */

static void free_line(struct nova_line *line)
{
	for (size_t i = 0; i < NOVA_FIELD_COUNT; i++)
		regex_free(line->spec.address[i]);
	free(line->alias.name);
	free(line->alias.type);
	free(line->alias.policy);
}

static void add_line(struct parser *parser, struct json_object *object, bool is_alias)
{
	struct novalines *lines = parser->lines;
	struct nova_line *more, line = {.line = parser->line, .item = parser->item};

	if (lines->count == NOVALINE_COUNT_MAX) {
		fault(parser, "more than %d of them", NOVALINE_COUNT_MAX);
		return;
	}
	more = realloc(lines->lines, (lines->count + 1) * sizeof(*more));
	if (!more) {
		parser->no_memory = true;
		return;
	}
	lines->lines = more;
	if (is_alias ? parse_alias(parser, object, &line) && fits_others(parser, &line.alias) : parse_spec(parser, object, &line))
		more[lines->count++] = line;
	else
		free_line(&line);
}

static void add_list(struct parser *parser, struct json_object *list)
{
	size_t count = json_object_array_length(list);

	for (size_t i = 0; i < count && parser->lines->count < NOVALINE_COUNT_MAX && !parser->no_memory; i++) {
		struct json_object *object = json_object_array_get_idx(list, i);

		parser->item = i + 1;
		if (json_object_is_type(object, json_type_object))
			add_line(parser, object, false);
		else
			fault(parser, "a device_spec is an object: {...}");
	}
	if (count > NOVALINE_COUNT_MAX)
		fault(parser, "more than %d of them", NOVALINE_COUNT_MAX);
	parser->item = 0;
}

/* Tells where in TEXT it is. */
static void json_fault(struct parser *parser, const char *text, size_t offset, const char *why)
{
	for (size_t i = 0; i < offset && text[i]; i++)
		parser->line += text[i] == '\n';
	fault(parser, "not JSON: %s", why);
}

/* Python's json takes no line end in a text, json-c does. Returns where it is, or SIZE_MAX. */
static size_t find_control(const char *text)
{
	bool inside = false;

	for (size_t i = 0; text[i]; i++) {
		if (inside && (unsigned char)text[i] < ' ')
			return i;
		if (inside && text[i] == '\\' && text[i + 1])
			i++;
		else if (text[i] == '"')
			inside = !inside;
	}
	return SIZE_MAX;
}

/* NULL for what has been told. */
static struct json_object *parse_json(struct parser *parser, const char *text)
{
	struct json_tokener *tokener = json_tokener_new();
	struct json_object *object;
	size_t control = find_control(text);
	enum json_tokener_error error;

	if (!tokener) {
		parser->no_memory = true;
		return NULL;
	}
	json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
	/* with its NUL, so that a number at the end is known to end there */
	object = json_tokener_parse_ex(tokener, text, (int)strlen(text) + 1);
	error = json_tokener_get_error(tokener);
	if (error != json_tokener_success)
		json_fault(parser, text, (size_t)tokener->char_offset, json_tokener_error_desc(error));
	else if (control != SIZE_MAX)
		json_fault(parser, text, control, "a text ends on the line on which it begins");
	if (error != json_tokener_success || control != SIZE_MAX) {
		json_object_put(object);
		object = NULL;
	} else if (!object) {
		fault(parser, "null says nothing");
	}
	json_tokener_free(tokener);
	return object;
}

static void parse_option(struct parser *parser, const struct nova_option *option)
{
	struct json_object *object;

	parser->line = option->line;
	parser->item = 0;
	object = parse_json(parser, option->text);
	if (!object)
		return;
	if (json_object_is_type(object, json_type_object))
		add_line(parser, object, option->is_alias);
	else if (json_object_is_type(object, json_type_array) && !option->is_alias)
		add_list(parser, object);
	else
		fault(parser, option->is_alias ? "an alias is an object: {...}" : "a device_spec is an object, {...}, or a list of them");
	json_object_put(object);
}

int novalines_parse(struct novaconf *conf, const struct inventory *inventory, const struct log *log, struct novalines *ret)
{
	struct parser parser = {.conf = conf, .inventory = inventory, .log = log, .lines = ret};

	*ret = (struct novalines){0};
	for (size_t i = 0; i < conf->count && !parser.no_memory; i++)
		parse_option(&parser, &conf->options[i]);
	return parser.no_memory ? -ENOMEM : 0;
}

void novalines_free(struct novalines *lines)
{
	for (size_t i = 0; i < lines->count; i++)
		free_line(&lines->lines[i]);
	free(lines->lines);
	*lines = (struct novalines){0};
}
