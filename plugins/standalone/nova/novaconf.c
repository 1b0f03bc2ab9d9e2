/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/novaconf.h"

#include "common/text.h"
#include "probe/config/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What Python's strip() takes away, as far as it is ASCII. */
#define BLANKS " \t\n\v\f\r\x1c\x1d\x1e\x1f"

struct reader {
	const struct log *log;
	struct novaconf *conf;
	const char *section; /* NULL: none has begun */
	unsigned line;
	char *key; /* the assignment that further lines may continue; NULL: there is none */
	unsigned key_line;
	FILE *value;
	char *text;
	size_t size;
	bool no_memory;
};

static const struct {
	const char *section, *key;
	bool is_alias;
} OPTIONS[] = {
	{"pci", "device_spec", false},
	{"pci", "passthrough_whitelist", false},
	{"DEFAULT", "pci_passthrough_whitelist", false},
	{"pci", "alias", true},
	{"DEFAULT", "pci_alias", true},
};

void novaconf_error(struct novaconf *conf, const struct log *log, unsigned line, const char *text)
{
	if (conf->faults++ < NOVACONF_FAULTS_SHOWN)
		log_error(log, "%s:%u: %s", conf->path, line, text);
}

static void __attribute__((format(printf, 3, 4)))
log_syntax_error(struct reader *reader, unsigned line, const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	novaconf_error(reader->conf, reader->log, line, text);
}

/* Cuts blanks off both ends. */
static char *strip(char *text)
{
	text += strspn(text, BLANKS);
	for (size_t end = strlen(text); end && strchr(BLANKS, text[end - 1]);)
		text[--end] = '\0';
	return text;
}

static bool is_name_character(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       (!first && (c == '.' || (c >= '0' && c <= '9')));
}

/* Replaces $$ and \$ by $, as oslo.config does. It also puts the values of options in place of
 * $name and ${name}, which aren't known here. */
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
					"oslo.config puts the value of an option in place of '$%.*s'; "
					"a $ itself is written $$",
					length > 64 ? 64 : (int)length, name);
		}
		*out++ = *in;
	}
	*out = '\0';
}

static void add_option(struct reader *reader, const char *value, bool is_alias)
{
	struct novaconf *conf = reader->conf;
	struct nova_option *more = realloc(conf->options, (conf->count + 1) * sizeof(*more));
	char *text = strdup(value);

	if (more)
		conf->options = more;
	if (!more || !text) {
		free(text);
		reader->no_memory = true;
		return;
	}
	substitute(reader, text);
	more[conf->count++] =
		(struct nova_option){.is_alias = is_alias, .text = text, .line = reader->key_line};
}

/* Only the name DEFAULT counts as it is written. */
static bool is_section(const char *section, const char *wanted)
{
	return strcmp(wanted, "DEFAULT") == 0 ? strcmp(section, wanted) == 0
					      : strcasecmp(section, wanted) == 0;
}

static void end_assignment(struct reader *reader)
{
	if (!reader->key)
		return;
	if (fclose(reader->value) != 0)
		reader->no_memory = true;
	else if (!reader->section)
		log_syntax_error(reader, reader->key_line, "'%.64s' is outside any [section]",
				 reader->key);
	else
		for (size_t i = 0; i < sizeof(OPTIONS) / sizeof(*OPTIONS); i++)
			if (is_section(reader->section, OPTIONS[i].section) &&
			    strcmp(reader->key, OPTIONS[i].key) == 0)
				add_option(reader, reader->text, OPTIONS[i].is_alias);
	free(reader->text);
	reader->key = NULL;
}

static void begin_assignment(struct reader *reader, char *line)
{
	size_t length = strcspn(line, ":=");
	char *value = line + length;
	size_t end;

	if (!*value) {
		log_syntax_error(reader, reader->line, "neither a [section] nor KEY = VALUE");
		return;
	}
	*value = '\0';
	value = strip(value + 1);
	line = strip(line);
	if (!*line) {
		log_syntax_error(reader, reader->line, "no key before the '=' or ':'");
		return;
	}
	end = strlen(value);
	if (end && (*value == '"' || *value == '\'') && value[end - 1] == *value) {
		value[end - 1] = '\0';
		value += end > 1;
	}
	reader->value = open_memstream(&reader->text, &reader->size);
	if (!reader->value) {
		reader->no_memory = true;
		return;
	}
	fputs(value, reader->value);
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
	for (size_t end = strlen(line); end && strchr(BLANKS, line[end - 1]);)
		line[--end] = '\0';
	if (*line == ' ' || *line == '\t') {
		if (reader->key)
			fprintf(reader->value, "\n%s", strip(line));
		else
			log_syntax_error(
				reader, reader->line,
				"begins with a space, but there is no value that it could continue");
		return;
	}
	end_assignment(reader);
	if (*line == '[')
		begin_section(reader, line);
	else if (*line && *line != '#' && *line != ';')
		begin_assignment(reader, line);
}

/* Lines end as Python's universal newlines do. The file must be UTF-8 without a NUL. */
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

int novaconf_parse(const char *path, char *text, size_t length, const struct log *log,
		   struct novaconf *ret)
{
	struct reader reader = {.log = log, .conf = ret};

	*ret = (struct novaconf){.path = path};
	read_lines(&reader, text, length);
	/* a fault can have come in the middle */
	if (reader.key) {
		fclose(reader.value);
		free(reader.text);
	}
	if (!reader.no_memory)
		return 0;
	log_error(log, "out of memory");
	return -ENOMEM;
}

int novaconf_read(const char *path, const struct log *log, struct novaconf *ret)
{
	char *text = malloc(NOVACONF_SIZE_MAX + 1);
	ssize_t length = text ? config_read(path, text, NOVACONF_SIZE_MAX) : -ENOMEM;
	int error = (int)length;

	*ret = (struct novaconf){.path = path};
	if (length < 0)
		log_error(log, "%s: %s", path,
			  length == -EFBIG ? "larger than any nova.conf" : strerror((int)-length));
	else
		error = novaconf_parse(path, text, (size_t)length, log, ret);
	free(text);
	return error;
}

void novaconf_free(struct novaconf *conf)
{
	for (size_t i = 0; i < conf->count; i++)
		free(conf->options[i].text);
	free(conf->options);
	*conf = (struct novaconf){0};
}
