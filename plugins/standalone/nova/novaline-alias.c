/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An alias as nova.pci.request reads it, and which devices it takes (nova.pci.stats,
 * nova.pci.utils). */
#include "plugins/standalone/nova/novaparser.h"

#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(text, *words) == 0)
			return true;
	return false;
}

static bool parse_alias_id(struct nova_parser *parser, const char *key, const char *text, long *ret)
{
	if (strlen(text) != 4 || strspn(text, "0123456789abcdefABCDEF") != 4)
		return nova_error(parser, "%s must be four hex digits, not '%.64s'", key, text);
	*ret = strtol(text, NULL, 16);
	return true;
}

static bool parse_alias_key(struct nova_parser *parser, const char *key, const char *text,
			    struct nova_alias *alias)
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
		return is_one_of(text, types) ||
		       nova_error(parser, "the device_type is type-PCI, type-PF or type-VF");
	if (strcmp(key, "numa_policy") == 0)
		return is_one_of(text, policies) ||
		       nova_error(parser,
				  "the numa_policy is legacy, preferred, required or socket");
	if (strcmp(key, "capability_type") == 0) {
		/* nothing of Nova's ever sets it on a device */
		alias->nothing = true;
		return strcmp(text, "pci") == 0 ||
		       nova_error(parser, "the capability_type can only be pci");
	}
	if (!is_one_of(key, newer))
		return nova_error(parser, "an alias has no key '%.64s'", key);
	log_warning(parser->log,
		    "%s:%u: an alias can have '%s' only in later versions of Nova than 26",
		    parser->conf->path, parser->line, key);
	return true;
}

/* Those of one name are one alias, which has one type and one policy. */
static bool fits_others(struct nova_parser *parser, const struct nova_alias *alias)
{
	for (size_t i = 0; i < parser->lines->count; i++) {
		const struct nova_alias *other = &parser->lines->lines[i].alias;

		if (!other->name || strcmp(other->name, alias->name) != 0)
			continue;
		if (strcmp(other->policy, alias->policy) != 0)
			return nova_error(parser,
					  "the alias '%.64s' has another numa_policy in line %u",
					  alias->name, parser->lines->lines[i].line);
		if (!other->type || !alias->type || strcmp(other->type, alias->type) != 0)
			return nova_error(
				parser,
				"the alias '%.64s' stands in line %u too: both must say the same device_type",
				alias->name, parser->lines->lines[i].line);
	}
	return true;
}

static size_t count_characters(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += (*text & 0xc0) != 0x80;
	return count;
}

bool nova_parse_alias(struct nova_parser *parser, struct json_object *object,
		      struct nova_line *line)
{
	struct nova_alias *alias = &line->alias;
	bool ok = true;
	char *name = nova_parse_text(parser, object, "name", &ok);

	alias->ids[NOVA_VENDOR] = alias->ids[NOVA_PRODUCT] = -1;
	if (!ok || !name || !*name || count_characters(name) > 256) {
		free(name);
		return ok &&
		       nova_error(parser, "an alias must have a \"name\" of up to 256 characters");
	}
	json_object_object_foreach(object, key, value)
	{
		char *text = nova_parse_text(parser, object, key, &ok);

		(void)value;
		ok = ok && text && parse_alias_key(parser, key, text, alias);
		free(text);
		if (!ok)
			break;
	}
	if (ok) {
		alias->type = nova_parse_text(parser, object, "device_type", &ok);
		alias->policy = nova_parse_text(parser, object, "numa_policy", &ok);
		alias->name = strdup(nova_strip(name));
		if (!alias->policy)
			alias->policy = strdup("legacy");
		ok = ok && alias->name && alias->policy;
		parser->no_memory = parser->no_memory || !ok;
	}
	free(name);
	return ok && fits_others(parser, alias);
}

bool nova_alias_matches(const struct nova_alias *alias, const struct pci_device *device)
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
