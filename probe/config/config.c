/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/config/config.h"

#include "probe/config/configkeys.h"
#include "probe/nearest.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void move_list(struct rule_list *to, struct rule_list *from)
{
	rule_list_free(to);
	*to = *from;
	*from = (struct rule_list){0};
}

static void free_aliases(struct config *config)
{
	for (size_t i = 0; i < config->alias_count; i++)
		alias_free_members(&config->aliases[i]);
	free(config->aliases);
}

static void set_complete(struct expectations *to, const struct expectations *from)
{
	to->complete = from->complete;
	strcpy(to->complete_location, from->complete_location);
}

/* :expect_complete: is a key of its own. */
static void move_expectations(struct expectations *to, struct expectations *from)
{
	struct expectations moved = {.items = from->items, .count = from->count};

	set_complete(&moved, to);
	expectations_free_members(to);
	*to = moved;
	from->items = NULL;
	from->count = 0;
}

/* Each key of the section replaces the previous value. */
static void merge_section(struct config *config, struct section *section)
{
	if (section->has_filters)
		move_list(&config->filters, &section->filters);
	if (section->has_addresses)
		move_list(&config->addresses, &section->addresses);
	if (section->has_names)
		move_list(&config->names, &section->names);
	if (section->has_vendors) {
		free(config->nvidia_vendors);
		config->nvidia_vendors = section->vendors;
		config->nvidia_vendor_count = section->vendor_count;
		section->vendors = NULL;
	}
	if (section->has_aliases) {
		free_aliases(config);
		config->aliases = section->aliases;
		config->alias_count = section->alias_count;
		section->aliases = NULL;
		section->alias_count = 0;
	}
	if (section->has_owners)
		config->owners = section->owners & OWNER_ALL;
	if (section->has_vf_defaults)
		config->vf_defaults = section->vf_defaults;
	if (section->has_expect)
		move_expectations(&config->expectations, &section->expectations);
	if (section->has_complete)
		set_complete(&config->expectations, &section->expectations);
}

static bool is_this_host(const char *pattern, const char *host)
{
	char first[65];

	if (fnmatch(pattern, host, FNM_CASEFOLD) == 0)
		return true;
	/* if the host name is fully qualified, its first label matches too */
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(host, "."), host);
	return fnmatch(pattern, first, FNM_CASEFOLD) == 0;
}

/* Why PATTERN can never match: fnmatch(3) treats an unclosed '[' literally, and no host name
 * contains one. NULL if it can. */
static const char *pattern_error(const char *pattern)
{
	for (const char *at = pattern; *at; at++) {
		if (*at == '\\') {
			if (!*++at)
				return "'\\' at its end";
			continue;
		}
		if (*at != '[')
			continue;
		at += 1 + (at[1] == '!' || at[1] == '^');
		at = *at ? strchr(at + 1, ']') : NULL; /* a first ']' is one of the characters */
		if (!at)
			return "'[' without ']'";
	}
	return NULL;
}

/* Merges matching sections in the order of the file: later ones override earlier ones. */
static void read_hosts(struct yamlfile *file, const yaml_node_t *hosts, const char *host,
		       struct config *config)
{
	for (yaml_node_pair_t *pair = hosts->data.mapping.pairs.start;
	     pair < hosts->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(&file->document, pair->key);
		yaml_node_t *map = yaml_document_get_node(&file->document, pair->value);
		struct section section = {0};
		const char *problem;

		if (!yaml_string(name)) {
			yaml_error(file, name,
				   "a host name must be a string; * and ? in it match anything");
			continue;
		}
		problem = pattern_error(yaml_string(name));
		if (problem)
			yaml_error(file, name, "invalid host pattern '%s': %s", yaml_string(name),
				   problem);
		if (key_is_repeated(file, hosts, pair) || yaml_is_null(map))
			continue;
		if (map->type != YAML_MAPPING_NODE) {
			yaml_error(file, map, "host '%s' must be a map of keys: " SECTION_KEYS_HELP,
				   yaml_string(name));
			continue;
		}
		/* parse the sections of other hosts too, so that errors are found on every host */
		section_read_host(file, map, &section);
		if (is_this_host(yaml_string(name), host))
			merge_section(config, &section);
		section_free(&section);
	}
}

/* An item with a misspelled alias would always have a finding. */
static void check_expected_aliases(struct yamlfile *file, const struct config *config)
{
	for (size_t i = 0; i < config->expectations.count; i++) {
		const struct expectation *item = &config->expectations.items[i];
		struct nearest nearest = {.word = item->alias};
		char hint[NEAREST_HINT_SIZE];
		bool found = !item->alias;

		for (size_t j = 0; j < config->alias_count && !found; j++) {
			const char *name = config->aliases[j].name;

			/* one without a name has been logged */
			found = !name || strcmp(name, item->alias) == 0;
			if (!found)
				nearest_try(&nearest, name);
		}
		if (found)
			continue;
		log_error(file->log, "%s: :alias: of this host has no alias '%s'%s", item->location,
			  item->alias, nearest_hint(&nearest, hint));
		file->error_count++;
	}
}

static void read_document(struct yamlfile *file, const char *host, struct config *config)
{
	yaml_node_t *root = yaml_document_get_root_node(&file->document);
	struct section section = {0};

	config->is_empty = !root || yaml_is_null(root);
	if (config->is_empty)
		return;
	if (root->type != YAML_MAPPING_NODE) {
		yaml_error(file, root,
			   "the file must be a map of keys: " SECTION_KEYS_HELP ", :hosts:");
		return;
	}
	section_read_file(file, root, &section);
	merge_section(config, &section);
	if (section.hosts)
		read_hosts(file, section.hosts, host, config);
	check_expected_aliases(file, config);
	section_free(&section);
}

int config_new_empty(struct config **ret)
{
	struct config *config = calloc(1, sizeof(*config));

	if (!config)
		return -ENOMEM;
	config->nvidia_vendors = malloc(sizeof(*config->nvidia_vendors));
	if (!config->nvidia_vendors) {
		free(config);
		return -ENOMEM;
	}
	config->nvidia_vendors[0] = 0x10de;
	config->nvidia_vendor_count = 1;
	config->owners = OWNER_ALL;
	*ret = config;
	return 0;
}

int config_parse(const char *path, const char *text, size_t length, const char *host,
		 const struct log *log, struct config **ret)
{
	struct yamlfile file = {.path = path, .log = log};
	struct config *config;
	int error = config_new_empty(&config);

	if (error < 0)
		return error;
	/* a file without :filter: matches no device */
	config->filters =
		(struct rule_list){.key = ":filter:", .kind = RULE_FILTER, .restricts = true};
	snprintf(config->filters.location, sizeof(config->filters.location), "%s", path);
	config->path = strdup(path);
	error = config->path ? yaml_load(&file, text, length) : -ENOMEM;
	if (!error)
		read_document(&file, host, config);
	yaml_unload(&file);
	if (!error)
		error = file.error ? file.error : file.error_count ? -EINVAL : 0;
	if (error < 0) {
		config_free(config);
		return error;
	}
	*ret = config;
	return 0;
}

ssize_t config_read(int fd, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while ((n = read(fd, buffer + length, size - length)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (length += (size_t)n) == size)
			break;
	}
	return n < 0 ? -errno : length == size ? -EFBIG : (ssize_t)length;
}

int config_load_fd(const char *path, int fd, const char *host, const struct log *log,
		   struct config **ret)
{
	char *text = malloc(CONFIG_SIZE_MAX);
	ssize_t length;
	int error;

	if (!text)
		return -ENOMEM;
	length = config_read(fd, text, CONFIG_SIZE_MAX);
	error = length < 0 ? (int)length : config_parse(path, text, (size_t)length, host, log, ret);
	free(text);
	if (length == -EFBIG)
		log_error(log, "%s: file too large (limit %u bytes)", path, CONFIG_SIZE_MAX - 1);
	else if (length < 0)
		log_error(log, "%s: %s", path, strerror(-error));
	return error;
}

int config_load(const char *path, const char *host, const struct log *log, struct config **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), error;

	if (fd < 0) {
		error = -errno;
		log_error(log, "%s: %s", path, strerror(errno));
		return error;
	}
	error = config_load_fd(path, fd, host, log, ret);
	close(fd);
	return error;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	rule_list_free(&config->filters);
	rule_list_free(&config->addresses);
	rule_list_free(&config->names);
	free(config->nvidia_vendors);
	free_aliases(config);
	expectations_free_members(&config->expectations);
	free(config->path);
	free(config);
}
