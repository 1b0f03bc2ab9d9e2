/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/config.h"

#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

/* A configuration that is being read. Faults are counted, so that one run names them all. */
struct reader {
	const char *path;
	const char *host;
	const struct log *log;
	yaml_document_t *document;
	struct config *config;
	yaml_node_t *hosts; /* the map of :hosts:, laid over when the general keys are there */
	unsigned faults;
	int error; /* of the machine, not of the file */
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

/* ---- nodes ---- */

#define PATH_SHOWN_MAX 240

/* Of a very long path the end is shown, so that line and column always are. */
static const char *place_of(const struct reader *reader, yaml_mark_t mark, char *buffer, size_t size)
{
	size_t length = strlen(reader->path);
	bool cut = length > PATH_SHOWN_MAX;

	snprintf(buffer, size, "%s%s:%zu:%zu", cut ? "..." : "", reader->path + (cut ? length - PATH_SHOWN_MAX : 0),
		 mark.line + 1, mark.column + 1);
	return buffer;
}

static void __attribute__((format(printf, 3, 4))) fault(struct reader *reader, const yaml_node_t *node,
							 const char *format, ...)
{
	char text[512], place[300];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_error(reader->log, "%s: %s", place_of(reader, node->start_mark, place, sizeof(place)), text);
	reader->faults++;
}

static const char *text_of(const yaml_node_t *node)
{
	return node->type == YAML_SCALAR_NODE ? (const char *)node->data.scalar.value : NULL;
}

/* A name read from the file, without the colon that makes it a symbol in Ruby. */
static const char *key_of(const yaml_node_t *node)
{
	const char *text = text_of(node);

	return text && *text == ':' ? text + 1 : text;
}

/* YAML 1.1 would also read 0:0 as a number in base 60 and 07:00.0 as another. To us a scalar is what is written. */
static bool is_null(const yaml_node_t *node)
{
	const char *text = text_of(node);

	return text && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (!*text || !strcmp(text, "~") || !strcmp(text, "null") || !strcmp(text, "Null") || !strcmp(text, "NULL"));
}

/* ---- values: one string, several in one with commas, or a list of either ---- */

typedef int add_text(struct reader *reader, struct section *section, const char *text, const char *place);

static void add_one(struct reader *reader, struct section *section, add_text *add, const char *text,
		    const char *place)
{
	int error = add(reader, section, text, place);

	if (error == -EINVAL)
		reader->faults++;
	else if (error < 0)
		reader->error = error;
}

static void add_scalar(struct reader *reader, struct section *section, add_text *add, bool commas,
		       const yaml_node_t *node)
{
	char place[300], *copy, *rest, *piece;

	place_of(reader, node->start_mark, place, sizeof(place));
	if (strlen(text_of(node)) != node->data.scalar.length) {
		fault(reader, node, "a NUL character inside the text");
		return;
	}
	if (!commas) {
		add_one(reader, section, add, text_of(node), place);
		return;
	}
	rest = copy = strdup(text_of(node));
	if (!copy)
		reader->error = -ENOMEM;
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
		fault(reader, value, ":%s: must be a text or a list of texts, not a map", key_of(key));
		return;
	}
	for (yaml_node_item_t *item = value->data.sequence.items.start; item < value->data.sequence.items.top; item++) {
		yaml_node_t *node = yaml_document_get_node(reader->document, *item);

		if (node->type != YAML_SCALAR_NODE)
			fault(reader, node, "an item of :%s: must be a text. Is there a colon with a blank behind it? "
			      "Put quotes around the item", key_of(key));
		else if (is_null(node))
			fault(reader, node, "an item of :%s: is empty; write it behind the dash or take the dash away",
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
	place_of(reader, key->start_mark, list->place, sizeof(list->place));
}

static int add_filter(struct reader *reader, struct section *section, const char *text, const char *place)
{
	return rule_list_add(&section->filters, text, place, reader->log);
}

static int add_address(struct reader *reader, struct section *section, const char *text, const char *place)
{
	return rule_list_add(&section->addresses, text, place, reader->log);
}

static int add_name(struct reader *reader, struct section *section, const char *text, const char *place)
{
	return rule_list_add(&section->names, text, place, reader->log);
}

static int add_vendor(struct reader *reader, struct section *section, const char *text, const char *place)
{
	uint16_t *more;
	unsigned vendor;
	int end = 0;

	if (sscanf(text, "%4x%n", &vendor, &end) != 1 || text[end] || strpbrk(text, "+-xX ")) {
		log_error(reader->log, "%s: '%s' is not a vendor id. Right would be four hex digits: 10de", place, text);
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
	if (is_null(value))
		return;
	section->filters.restricts = true; /* an empty list of filters takes nothing */
	add_texts(reader, section, add_filter, true, key, value);
}

static void take_addresses(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value)
{
	begin_list(reader, &section->addresses, ":short_address:", RULE_ADDRESS, key);
	section->has_addresses = true;
	if (!is_null(value))
		add_texts(reader, section, add_address, true, key, value);
}

static void take_names(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value)
{
	begin_list(reader, &section->names, ":device_name:", RULE_NAME, key);
	section->has_names = true;
	if (!is_null(value)) /* commas belong to the expression */
		add_texts(reader, section, add_name, false, key, value);
}

static void take_vendors(struct reader *reader, struct section *section, yaml_node_t *key, yaml_node_t *value)
{
	section->has_vendors = true;
	if (!is_null(value))
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
	const yaml_node_t *key = yaml_document_get_node(reader->document, pair->key), *earlier;

	for (const yaml_node_pair_t *p = map->data.mapping.pairs.start; p < pair; p++) {
		earlier = yaml_document_get_node(reader->document, p->key);
		if (text_of(earlier) && strcmp(key_of(earlier), key_of(key)) == 0) {
			fault(reader, key, "'%s' is here a second time, it stands in line %zu already. Keep one of them",
			      text_of(key), earlier->start_mark.line + 1);
			return true;
		}
	}
	return false;
}

/* The first KNOWN of KEYS are taken. */
static void read_section(struct reader *reader, const yaml_node_t *map, size_t known, struct section *section)
{
	char place[300];

	for (yaml_node_pair_t *pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		yaml_node_t *key = yaml_document_get_node(reader->document, pair->key);
		const struct key *found;

		if (!text_of(key)) {
			fault(reader, key, "a key must be a word: " KEYS_HELP);
			continue;
		}
		if (is_repeated(reader, map, pair))
			continue;
		found = find_key(key_of(key), known);
		if (found)
			found->take(reader, section, key, yaml_document_get_node(reader->document, pair->value));
		else
			log_warning(reader->log, "%s: nobody knows the key '%s', it is passed over. Known are " KEYS_HELP "%s",
				    place_of(reader, key->start_mark, place, sizeof(place)), text_of(key),
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
	else if (!is_null(value))
		fault(reader, value, ":hosts: must be a map from host names to keys. Right would be "
		      "'host1: {filter: \"10de:*\"}'");
}

/* In the order of the file, so that a later one that fits too has the last word. */
static void read_hosts(struct reader *reader, const yaml_node_t *hosts)
{
	for (yaml_node_pair_t *pair = hosts->data.mapping.pairs.start; pair < hosts->data.mapping.pairs.top; pair++) {
		yaml_node_t *name = yaml_document_get_node(reader->document, pair->key);
		yaml_node_t *map = yaml_document_get_node(reader->document, pair->value);
		struct section section = {0};

		if (!text_of(name)) {
			fault(reader, name, "a host's name must be a word; * and ? in it match anything");
			continue;
		}
		if (is_repeated(reader, hosts, pair) || is_null(map))
			continue;
		if (map->type != YAML_MAPPING_NODE) {
			fault(reader, map, "host '%s' must have a map of keys: " KEYS_HELP, text_of(name));
			continue;
		}
		/* other hosts' sections are read as well: a fault there is found on every host */
		read_section(reader, map, KEY_COUNT - 1, &section);
		if (is_this_host(text_of(name), reader->host))
			lay_over(reader->config, &section);
		section_free(&section);
	}
}

/* ---- the file ---- */

static void read_document(struct reader *reader)
{
	yaml_node_t *root = yaml_document_get_root_node(reader->document);
	struct section section = {0};

	if (!root || is_null(root))
		return;
	if (root->type != YAML_MAPPING_NODE) {
		fault(reader, root, "this must be a map of keys: " KEYS_HELP ", :hosts:");
		return;
	}
	read_section(reader, root, KEY_COUNT, &section);
	lay_over(reader->config, &section);
	section_free(&section);
	if (reader->hosts)
		read_hosts(reader, reader->hosts);
}

static void tell_yaml_fault(struct reader *reader, const yaml_parser_t *parser)
{
	const char *hint = "";

	if (parser->context && strstr(parser->context, "alias"))
		hint = ". A text that begins with * needs quotes around it: '*:10d3'";
	else if (parser->problem && strstr(parser->problem, "mapping values"))
		hint = ". A text that ends with a colon, or has a colon and a blank in it, needs quotes around it: '10de:'";
	else if (parser->problem && strstr(parser->problem, "cannot start any token"))
		hint = ". Indent with blanks, not tabs, and put quotes around texts";
	if (parser->error == YAML_READER_ERROR)
		log_error(reader->log, "%s: byte %zu: not YAML: %s", reader->path, parser->problem_offset,
			  parser->problem);
	else
		log_error(reader->log, "%s:%zu:%zu: not YAML: %s%s%s%s", reader->path, parser->problem_mark.line + 1,
			  parser->problem_mark.column + 1, parser->problem ? parser->problem : "out of memory",
			  parser->context ? ", " : "", parser->context ? parser->context : "", hint);
	reader->faults++;
}

/* A second document in the file would silently not count. */
static void expect_end(struct reader *reader, yaml_parser_t *parser)
{
	yaml_document_t second;
	yaml_node_t *root;

	if (!yaml_parser_load(parser, &second)) {
		tell_yaml_fault(reader, parser);
		return;
	}
	root = yaml_document_get_root_node(&second);
	if (root)
		fault(reader, root, "a second document begins here, behind a line '---'. Put all into one");
	yaml_document_delete(&second);
}

/* The nesting of a file that makes sense is four deep. libyaml takes any, at a cost that grows with its square. */
#define DEPTH_MAX 16

static const yaml_char_t *tag_of(const yaml_event_t *event)
{
	switch (event->type) {
	case YAML_SCALAR_EVENT:
		return event->data.scalar.tag;
	case YAML_SEQUENCE_START_EVENT:
		return event->data.sequence_start.tag;
	case YAML_MAPPING_START_EVENT:
		return event->data.mapping_start.tag;
	default:
		return NULL;
	}
}

/* Returns whether it is fit to be loaded, as far as EVENT goes. */
static bool check_event(struct reader *reader, const yaml_event_t *event, int *depth)
{
	char place[300];

	*depth += event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
	*depth -= event->type == YAML_SEQUENCE_END_EVENT || event->type == YAML_MAPPING_END_EVENT;
	place_of(reader, event->start_mark, place, sizeof(place));
	if (*depth > DEPTH_MAX)
		log_error(reader->log, "%s: lists and maps within each other more than %d deep", place, DEPTH_MAX);
	else if (tag_of(event)) /* the loaded tree doesn't tell !!str from nothing */
		log_error(reader->log, "%s: the tag '%s' has no meaning here; take it away", place, tag_of(event));
	else
		return true;
	reader->faults++;
	return false;
}

/* What isn't YAML is left to the loader, which tells it. */
static bool check_events(struct reader *reader, const char *text, size_t length)
{
	bool more = true, fit = true;
	yaml_parser_t parser;
	yaml_event_t event;
	int depth = 0;

	if (!yaml_parser_initialize(&parser)) {
		reader->error = -ENOMEM;
		return false;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	while (more && fit && yaml_parser_parse(&parser, &event)) {
		more = event.type != YAML_STREAM_END_EVENT;
		fit = check_event(reader, &event, &depth);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return fit;
}

static void read_yaml(struct reader *reader, const char *text, size_t length)
{
	yaml_document_t document;
	yaml_parser_t parser;

	if (!check_events(reader, text, length))
		return;
	if (!yaml_parser_initialize(&parser)) {
		reader->error = -ENOMEM;
		return;
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
	if (!yaml_parser_load(&parser, &document)) {
		tell_yaml_fault(reader, &parser);
	} else {
		reader->document = &document;
		if (yaml_document_get_root_node(&document))
			expect_end(reader, &parser);
		read_document(reader);
		yaml_document_delete(&document);
	}
	yaml_parser_delete(&parser);
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
	struct reader reader = {.path = path, .host = host, .log = log};
	int error = config_new_empty(&reader.config);

	if (error < 0)
		return error;
	/* a file without :filter: takes no card */
	reader.config->filters = (struct rule_list){.key = ":filter:", .kind = RULE_FILTER, .restricts = true};
	snprintf(reader.config->filters.place, sizeof(reader.config->filters.place), "%s", path);
	reader.config->path = strdup(path);
	if (!reader.config->path)
		reader.error = -ENOMEM;
	else
		read_yaml(&reader, text, length);
	if (reader.error || reader.faults) {
		config_free(reader.config);
		return reader.error ? reader.error : -EINVAL;
	}
	*ret = reader.config;
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
