/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/conf.h"

#include "common/text.h"
#include "common/textstream.h"
#include "probe/config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The ASCII characters that Python's strip() removes. */
#define WHITE_SPACE " \t\n\v\f\r\x1c\x1d\x1e\x1f"

struct reader {
	const struct log *log;
	struct nova_conf *conf;
	const char *section; /* NULL: before the first one */
	unsigned line;
	char *key; /* of the assignment that an indented line continues; NULL: none */
	unsigned key_line;
	FILE *value_stream; /* writes VALUE */
	char *value;
	bool no_memory;
};

enum value_kind { SPEC, ALIAS, REPORT_IN_PLACEMENT, PCI_IN_PLACEMENT };

static const struct known_option {
	const char *section, *key;
	enum value_kind kind;
	unsigned feature; /* enum nova_feature: known since then; 0: always */
} OPTIONS[] = {
	{"pci", "device_spec", SPEC, NOVA_DEVICE_SPEC},
	{"pci", "passthrough_whitelist", SPEC, 0},
	{"DEFAULT", "pci_passthrough_whitelist", SPEC, 0},
	{"pci", "alias", ALIAS, 0},
	{"DEFAULT", "pci_alias", ALIAS, 0},
	{"pci", "report_in_placement", REPORT_IN_PLACEMENT, NOVA_DEVICE_SPEC},
	{"filter_scheduler", "pci_in_placement", PCI_IN_PLACEMENT, NOVA_PLACEMENT_ALIAS},
};

void nova_conf_error(struct nova_conf *conf, const struct log *log, unsigned line, size_t item,
		     const char *format, va_list args)
{
	char message[512];
	int length = 0;

	if (conf->errors++ >= NOVA_CONF_ERRORS_LOGGED)
		return;
	if (item)
		length = snprintf(message, sizeof(message), "item %zu: ", item);
	vsnprintf(message + length, sizeof(message) - (size_t)length, format, args);
	log_error(log, "%s:%u: %s", conf->path, line, message);
}

static void __attribute__((format(printf, 3, 4)))
log_syntax_error(struct reader *reader, unsigned line, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	nova_conf_error(reader->conf, reader->log, line, 0, format, args);
	va_end(args);
}

static char *strip(char *string)
{
	string += strspn(string, WHITE_SPACE);
	for (size_t end = strlen(string); end && strchr(WHITE_SPACE, string[end - 1]);)
		string[--end] = '\0';
	return string;
}

static bool is_name_character(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && (c == '.' || (c >= '0' && c <= '9')));
}

/* Replaces $$ and \$ by $, as oslo.config does. oslo.config also substitutes the values of options
 * for $name and ${name}; these values are unknown here, so that is an error. */
static void substitute(struct reader *reader, char *text)
{
	char *out = text;

	for (const char *in = text; *in; in++) {
		if ((*in == '\\' || *in == '$') && in[1] == '$') {
			in++;
		} else if (*in == '$') {
			const char *name = in + 1 + (in[1] == '{');
			size_t length = is_name_character(*name, true);

			while (length && is_name_character(name[length], false))
				length++;
			if (length && (in[1] != '{' || name[length] == '}'))
				log_syntax_error(
					reader, reader->key_line,
					"oslo.config substitutes an option for '$%.*s'; write $$ for a literal $",
					length > 64 ? 64 : (int)length, name);
		}
		*out++ = *in;
	}
	*out = '\0';
}

static void add_option(struct reader *reader, const char *value, bool is_alias)
{
	struct nova_conf *conf = reader->conf;
	struct nova_option *grown = realloc(conf->options, (conf->count + 1) * sizeof(*grown));
	char *copy = strdup(value);

	if (grown)
		conf->options = grown;
	if (!grown || !copy) {
		free(copy);
		reader->no_memory = true;
		return;
	}
	substitute(reader, copy);
	grown[conf->count++] =
		(struct nova_option){.is_alias = is_alias, .value = copy, .line = reader->key_line};
}

/* As oslo_config.types.Boolean. */
static void set_switch(struct reader *reader, const char *key, const char *value, bool *ret)
{
	static const char *const values[] = {"false", "0", "off", "no", "true", "1", "on", "yes"};

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++)
		if (strcasecmp(value, values[i]) == 0) {
			*ret = i >= 4;
			return;
		}
	log_syntax_error(reader, reader->key_line, "%s must be true or false, not '%.64s'", key,
			 value);
}

static void read_option(struct reader *reader, const struct known_option *option, const char *value)
{
	struct nova_conf *conf = reader->conf;

	if ((conf->release->knows & option->feature) != option->feature) {
		log_warning(reader->log, "%s:%u: ignored: Nova knows %s since release %s",
			    conf->path, reader->key_line, option->key,
			    nova_release_since(option->feature)->name);
		return;
	}
	switch (option->kind) {
	case REPORT_IN_PLACEMENT:
		set_switch(reader, option->key, value, &conf->report_in_placement);
		return;
	case PCI_IN_PLACEMENT:
		set_switch(reader, option->key, value, &conf->pci_in_placement);
		return;
	default:
		add_option(reader, value, option->kind == ALIAS);
	}
}

/* Section names are case-insensitive, except DEFAULT. */
static bool is_section(const char *section, const char *expected)
{
	return strcmp(expected, "DEFAULT") == 0 ? strcmp(section, expected) == 0
						: strcasecmp(section, expected) == 0;
}

static void end_assignment(struct reader *reader)
{
	if (!reader->key)
		return;
	if (!textstream_close(reader->value_stream, &reader->value))
		reader->no_memory = true;
	else if (!reader->section)
		log_syntax_error(reader, reader->key_line, "'%.64s' is outside any [section]",
				 reader->key);
	else
		for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(*OPTIONS); i++)
			if (is_section(reader->section, OPTIONS[i].section) &&
			    strcmp(reader->key, OPTIONS[i].key) == 0)
				read_option(reader, &OPTIONS[i], reader->value);
	free(reader->value);
	reader->key = NULL;
}

static void begin_assignment(struct reader *reader, char *line)
{
	size_t length = strcspn(line, ":=");
	char *value = line + length;
	size_t end;

	if (!*value) {
		log_syntax_error(reader, reader->line, "expected [SECTION] or KEY = VALUE");
		return;
	}
	*value = '\0';
	value = strip(value + 1);
	line = strip(line);
	if (!*line) {
		log_syntax_error(reader, reader->line, "missing key before '=' or ':'");
		return;
	}
	end = strlen(value);
	if (end && (*value == '"' || *value == '\'') && value[end - 1] == *value) {
		value[end - 1] = '\0';
		value += end > 1;
	}
	reader->value_stream = textstream_open(&reader->value);
	if (!reader->value_stream) {
		reader->no_memory = true;
		return;
	}
	fputs(value, reader->value_stream);
	reader->key = line;
	reader->key_line = reader->line;
}

static void begin_section(struct reader *reader, char *line)
{
	size_t length = strlen(line);

	if (line[length - 1] != ']' || length <= 2) {
		log_syntax_error(reader, reader->line,
				 "invalid section: expected [NAME] and nothing after it");
		return;
	}
	line[length - 1] = '\0';
	reader->section = line + 1;
}

static void read_line(struct reader *reader, char *line)
{
	for (size_t end = strlen(line); end && strchr(WHITE_SPACE, line[end - 1]);)
		line[--end] = '\0';
	if (*line == ' ' || *line == '\t') {
		if (reader->key)
			fprintf(reader->value_stream, "\n%s", strip(line));
		else
			log_syntax_error(reader, reader->line,
					 "unexpected indentation: no value to continue");
		return;
	}
	end_assignment(reader);
	if (*line == '[')
		begin_section(reader, line);
	else if (*line && *line != '#' && *line != ';')
		begin_assignment(reader, line);
}

/* Splits lines as Python's universal newlines do. Anything but UTF-8 without NUL is an error. */
static void read_lines(struct reader *reader, char *text, size_t length)
{
	char *end = text + length, *next;
	uint32_t character;
	size_t step;

	*end = '\0';
	for (char *line = text; line < end && !reader->no_memory; line = next) {
		reader->line++;
		for (next = line; next < end && *next != '\n' && *next != '\r'; next += step) {
			step = text_decode(next, &character);
			if (!step) {
				log_syntax_error(reader, reader->line, "not UTF-8");
				return;
			}
		}
		step = next < end && *next == '\r' && next[1] == '\n' ? 2 : 1;
		*next = '\0';
		next += step;
		read_line(reader, line);
	}
	end_assignment(reader);
}

int nova_conf_parse(const char *path, char *text, size_t length, const struct nova_release *release,
		    const struct log *log, struct nova_conf *ret)
{
	struct reader reader = {.log = log, .conf = ret};

	*ret = (struct nova_conf){.path = path, .release = release};
	read_lines(&reader, text, length);
	/* read_lines may have stopped within an assignment */
	if (reader.key) {
		textstream_close(reader.value_stream, &reader.value);
		free(reader.value);
	}
	if (!reader.no_memory)
		return 0;
	log_error(log, "out of memory");
	return -ENOMEM;
}

int nova_conf_read(const struct callerfile *file, const struct nova_release *release,
		   struct nova_conf *ret)
{
	char *text = malloc(NOVA_CONF_SIZE_MAX + 1);
	ssize_t length = text ? config_read(file->fd, text, NOVA_CONF_SIZE_MAX) : -ENOMEM;
	int error = (int)length;

	*ret = (struct nova_conf){.path = file->path, .release = release};
	if (length < 0)
		log_error(&file->log, "%s: %s", file->path,
			  length == -EFBIG ? "file too large (limit 1 MiB)"
					   : strerror((int)-length));
	else
		error = nova_conf_parse(file->path, text, (size_t)length, release, &file->log, ret);
	free(text);
	return error;
}

void nova_conf_free(struct nova_conf *conf)
{
	for (size_t i = 0; i < conf->count; i++)
		free(conf->options[i].value);
	free(conf->options);
	*conf = (struct nova_conf){0};
}
