/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/config/configkeys.h"

#include "probe/config/expectkeys.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static parse_value parse_addresses, parse_names, parse_vendors, parse_aliases, parse_owners,
	parse_vf_defaults, parse_hosts;
static parse_value parse_name, parse_role, parse_numa_node, parse_nova;
static parse_value parse_nova_value, parse_nova_traits, parse_nova_boolean;
static parse_value parse_vf_mac, parse_vf_vlan, parse_vf_switch, parse_vf_link_state, parse_vf_rate;

/* Keys of the file; a host section allows all but the last. */
static const struct key FILE_KEY_ROWS[] = {
	{"filter", section_parse_filters},
	{"short_address", parse_addresses},
	{"device_name", parse_names},
	{"nvidia_vendors", parse_vendors},
	{"alias", parse_aliases},
	{"owners", parse_owners},
	{"vf_defaults", parse_vf_defaults},
	{"expect", expect_parse},
	{"expect_complete", expect_parse_complete},
	{"hosts", parse_hosts},
};
#define KEYS(table, list) .rows = (table), .count = sizeof(table) / sizeof(*(table)), .help = (list)
static const struct keys FILE_KEYS = {KEYS(FILE_KEY_ROWS, SECTION_KEYS_HELP ", :hosts:"),
				      .colons = true};
static const struct keys HOST_KEYS = {.rows = FILE_KEY_ROWS,
				      .count = sizeof(FILE_KEY_ROWS) / sizeof(*FILE_KEY_ROWS) - 1,
				      .help = SECTION_KEYS_HELP,
				      .colons = true};

/* Keys of an item of :alias:. */
static const struct key ALIAS_KEY_ROWS[] = {
	{"name", parse_name},
	{"filter", section_parse_filters},
	{"short_address", parse_addresses},
	{"device_name", parse_names},
	{"role", parse_role},
	{"numa_node", parse_numa_node},
	{"nova", parse_nova},
};
#define ALIAS_KEYS_HELP "name, filter, short_address, device_name, role, numa_node, nova"
static const struct keys ALIAS_KEYS = {KEYS(ALIAS_KEY_ROWS, ALIAS_KEYS_HELP)};

/* Keys of the map nova of an alias: ALIAS_NOVA_KEYS. */
static const struct key NOVA_KEY_ROWS[] = {
	{"physical_network", parse_nova_value},	 {"resource_class", parse_nova_value},
	{"traits", parse_nova_traits},		 {"managed", parse_nova_boolean},
	{"live_migratable", parse_nova_boolean},
};
#define NOVA_KEYS_HELP "physical_network, resource_class, traits, managed, live_migratable"
static const struct keys NOVA_KEYS = {KEYS(NOVA_KEY_ROWS, NOVA_KEYS_HELP)};

/* Keys of the map :vf_defaults:. */
static const struct key VF_KEY_ROWS[] = {
	{"mac", parse_vf_mac},
	{"vlan", parse_vf_vlan},
	{"spoof_check", parse_vf_switch},
	{"trust", parse_vf_switch},
	{"rss_query", parse_vf_switch},
	{"link_state", parse_vf_link_state},
	{"min_rate", parse_vf_rate},
	{"max_rate", parse_vf_rate},
};
#define VF_KEYS_HELP "mac, vlan, spoof_check, trust, rss_query, link_state, min_rate, max_rate"
static const struct keys VF_KEYS = {KEYS(VF_KEY_ROWS, VF_KEYS_HELP)};

static void begin_list(struct yamlfile *file, struct rule_list *list, const char *name,
		       enum rule_kind kind, const yaml_node_t *key)
{
	list->key = name;
	list->kind = kind;
	yaml_location(file, key->start_mark, list->location);
}

static int add_filter(struct yamlfile *file, struct section *section, const char *text,
		      const char *location)
{
	return rule_list_add(&section->filters, text, location, file->log);
}

static int add_address(struct yamlfile *file, struct section *section, const char *text,
		       const char *location)
{
	return rule_list_add(&section->addresses, text, location, file->log);
}

static int add_name(struct yamlfile *file, struct section *section, const char *text,
		    const char *location)
{
	return rule_list_add(&section->names, text, location, file->log);
}

static int add_vendor(struct yamlfile *file, struct section *section, const char *text,
		      const char *location)
{
	uint16_t *vendors;
	unsigned vendor;
	int end = 0;

	if (sscanf(text, "%4x%n", &vendor, &end) != 1 || text[end] ||
	    strspn(text, "0123456789abcdefABCDEF") != strlen(text)) {
		log_error(file->log,
			  "%s: invalid vendor id '%s': expected four hex digits, e.g. 10de",
			  location, text);
		return -EINVAL;
	}
	vendors = realloc(section->vendors, (section->vendor_count + 1) * sizeof(*vendors));
	if (!vendors)
		return -ENOMEM;
	section->vendors = vendors;
	vendors[section->vendor_count++] = (uint16_t)vendor;
	return 0;
}

void section_parse_filters(struct yamlfile *file, struct section *section, yaml_node_t *key,
			   yaml_node_t *value)
{
	begin_list(file, &section->filters, ":filter:", RULE_FILTER, key);
	section->has_filters = true;
	if (yaml_is_null(value))
		return;
	section->filters.restricts = true; /* an empty list matches nothing */
	value_add_strings(file, section, add_filter, true, key, value);
}

static void parse_addresses(struct yamlfile *file, struct section *section, yaml_node_t *key,
			    yaml_node_t *value)
{
	begin_list(file, &section->addresses, ":short_address:", RULE_ADDRESS, key);
	section->has_addresses = true;
	if (!yaml_is_null(value))
		value_add_strings(file, section, add_address, true, key, value);
}

static void parse_names(struct yamlfile *file, struct section *section, yaml_node_t *key,
			yaml_node_t *value)
{
	begin_list(file, &section->names, ":device_name:", RULE_NAME, key);
	section->has_names = true;
	if (!yaml_is_null(value)) /* commas belong to the expression */
		value_add_strings(file, section, add_name, false, key, value);
}

static void parse_vendors(struct yamlfile *file, struct section *section, yaml_node_t *key,
			  yaml_node_t *value)
{
	section->has_vendors = true;
	if (!yaml_is_null(value))
		value_add_strings(file, section, add_vendor, true, key, value);
}

/* ---- :owners: and :hosts: ---- */

static int add_source(struct yamlfile *file, struct section *section, const char *text,
		      const char *location)
{
	return sources_parse(text, location, file->log, &section->owners);
}

static void parse_owners(struct yamlfile *file, struct section *section, yaml_node_t *key,
			 yaml_node_t *value)
{
	if (yaml_is_null(value))
		return; /* as without the key */
	section->has_owners = true;
	value_add_strings(file, section, add_source, true, key, value);
}

static void parse_hosts(struct yamlfile *file, struct section *section, yaml_node_t *key,
			yaml_node_t *value)
{
	(void)key;
	if (value->type == YAML_MAPPING_NODE)
		section->hosts = value;
	else if (!yaml_is_null(value))
		yaml_error(
			file, value,
			":hosts: must be a map of host names, e.g. 'host1: {filter: \"10de:*\"}'");
}

/* ---- :alias: ---- */

static void parse_name(struct yamlfile *file, struct section *section, yaml_node_t *key,
		       yaml_node_t *value)
{
	const char *text = value_string(file, key, value);

	if (!text)
		return;
	if (strcmp(text, ALIAS_NAME_RESERVED) == 0) {
		yaml_error(file, value, "invalid alias name '%s': reserved", text);
		return;
	}
	if (!alias_is_name(text)) {
		yaml_error(
			file, value,
			"invalid alias name '%s': expected up to 64 letters, digits and '. _ + -', the first a "
			"letter or a digit",
			text);
		return;
	}
	section->alias.name = strdup(text);
	if (!section->alias.name)
		file->error = -ENOMEM;
}

static void parse_role(struct yamlfile *file, struct section *section, yaml_node_t *key,
		       yaml_node_t *value)
{
	static const char *const roles[] = {
		[SRIOV_NONE] = "pci", [SRIOV_PF] = "pf", [SRIOV_VF] = "vf"};
	const char *text = value_string(file, key, value);

	for (unsigned i = 0; text && i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(text, roles[i]) == 0) {
			section->alias.has_role = true;
			section->alias.role = i;
			return;
		}
	if (text)
		yaml_error(file, value, "invalid role '%s': expected pf, vf or pci", text);
}

static void parse_numa_node(struct yamlfile *file, struct section *section, yaml_node_t *key,
			    yaml_node_t *value)
{
	const char *text = value_string(file, key, value);

	if (!text)
		return;
	section->alias.has_numa_node = value_number(text, 5, &section->alias.numa_node);
	if (!section->alias.has_numa_node)
		yaml_error(file, value, "numa_node must be a number, e.g. 0, not '%s'", text);
}

/* ---- nova: of an alias ---- */

static void parse_nova(struct yamlfile *file, struct section *section, yaml_node_t *key,
		       yaml_node_t *value)
{
	(void)key;
	if (value->type == YAML_MAPPING_NODE)
		keys_read(file, value, &NOVA_KEYS, section);
	else if (!yaml_is_null(value))
		yaml_error(file, value, "nova must be a map of keys: " NOVA_KEYS_HELP);
}

static char **nova_value(struct section *section, const yaml_node_t *key)
{
	size_t i = 0;

	while (i < ALIAS_NOVA_COUNT - 1 && strcmp(ALIAS_NOVA_KEYS[i], key_name(key)) != 0)
		i++;
	return &section->alias.nova[i];
}

static void set_nova_value(struct yamlfile *file, char **ret, const char *text)
{
	*ret = strdup(text);
	if (!*ret)
		file->error = -ENOMEM;
}

static void parse_nova_value(struct yamlfile *file, struct section *section, yaml_node_t *key,
			     yaml_node_t *value)
{
	const char *text = value_string(file, key, value);

	if (text && alias_is_nova_value(text))
		set_nova_value(file, nova_value(section, key), text);
	else if (text)
		yaml_error(file, value,
			   "invalid %s '%s': expected up to 255 letters, digits and '. _ + : / -'",
			   key_name(key), text);
}

#define NOVA_TRAITS_SIZE_MAX 4096

static int add_trait(struct yamlfile *file, struct section *section, const char *text,
		     const char *location)
{
	char **traits = &section->alias.nova[ALIAS_NOVA_TRAITS], *longer;

	if (!alias_is_nova_value(text)) {
		log_error(
			file->log,
			"%s: invalid trait '%s': expected up to 255 letters, digits and '. _ + : / -'",
			location, text);
		return -EINVAL;
	}
	if (*traits && strlen(*traits) > NOVA_TRAITS_SIZE_MAX) {
		log_error(file->log, "%s: too many traits", location);
		return -EINVAL;
	}
	if (asprintf(&longer, "%s%s%s", *traits ? *traits : "", *traits ? "," : "", text) < 0)
		return -ENOMEM;
	free(*traits);
	*traits = longer;
	return 0;
}

static void parse_nova_traits(struct yamlfile *file, struct section *section, yaml_node_t *key,
			      yaml_node_t *value)
{
	if (!yaml_is_null(value))
		value_add_strings(file, section, add_trait, true, key, value);
}

/* The values that Nova accepts. */
static void parse_nova_boolean(struct yamlfile *file, struct section *section, yaml_node_t *key,
			       yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	int boolean = text ? text_boolean(text, strlen(text)) : 0;

	if (boolean < 0)
		yaml_error(file, value, "%s must be yes or no, not '%s'", key_name(key), text);
	else if (text)
		set_nova_value(file, nova_value(section, key), boolean ? "yes" : "no");
}

static bool has_nova(const struct alias *alias)
{
	for (size_t i = 0; i < ALIAS_NOVA_COUNT; i++)
		if (alias->nova[i])
			return true;
	return false;
}

/* Items with the same name are one alias. */
static void check_nova(struct yamlfile *file, const yaml_node_t *map, const struct section *section,
		       const struct alias *alias)
{
	for (size_t i = 0; i < section->alias_count && has_nova(alias); i++) {
		const struct alias *other = &section->aliases[i];

		if (other->name && strcmp(other->name, alias->name) == 0 && has_nova(other)) {
			yaml_error(file, map,
				   "another item of alias '%s' has nova already: one item has it "
				   "for all",
				   alias->name);
			return;
		}
	}
}

static void read_alias(struct yamlfile *file, const yaml_node_t *map, struct section *section)
{
	struct section item = {0};
	struct alias *alias = realloc(section->aliases,
				      (section->alias_count + 1) * sizeof(*alias));
	unsigned errors_before = file->error_count;

	if (!alias) {
		file->error = -ENOMEM;
		return;
	}
	section->aliases = alias;
	keys_read(file, map, &ALIAS_KEYS, &item);
	/* an invalid value looks like a missing one */
	if (file->error_count == errors_before && !item.alias.name)
		yaml_error(file, map,
			   "alias without a name, e.g. '- {name: a1, filter: \"8086:1520\"}'");
	else if (file->error_count == errors_before && !item.has_filters && !item.has_addresses &&
		 !item.has_names && !item.alias.has_role && !item.alias.has_numa_node)
		yaml_error(
			file, map,
			"alias '%s' has no condition: add filter, short_address, device_name, role or numa_node",
			item.alias.name);
	else if (file->error_count == errors_before)
		check_nova(file, map, section, &item.alias);
	alias = &section->aliases[section->alias_count++];
	*alias = item.alias;
	alias->filters = item.filters;
	alias->addresses = item.addresses;
	alias->names = item.names;
}

static void parse_aliases(struct yamlfile *file, struct section *section, yaml_node_t *key,
			  yaml_node_t *value)
{
	(void)key;
	section->has_aliases = true;
	if (yaml_is_null(value))
		return;
	if (value->type != YAML_SEQUENCE_NODE) {
		yaml_error(
			file, value,
			":alias: must be a list of maps, e.g. '- {name: a1, filter: \"8086:1520\"}'");
		return;
	}
	for (yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++) {
		yaml_node_t *node = yaml_document_get_node(&file->document, *item);

		if (node->type == YAML_MAPPING_NODE)
			read_alias(file, node, section);
		else
			yaml_error(file, node,
				   "each item of :alias: must be a map of keys: " ALIAS_KEYS_HELP);
	}
}

/* ---- :vf_defaults: ---- */

static void parse_vf_defaults(struct yamlfile *file, struct section *section, yaml_node_t *key,
			      yaml_node_t *value)
{
	(void)key;
	section->has_vf_defaults = true;
	if (value->type == YAML_MAPPING_NODE)
		keys_read(file, value, &VF_KEYS, section);
	else if (!yaml_is_null(value))
		yaml_error(file, value, ":vf_defaults: must be a map of keys: " VF_KEYS_HELP);
}

/* Each VF has another one. */
static void parse_vf_mac(struct yamlfile *file, struct section *section, yaml_node_t *key,
			 yaml_node_t *value)
{
	const char *text = value_string(file, key, value);

	section->vf_defaults.any_mac = text && strcmp(text, "any") == 0;
	if (text && !section->vf_defaults.any_mac)
		yaml_error(file, value, "mac must be any, not '%s'", text);
}

static void parse_vf_vlan(struct yamlfile *file, struct section *section, yaml_node_t *key,
			  yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	unsigned vlan;

	if (!text)
		return;
	if (value_number(text, 4, &vlan) && vlan < 4095)
		section->vf_defaults.vlan = vlan;
	else
		yaml_error(file, value, "vlan must be a number from 0 to 4094, not '%s'", text);
}

static void parse_vf_switch(struct yamlfile *file, struct section *section, yaml_node_t *key,
			    yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	int on = text ? text_boolean(text, strlen(text)) : -1;

	if (text && on < 0)
		yaml_error(file, value, "%s must be true or false, not '%s'", key_name(key), text);
	else if (strcmp(key_name(key), "spoof_check") == 0)
		section->vf_defaults.no_spoof_check = on == 0;
	else if (strcmp(key_name(key), "trust") == 0)
		section->vf_defaults.trust = on == 1;
	else
		section->vf_defaults.rss_query = on == 1;
}

static void parse_vf_link_state(struct yamlfile *file, struct section *section, yaml_node_t *key,
				yaml_node_t *value)
{
	static const char *const states[] = {"auto", "enable", "disable"};
	const char *text = value_string(file, key, value);

	for (size_t i = 0; text && i < sizeof(states) / sizeof(*states); i++)
		if (strcmp(text, states[i]) == 0) {
			section->vf_defaults.link_state = states[i];
			return;
		}
	if (text)
		yaml_error(file, value, "invalid link_state '%s': expected auto, enable or disable",
			   text);
}

static void parse_vf_rate(struct yamlfile *file, struct section *section, yaml_node_t *key,
			  yaml_node_t *value)
{
	const char *text = value_string(file, key, value);
	bool is_min = strcmp(key_name(key), "min_rate") == 0;
	unsigned rate;

	if (!text)
		return;
	if (!value_number(text, 9, &rate))
		yaml_error(file, value, "%s must be a number of Mbit/s, e.g. 1000, not '%s'",
			   key_name(key), text);
	else if (is_min)
		section->vf_defaults.min_rate = rate;
	else
		section->vf_defaults.max_rate = rate;
}

/* ---- sections ---- */

void section_read_file(struct yamlfile *file, const yaml_node_t *map, struct section *section)
{
	keys_read(file, map, &FILE_KEYS, section);
}

void section_read_host(struct yamlfile *file, const yaml_node_t *map, struct section *section)
{
	keys_read(file, map, &HOST_KEYS, section);
}

void section_free(struct section *section)
{
	rule_list_free(&section->filters);
	rule_list_free(&section->addresses);
	rule_list_free(&section->names);
	free(section->vendors);
	alias_free_members(&section->alias);
	for (size_t i = 0; i < section->alias_count; i++)
		alias_free_members(&section->aliases[i]);
	free(section->aliases);
	expectation_free_members(&section->expectation);
	expectations_free_members(&section->expectations);
	*section = (struct section){0};
}
