/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses an alias as nova.pci.request does, and matches it as nova.pci.stats and nova.pci.utils do.
 */
#include "plugins/standalone/nova/parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_one_of(const char *string, const char *const *values)
{
	for (; *values; values++)
		if (strcmp(string, *values) == 0)
			return true;
	return false;
}

static bool parse_alias_id(struct nova_parser *parser, const char *key, const char *string,
			   long *ret)
{
	if (strlen(string) != 4 || strspn(string, "0123456789abcdefABCDEF") != 4)
		return nova_error(parser, "%s must be four hex digits, not '%.64s'", key, string);
	*ret = strtol(string, NULL, 16);
	return true;
}

/* A release rejects keys that it does not know. */
static bool check_newer_key(struct nova_parser *parser, const char *key)
{
	static const struct {
		const char *key;
		enum nova_feature feature;
	} keys[] = {
		{"resource_class", NOVA_PLACEMENT_ALIAS},
		{"traits", NOVA_PLACEMENT_ALIAS},
		{"live_migratable", NOVA_MIGRATABLE},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (strcmp(key, keys[i].key) != 0)
			continue;
		if (!(parser->conf->release->knows & keys[i].feature))
			return nova_error(parser, "alias key '%s' is invalid before Nova %s", key,
					  nova_release_since(keys[i].feature)->name);
		return true;
	}
	return nova_error(parser, "unknown key '%.64s' in an alias", key);
}

static bool parse_alias_key(struct nova_parser *parser, const char *key, const char *string,
			    struct nova_alias *alias)
{
	static const char *const types[] = {"type-PCI", "type-PF", "type-VF", NULL};
	static const char *const policies[] = {"legacy", "preferred", "required", "socket", NULL};

	if (strcmp(key, "name") == 0)
		return true;
	if (strcmp(key, "vendor_id") == 0)
		return parse_alias_id(parser, key, string, &alias->ids[NOVA_VENDOR]);
	if (strcmp(key, "product_id") == 0)
		return parse_alias_id(parser, key, string, &alias->ids[NOVA_PRODUCT]);
	if (strcmp(key, "device_type") == 0)
		return is_one_of(string, types) ||
		       nova_error(
			       parser,
			       "invalid device_type '%.64s': expected type-PCI, type-PF or type-VF",
			       string);
	if (strcmp(key, "numa_policy") == 0)
		return is_one_of(string, policies) ||
		       nova_error(
			       parser,
			       "invalid numa_policy '%.64s': expected legacy, preferred, required or socket",
			       string);
	if (strcmp(key, "capability_type") == 0) {
		/* Nova never sets it on a device, only a spec may */
		alias->capability_pci = true;
		return strcmp(string, "pci") == 0 ||
		       nova_error(parser, "invalid capability_type '%.64s': expected pci", string);
	}
	return check_newer_key(parser, key);
}

/* Lines with the same name make up one alias, which has one type and one policy. */
static bool check_same_name(struct nova_parser *parser, const struct nova_alias *alias)
{
	for (size_t i = 0; i < parser->lines->count; i++) {
		const struct nova_alias *other = &parser->lines->lines[i].alias;

		if (!other->name || strcmp(other->name, alias->name) != 0)
			continue;
		if (strcmp(other->policy, alias->policy) != 0)
			return nova_error(parser, "alias '%.64s': numa_policy differs from line %u",
					  alias->name, parser->lines->lines[i].line);
		if (!other->type || !alias->type || strcmp(other->type, alias->type) != 0)
			return nova_error(
				parser,
				"alias '%.64s' is also defined in line %u: both must set the same device_type",
				alias->name, parser->lines->lines[i].line);
		if ((parser->conf->release->knows & NOVA_ALIAS_CHECKS) &&
		    parser->conf->pci_in_placement)
			return nova_error(
				parser,
				"alias '%.64s' is also defined in line %u, which pci_in_placement does not allow",
				alias->name, parser->lines->lines[i].line);
	}
	return true;
}

/* What newer releases require, depending on the options of the file. */
static bool check_ids(struct nova_parser *parser, const struct nova_alias *alias)
{
	const struct nova_conf *conf = parser->conf;

	if (!(conf->release->knows & NOVA_ALIAS_CHECKS) ||
	    (alias->ids[NOVA_VENDOR] >= 0 && alias->ids[NOVA_PRODUCT] >= 0))
		return true;
	if (!conf->pci_in_placement && alias->resource_class)
		return nova_error(
			parser,
			"alias '%.64s' requires a vendor_id and a product_id: resource_class alone "
			"requires pci_in_placement = true in [filter_scheduler]",
			alias->name);
	return (conf->pci_in_placement && alias->resource_class) ||
	       nova_error(parser, "alias '%.64s' requires a vendor_id and a product_id%s",
			  alias->name, conf->pci_in_placement ? ", or a resource_class" : "");
}

static size_t count_characters(const char *string)
{
	size_t count = 0;

	for (; *string; string++)
		count += (*string & 0xc0) != 0x80;
	return count;
}

bool nova_parse_alias(struct nova_parser *parser, struct json_object *object,
		      struct nova_line *line)
{
	struct nova_alias *alias = &line->alias;
	bool ok = true;
	char *name = nova_parse_string(parser, object, "name", &ok);

	alias->ids[NOVA_VENDOR] = alias->ids[NOVA_PRODUCT] = -1;
	if (!ok || !name || !*name || count_characters(name) > 256) {
		free(name);
		return ok &&
		       nova_error(parser, "an alias requires a \"name\" of 1 to 256 characters");
	}
	json_object_object_foreach(object, key, value)
	{
		char *string = nova_parse_string(parser, object, key, &ok);

		(void)value;
		ok = ok && string && parse_alias_key(parser, key, string, alias);
		free(string);
		if (!ok)
			break;
	}
	if (ok) {
		alias->type = nova_parse_string(parser, object, "device_type", &ok);
		alias->policy = nova_parse_string(parser, object, "numa_policy", &ok);
		alias->resource_class = nova_parse_string(parser, object, "resource_class", &ok);
		alias->traits = nova_parse_string(parser, object, "traits", &ok);
		alias->name = strdup(nova_strip(name));
		if (!alias->policy)
			alias->policy = strdup("legacy");
		ok = ok && alias->name && alias->policy;
		parser->no_memory = parser->no_memory || !ok;
	}
	free(name);
	return ok &&
	       nova_parse_strict_switch(parser, object, "live_migratable",
					&alias->live_migratable) &&
	       check_same_name(parser, alias) && check_ids(parser, alias);
}

bool nova_alias_matches(const struct nova_alias *alias, const struct nova_tags *tags,
			const struct pci_device *device)
{
	const char *type = tags->type ? tags->type : nova_device_type(device);

	for (enum nova_field field = NOVA_VENDOR; field <= NOVA_PRODUCT; field++)
		if (alias->ids[field] >= 0 && alias->ids[field] != nova_value(device, field))
			return false;
	/* no alias can ask for devices that are managed remotely */
	if (!type || tags->remote_managed || (alias->capability_pci && !tags->capability_pci))
		return false;
	if (alias->live_migratable != NOVA_UNSET && alias->live_migratable != tags->live_migratable)
		return false;
	/* Nova assigns a PF only if the alias asks for type-PF */
	return alias->type ? strcasecmp(alias->type, type) == 0 : strcmp(type, "type-PF") != 0;
}
