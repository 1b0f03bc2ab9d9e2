/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/config.h"

#include "probe/yamlfile.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A configuration that is being read. */
struct reader {
	struct yamlfile file;
	const char *host;
	struct config *config;
	yaml_node_t *hosts; /* the map of :hosts:, laid over when the general keys are there */
};

/* The keys of a file or of one host, before they are laid over what was there. */
struct section {
	struct rule_list filters, addresses, names;
	uint16_t *vendors;
	size_t vendor_count;
	bool has_filters, has_addresses, has_names, has_vendors;
};

typedef void take_value(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value);

struct key {
	const char *name;
	take_value *take;
};

static void take_filters(struct reader *, struct section *, yaml_node_t *, yaml_node_t *);
static void take_addresses(struct reader *, struct section *, yaml_node_t *, yaml_node_t *);
static void take_names(struct reader *, struct section *, yaml_node_t *, yaml_node_t *);
static void take_vendors(struct reader *, struct section *, yaml_node_t *, yaml_node_t *);
static void take_hosts(struct reader *, struct section *, yaml_node_t *, yaml_node_t *);

/* Of a file; a host's section has all but the last. */
static const struct key KEYS[] = {
	{"filter", take_filters},
	{"short_address", take_addresses},
	{"device_name", take_names},
	{"nvidia_vendors", take_vendors},
	{"hosts", take_hosts},
};
#define KEY_COUNT (sizeof(KEYS) / sizeof(*KEYS))
#define KEYS_HELP ":filter:, :short_address:, :device_name:, :nvidia_vendors:"

/* A name read from the file, without the colon that makes it a symbol in Ruby. */
static const char *key_of(const yaml_node_t *node)
{
	const char *text = yaml_text(node);

	return text && *text == ':' ? text + 1 : text;
}

/* ---- values: one string, several in one with commas, or a list of either ---- */

typedef int add_text(struct reader *reader, struct section *section, const char *text, const char *place);

static void add_one(struct reader *reader, struct section *section, add_text *add, const char *text,
		    const char *place)
{
	int error = add(reader, section, text, place);

	if (error == -EINVAL)
		reader->file.faults++;
	else if (error < 0)
		reader->file.error = error;
}

static void add_scalar(struct reader *reader, struct section *section, add_text *add, bool commas,
		       const yaml_node_t *node)
{
	char place[YAML_PLACE_SIZE], *copy, *rest, *piece;

	yaml_place(&reader->file, node->start_mark, place);
	if (strlen(yaml_text(node)) != node->data.scalar.length) {
		yaml_fault(&reader->file, node, "a NUL character inside the text");
		return;
	}
	if (!commas) {
		add_one(reader, section, add, yaml_text(node), place);
		return;
	}
	rest = copy = strdup(yaml_text(node));
	if (!copy)
		reader->file.error = -ENOMEM;
	while ((piece = strsep(&rest, ","))) {
		piece += strspn(piece, " \t\n");
		for (size_t end = strlen(piece); end && strchr(" \t\n", piece[end - 1]);)
			piece[--end] = '\0';
		if (*piece)
			add_one(reader, section, add, piece, place);
	}
	free(copy);
}

static void add_texts(struct reader *reader, struct section *section, add_text *add, bool commas,
		      const yaml_node_t *key, const yaml_node_t *value)
{
	if (value->type == YAML_SCALAR_NODE) {
		add_scalar(reader, section, add, commas, value);
		return;
	}
	if (value->type != YAML_SEQUENCE_NODE) {
		yaml_fault(&reader->file, value, ":%s: must be a text or a list of texts, not a map", key_of(key));
		return;
	}
	for (yaml_node_item_t *item = value->data.sequence.items.start; item < value->data.sequence.items.top; item++) {
		yaml_node_t *node = yaml_document_get_node(&reader->file.document, *item);

		if (node->type != YAML_SCALAR_NODE)
			yaml_fault(&reader->file, node, "an item of :%s: must be a text. Is there a colon with a blank behind it? "
			      "Put quotes around the item", key_of(key));
		else if (yaml_is_null(node))
			yaml_fault(&reader->file, node, "an item of :%s: is empty; write it behind the dash or take the dash away",
			      key_of(key));
		else
			add_scalar(reader, section, add, commas, node);
	}
}

static void begin_list(struct reader *reader, struct rule_list *list, const char *name, enum rule_kind kind,
		       const yaml_node_t *key)
{
	list->key = name;
	list->kind = kind;
	yaml_place(&reader->file, key->start_mark, list->place);
}

static int add_filter(struct reader *reader, struct section *section, const char *text, const char *place)
{
	return rule_list_add(&section->filters, text, place, reader->file.log);
}

static int add_address(struct reader *reader, struct section *section, const char *text, const char *place)
{
	return rule_list_add(&section->addresses, text, place, reader->file.log);
}

static int add_name(struct reader *reader, struct section *section, const char *text, const char *place)
{
	return rule_list_add(&section->names, text, place, reader->file.log);
}

static int add_vendor(struct reader *reader, struct section *section, const char *text, const char *place)
{
	uint16_t *more;
	unsigned vendor;
	int end = 0;

	if (sscanf(text, "%4x%n", &vendor, &end) != 1 || text[end] ||
	    strspn(text, "0123456789abcdefABCDEF") != strlen(text)) {
		log_error(reader->file.log, "%s: '%s' is not a vendor id. Right would be four hex digits: 10de", place, text);
		return -EINVAL;
	}
	more = realloc(section->vendors, (section->vendor_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	section->vendors = more;
	more[section->vendor_count++] = (uint16_t)vendor;
	return 0;
}

static void take_filters(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value)
{
	begin_list(reader, &section->filters, ":filter:", RULE_FILTER, key);
	section->has_filters = true;
	if (yaml_is_null(value))
		return;
	section->filters.restricts = true; /* an empty list of filters takes nothing */
	add_texts(reader, section, add_filter, true, key, value);
}

static void take_addresses(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value)
{
	begin_list(reader, &section->addresses, ":short_address:", RULE_ADDRESS, key);
	section->has_addresses = true;
	if (!yaml_is_null(value))
		add_texts(reader, section, add_address, true, key, value);
}

static void take_names(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value)
{
	begin_list(reader, &section->names, ":device_name:", RULE_NAME, key);
	section->has_names = true;
	if (!yaml_is_null(value)) /* commas belong to the expression */
		add_texts(reader, section, add_name, false, key, value);
}

static void take_vendors(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value)
{
	section->has_vendors = true;
	if (!yaml_is_null(value))
		add_texts(reader, section, add_vendor, true, key, value);
}

/* ---- sections ---- */

static void section_free(struct section *section)
{
	rule_list_free(&section->filters);
	rule_list_free(&section->addresses);
	rule_list_free(&section->names);
	free(section->vendors);
	*section = (struct section){0};
}

static void move_list(struct rule_list *to, struct rule_list *from)
{
	rule_list_free(to);
	*to = *from;
	*from = (struct rule_list){0};
}

/* Key by key: what the section has stands instead of what was there. */
static void lay_over(struct config *config, struct section *section)
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
}

static const struct key *find_key(const char *name, size_t known)
{
	for (size_t i = 0; i < known; i++)
		if (strcmp(KEYS[i].name, name) == 0)
			return &KEYS[i];
	return NULL;
}

static bool is_repeated(struct reader *reader, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
	const yaml_node_t *key = yaml_document_get_node(&reader->file.document, pair->key), *earlier;

	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
		earlier = yaml_document_get_node(&reader->file.document, p->key);
		if (yaml_text(earlier) && strcmp(key_of(earlier), key_of(key)) == 0) {
			yaml_fault(&reader->file, key, "'%s' is here a second time, it stands in line %zu already. Keep one of them",
			      yaml_text(key), earlier->start_mark.line + 1);
			return true;
		}
	}
	return false;
}

/* The first KNOWN of KEYS are taken. */
static void read_section(struct reader *reader, const yaml_node_t *map, size_t known, struct section *section)
{
	char place[YAML_PLACE_SIZE];

	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(&reader->file.document, pair->key);
		const struct key *found;

		if (!yaml_text(key)) {
			yaml_fault(&reader->file, key, "a key must be a word: " KEYS_HELP);
			continue;
		}
		if (is_repeated(reader, map, pair))
			continue;
		found = find_key(key_of(key), known);
		if (found)
			found->take(reader, section, key, yaml_document_get_node(&reader->file.document, pair->value));
		else
			log_warning(reader->file.log, "%s: nobody knows the key '%s', it is passed over. Known are " KEYS_HELP "%s",
				    yaml_place(&reader->file, key->start_mark, place), yaml_text(key),
				    known == KEY_COUNT ? ", :hosts:" : "");
	}
}

static bool is_this_host(const char *pattern, const char *host)
{
	char first[65];

	if (fnmatch(pattern, host, FNM_CASEFOLD) == 0)
		return true;
	/* a host that knows its full name is also called by the first part */
	snprintf(first, sizeof(first), "%.*s", (int)strcspn(host, "."), host);
	return fnmatch(pattern, first, FNM_CASEFOLD) == 0;
}

static void take_hosts(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value)
{
	(void)section;
	(void)key;
	if (value->type == YAML_MAPPING_NODE)
		reader->hosts = value;
	else if (!yaml_is_null(value))
		yaml_fault(&reader->file, value, ":hosts: must be a map from host names to keys. Right would be "
		      "'host1: {filter: \"10de:*\"}'");
}

/* In the order of the file, so that a later one that fits too has the last word. */
static void read_hosts(struct reader *reader, const yaml_node_t *hosts)
{
	for (yaml_node_pair_t *pair = hosts->data.mapping.pairs.start; pair < hosts->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(&reader->file.document, pair->key);
		yaml_node_t *map = yaml_document_get_node(&reader->file.document, pair->value);
		struct section section = {0};

		if (!yaml_text(name)) {
			yaml_fault(&reader->file, name, "a host's name must be a word; * and ? in it match anything");
			continue;
		}
		if (is_repeated(reader, hosts, pair) || yaml_is_null(map))
			continue;
		if (map->type != YAML_MAPPING_NODE) {
			yaml_fault(&reader->file, map, "host '%s' must have a map of keys: " KEYS_HELP, yaml_text(name));
			continue;
		}
		/* other hosts' sections are read as well: a fault there is found on every host */
		read_section(reader, map, KEY_COUNT - 1, &section);
		if (is_this_host(yaml_text(name), reader->host))
			lay_over(reader->config, &section);
		section_free(&section);
	}
}

/* ---- the file ---- */

static void read_document(struct reader *reader)
{
	yaml_node_t *root = yaml_document_get_root_node(&reader->file.document);
	struct section section = {0};

	if (!root || yaml_is_null(root))
		return;
	if (root->type != YAML_MAPPING_NODE) {
		yaml_fault(&reader->file, root, "this must be a map of keys: " KEYS_HELP ", :hosts:");
		return;
	}
	read_section(reader, root, KEY_COUNT, &section);
	lay_over(reader->config, &section);
	section_free(&section);
	if (reader->hosts)
		read_hosts(reader, reader->hosts);
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
	*ret = config;
	return 0;
}

int config_parse(const char *path, const char *text, size_t length, const char *host, const struct log *log,
		 struct config **ret)
{
	struct reader reader = {.file = {.path = path, .log = log}, .host = host};
	struct config *config;
	int error = config_new_empty(&config);

	if (error < 0)
		return error;
	reader.config = config;
	/* a file without :filter: takes no card */
	config->filters = (struct rule_list){.key = ":filter:", .kind = RULE_FILTER, .restricts = true};
	snprintf(config->filters.place, sizeof(config->filters.place), "%s", path);
	config->path = strdup(path);
	error = config->path ? yaml_load(&reader.file, text, length) : -ENOMEM;
	if (!error)
		read_document(&reader);
	yaml_unload(&reader.file);
	if (!error)
		error = reader.file.error ? reader.file.error : reader.file.faults ? -EINVAL : 0;
	if (error < 0) {
		config_free(config);
		return error;
	}
	*ret = config;
	return 0;
}

static ssize_t read_file(const char *path, char *buffer, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	size_t length = 0;
	ssize_t n;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buffer + length, size - length)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (length += (size_t)n) == size)
			break;
	}
	n = n < 0 ? -errno : length == size ? -EFBIG : (ssize_t)length;
	close(fd);
	return n;
}

int config_load(const char *path, const char *host, const struct log *log, struct config **ret)
{
	char *text = malloc(CONFIG_SIZE_MAX);
	ssize_t length;
	int error;

	if (!text)
		return -ENOMEM;
	length = read_file(path, text, CONFIG_SIZE_MAX);
	if (length < 0) {
		error = (int)length;
		log_error(log, "%s: %s", path, error == -EFBIG ? "too large for a configuration" : strerror(-error));
	} else {
		error = config_parse(path, text, (size_t)length, host, log, ret);
	}
	free(text);
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
	free(config->path);
	free(config);
}
