/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/config/configkeys.h"

#include "probe/nearest.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef void parse_value(struct yamlfile *file, struct section *section, yaml_node_t *key,
			 yaml_node_t *value);

struct key {
	const char *name;
	parse_value *parse;
};

static parse_value parse_filters, parse_addresses, parse_names, parse_vendors, parse_aliases,
	parse_owners, parse_vf_defaults, parse_hosts;
static parse_value parse_name, parse_role, parse_numa_node, parse_nova;
static parse_value parse_nova_value, parse_nova_traits, parse_nova_boolean;
static parse_value parse_vf_mac, parse_vf_vlan, parse_vf_switch, parse_vf_link_state, parse_vf_rate;

/* Keys of the file; a host section allows all but the last. */
static const struct key FILE_KEYS[] = {
	{"filter", parse_filters},	    {"short_address", parse_addresses},
	{"device_name", parse_names},	    {"nvidia_vendors", parse_vendors},
	{"alias", parse_aliases},	    {"owners", parse_owners},
	{"vf_defaults", parse_vf_defaults}, {"hosts", parse_hosts},
};
#define FILE_KEY_COUNT (sizeof(FILE_KEYS) / sizeof(*FILE_KEYS))

/* Keys of an item of :alias:. */
static const struct key ALIAS_KEYS[] = {
	{"name", parse_name},	      {"filter", parse_filters}, {"short_address", parse_addresses},
	{"device_name", parse_names}, {"role", parse_role},	 {"numa_node", parse_numa_node},
	{"nova", parse_nova},
};
#define ALIAS_KEY_COUNT (sizeof(ALIAS_KEYS) / sizeof(*ALIAS_KEYS))
#define ALIAS_KEYS_HELP "name, filter, short_address, device_name, role, numa_node, nova"

/* Keys of the map nova of an alias: ALIAS_NOVA_KEYS. */
static const struct key NOVA_KEYS[] = {
	{"physical_network", parse_nova_value},	 {"resource_class", parse_nova_value},
	{"traits", parse_nova_traits},		 {"managed", parse_nova_boolean},
	{"live_migratable", parse_nova_boolean},
};
#define NOVA_KEYS_HELP "physical_network, resource_class, traits, managed, live_migratable"

/* Keys of the map :vf_defaults:. */
static const struct key VF_KEYS[] = {
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

/* The name of a key, without the leading colon of a Ruby symbol. */
static const char *key_of(const yaml_node_t *node)
{
	const char *name = yaml_string(node);

	return name && *name == ':' ? name + 1 : name;
}

/* ---- keys ---- */

static const struct key *find_key(const struct key *keys, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

bool section_key_is_repeated(struct yamlfile *file, const yaml_node_t *map,
			     const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(&file->document, pair->key), *earlier;

	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
		earlier = yaml_document_get_node(&file->document, p->key);
		if (yaml_string(earlier) && strcmp(key_of(earlier), key_of(key)) == 0) {
			yaml_error(file, key, "duplicate key '%s' (first on line %zu)",
				   yaml_string(key), earlier->start_mark.line + 1);
			return true;
		}
	}
	return false;
}

static void warn_unknown_key(const struct yamlfile *file, const yaml_node_t *key,
			     const struct key *keys, size_t count, const char *help)
{
	struct nearest nearest = {.word = key_of(key)};
	const char *colon = keys == FILE_KEYS ? ":" : "";
	char location[YAML_LOCATION_SIZE];

	for (size_t i = 0; i < count; i++)
		nearest_try(&nearest, keys[i].name);
	yaml_location(file, key->start_mark, location);
	if (nearest.found)
		log_warning(file->log, "%s: unknown key '%s' ignored (did you mean '%s%s%s'?)",
			    location, yaml_string(key), colon, nearest.found, colon);
	else
		log_warning(file->log, "%s: unknown key '%s' ignored; valid keys: %s", location,
			    yaml_string(key), help);
}

/* HELP lists the COUNT keys. */
static void read_keys(struct yamlfile *file, const yaml_node_t *map, const struct key *keys,
		      size_t count, const char *help, struct section *section)
{
	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start;
	     pair < map->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&file->document, pair->key);
		const struct key *found;

		if (!yaml_string(key)) {
			yaml_error(file, key, "a key must be a string; valid keys: %s", help);
			continue;
		}
		if (section_key_is_repeated(file, map, pair))
			continue;
		found = find_key(keys, count, key_of(key));
		if (found)
			found->parse(file, section, key,
				     yaml_document_get_node(&file->document, pair->value));
		else
			warn_unknown_key(file, key, keys, count, help);
	}
}

/* ---- values: a string, a comma-separated string, or a list of either ---- */

typedef int add_string(struct yamlfile *file, struct section *section, const char *text,
		       const char *location);

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

static void add_strings(struct yamlfile *file, struct section *section, add_string *add,
			bool commas, const yaml_node_t *key, const yaml_node_t *value)
{
	if (value->type == YAML_SCALAR_NODE) {
		add_scalar(file, section, add, commas, value);
		return;
	}
	if (value->type != YAML_SEQUENCE_NODE) {
		yaml_error(file, value, ":%s: must be a string or a list of strings, not a map",
			   key_of(key));
		return;
	}
	for (yaml_node_item_t *item = value->data.sequence.items.start;
	     item < value->data.sequence.items.top; item++) {
		yaml_node_t *node = yaml_document_get_node(&file->document, *item);

		if (node->type != YAML_SCALAR_NODE)
			yaml_error(
				file, node,
				"each item of :%s: must be a string; quote values that contain ': '",
				key_of(key));
		else if (yaml_is_null(node))
			yaml_error(file, node, "empty item in :%s:", key_of(key));
		else
			add_scalar(file, section, add, commas, node);
	}
}

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

static void parse_filters(struct yamlfile *file, struct section *section, yaml_node_t *key,
			  yaml_node_t *value)
{
	begin_list(file, &section->filters, ":filter:", RULE_FILTER, key);
	section->has_filters = true;
	if (yaml_is_null(value))
		return;
	section->filters.restricts = true; /* an empty list matches nothing */
	add_strings(file, section, add_filter, true, key, value);
}

static void parse_addresses(struct yamlfile *file, struct section *section, yaml_node_t *key,
			    yaml_node_t *value)
{
	begin_list(file, &section->addresses, ":short_address:", RULE_ADDRESS, key);
	section->has_addresses = true;
	if (!yaml_is_null(value))
		add_strings(file, section, add_address, true, key, value);
}

static void parse_names(struct yamlfile *file, struct section *section, yaml_node_t *key,
			yaml_node_t *value)
{
	begin_list(file, &section->names, ":device_name:", RULE_NAME, key);
	section->has_names = true;
	if (!yaml_is_null(value)) /* commas belong to the expression */
		add_strings(file, section, add_name, false, key, value);
}

static void parse_vendors(struct yamlfile *file, struct section *section, yaml_node_t *key,
			  yaml_node_t *value)
{
	section->has_vendors = true;
	if (!yaml_is_null(value))
		add_strings(file, section, add_vendor, true, key, value);
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
	add_strings(file, section, add_source, true, key, value);
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

/* The value of a key that must be a single string; NULL for anything else (logged). */
static const char *single_string(struct yamlfile *file, const yaml_node_t *key,
				 const yaml_node_t *value)
{
	if (value->type == YAML_SCALAR_NODE && !yaml_is_null(value) &&
	    strlen(yaml_string(value)) == value->data.scalar.length)
		return yaml_string(value);
	yaml_error(file, value, "%s must be one string", key_of(key));
	return NULL;
}

static void parse_name(struct yamlfile *file, struct section *section, yaml_node_t *key,
		       yaml_node_t *value)
{
	const char *text = single_string(file, key, value);

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
	const char *text = single_string(file, key, value);

	for (unsigned i = 0; text && i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(text, roles[i]) == 0) {
			section->alias.has_role = true;
			section->alias.role = i;
			return;
		}
	if (text)
		yaml_error(file, value, "invalid role '%s': expected pf, vf or pci", text);
}

/* Whether TEXT is a decimal number of at most DIGITS digits, less than 10. */
static bool read_number(const char *text, size_t digits, unsigned *ret)
{
	size_t length = strspn(text, "0123456789");

	if (!length || length > digits || text[length])
		return false;
	*ret = (unsigned)strtoul(text, NULL, 10);
	return true;
}

static void parse_numa_node(struct yamlfile *file, struct section *section, yaml_node_t *key,
			    yaml_node_t *value)
{
	const char *text = single_string(file, key, value);

	if (!text)
		return;
	section->alias.has_numa_node = read_number(text, 5, &section->alias.numa_node);
	if (!section->alias.has_numa_node)
		yaml_error(file, value, "numa_node must be a number, e.g. 0, not '%s'", text);
}

/* ---- nova: of an alias ---- */

static void parse_nova(struct yamlfile *file, struct section *section, yaml_node_t *key,
		       yaml_node_t *value)
{
	(void)key;
	if (value->type == YAML_MAPPING_NODE)
		read_keys(file, value, NOVA_KEYS, sizeof(NOVA_KEYS) / sizeof(*NOVA_KEYS),
			  NOVA_KEYS_HELP, section);
	else if (!yaml_is_null(value))
		yaml_error(file, value, "nova must be a map of keys: " NOVA_KEYS_HELP);
}

static char **nova_value(struct section *section, const yaml_node_t *key)
{
	size_t i = 0;

	while (i < ALIAS_NOVA_COUNT - 1 && strcmp(ALIAS_NOVA_KEYS[i], key_of(key)) != 0)
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
	const char *text = single_string(file, key, value);

	if (text && alias_is_nova_value(text))
		set_nova_value(file, nova_value(section, key), text);
	else if (text)
		yaml_error(file, value,
			   "invalid %s '%s': expected up to 255 letters, digits and '. _ + : / -'",
			   key_of(key), text);
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
		add_strings(file, section, add_trait, true, key, value);
}

/* The values that Nova accepts. */
static void parse_nova_boolean(struct yamlfile *file, struct section *section, yaml_node_t *key,
			       yaml_node_t *value)
{
	const char *text = single_string(file, key, value);
	int boolean = text ? text_boolean(text, strlen(text)) : 0;

	if (boolean < 0)
		yaml_error(file, value, "%s must be yes or no, not '%s'", key_of(key), text);
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
	read_keys(file, map, ALIAS_KEYS, ALIAS_KEY_COUNT, ALIAS_KEYS_HELP, &item);
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
		read_keys(file, value, VF_KEYS, sizeof(VF_KEYS) / sizeof(*VF_KEYS), VF_KEYS_HELP,
			  section);
	else if (!yaml_is_null(value))
		yaml_error(file, value, ":vf_defaults: must be a map of keys: " VF_KEYS_HELP);
}

/* Each VF has another one. */
static void parse_vf_mac(struct yamlfile *file, struct section *section, yaml_node_t *key,
			 yaml_node_t *value)
{
	const char *text = single_string(file, key, value);

	section->vf_defaults.any_mac = text && strcmp(text, "any") == 0;
	if (text && !section->vf_defaults.any_mac)
		yaml_error(file, value, "mac must be any, not '%s'", text);
}

static void parse_vf_vlan(struct yamlfile *file, struct section *section, yaml_node_t *key,
			  yaml_node_t *value)
{
	const char *text = single_string(file, key, value);
	unsigned vlan;

	if (!text)
		return;
	if (read_number(text, 4, &vlan) && vlan < 4095)
		section->vf_defaults.vlan = vlan;
	else
		yaml_error(file, value, "vlan must be a number from 0 to 4094, not '%s'", text);
}

static void parse_vf_switch(struct yamlfile *file, struct section *section, yaml_node_t *key,
			    yaml_node_t *value)
{
	const char *text = single_string(file, key, value);
	int on = text ? text_boolean(text, strlen(text)) : -1;

	if (text && on < 0)
		yaml_error(file, value, "%s must be true or false, not '%s'", key_of(key), text);
	else if (strcmp(key_of(key), "spoof_check") == 0)
		section->vf_defaults.no_spoof_check = on == 0;
	else if (strcmp(key_of(key), "trust") == 0)
		section->vf_defaults.trust = on == 1;
	else
		section->vf_defaults.rss_query = on == 1;
}

static void parse_vf_link_state(struct yamlfile *file, struct section *section, yaml_node_t *key,
				yaml_node_t *value)
{
	static const char *const states[] = {"auto", "enable", "disable"};
	const char *text = single_string(file, key, value);

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
	const char *text = single_string(file, key, value);
	bool is_min = strcmp(key_of(key), "min_rate") == 0;
	unsigned rate;

	if (!text)
		return;
	if (!read_number(text, 9, &rate))
		yaml_error(file, value, "%s must be a number of Mbit/s, e.g. 1000, not '%s'",
			   key_of(key), text);
	else if (is_min)
		section->vf_defaults.min_rate = rate;
	else
		section->vf_defaults.max_rate = rate;
}

/* ---- sections ---- */

void section_read_file(struct yamlfile *file, const yaml_node_t *map, struct section *section)
{
	read_keys(file, map, FILE_KEYS, FILE_KEY_COUNT, SECTION_KEYS_HELP ", :hosts:", section);
}

void section_read_host(struct yamlfile *file, const yaml_node_t *map, struct section *section)
{
	read_keys(file, map, FILE_KEYS, FILE_KEY_COUNT - 1, SECTION_KEYS_HELP, section);
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
	*section = (struct section){0};
}
