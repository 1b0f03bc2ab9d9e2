/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/devices/boot-devices.h"

#include "binder/commands/commands.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE_MAX_OF_FILE 65536
#define NAME "DEVICES"
#define SPACE " \t\r"

static const char *const PATHS[] = {"etc/default/vfio-bind", "etc/sysconfig/vfio-bind"};

static int log_syntax_error(const struct log *log, const char *path, unsigned line,
			    const char *what)
{
	log_error(log, "%s:%u: %s; right is " NAME "=\"0000:04:00.0 0000:05:00.0\"", path, line,
		  what);
	return BIND_USAGE;
}

/* Takes the quotes off VALUE. Returns where it begins, or NULL when they don't match. */
static char *unquote(char *value)
{
	size_t length = strlen(value);

	while (length && strchr(SPACE, value[length - 1]))
		value[--length] = '\0';
	if (*value != '"' && *value != '\'')
		return strpbrk(value, "\"'") ? NULL : value;
	if (length < 2 || value[length - 1] != *value)
		return NULL;
	value[length - 1] = '\0';
	return strpbrk(value + 1, "\"'") ? NULL : value + 1;
}

/* As in systemd, the last one counts. */
static int parse_devices(const char *path, unsigned line, char *value, const struct log *log,
			 struct strings *ret)
{
	char *rest = NULL;

	value = unquote(value);
	if (!value)
		return log_syntax_error(log, path, line, "the quotes don't match");
	if (strpbrk(value, "\\$`"))
		return log_syntax_error(log, path, line, "'\\', '$' and '`' mean nothing here");
	strings_free(ret);
	for (char *word = strtok_r(value, SPACE, &rest); word; word = strtok_r(NULL, SPACE, &rest))
		if (strings_add(ret, word) < 0) {
			log_error(log, "out of memory");
			return BIND_FAILED;
		}
	return BIND_DONE;
}

static int parse_line(const char *path, unsigned number, char *line, const struct log *log,
		      struct strings *ret)
{
	char *value;

	line += strspn(line, SPACE);
	if (!*line || *line == '#' || *line == ';')
		return BIND_DONE;
	value = strchr(line, '=');
	if (!value)
		return log_syntax_error(log, path, number, "neither a comment nor NAME=VALUE");
	*value++ = '\0';
	if (strcmp(line, NAME) == 0)
		return parse_devices(path, number, value, log, ret);
	if (strcmp(line, "OPTIONS") == 0) /* the unit gives them to us */
		return BIND_DONE;
	log_warning(log, "%s:%u: unknown setting %s", path, number, line);
	return BIND_DONE;
}

int boot_devices_parse(const char *path, char *text, const struct log *log, struct strings *ret)
{
	unsigned number = 1;
	int status = BIND_DONE;

	for (char *line = text, *next; line; line = next, number++) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		status = bind_status_worse(status, parse_line(path, number, line, log, ret));
	}
	return status;
}

int boot_devices_read(const char *root_path, const struct log *log, struct strings *ret)
{
	struct sysroot *root;
	char *text = NULL, path[512] = "";
	int status = BIND_DONE, error = sysroot_new(root_path, &root);

	if (error < 0) {
		log_error(log, "%s: %s", root_path, strerror(-error));
		return BIND_FAILED;
	}
	error = -ENOENT;
	for (size_t i = 0; i < sizeof(PATHS) / sizeof(*PATHS) && error == -ENOENT; i++) {
		snprintf(path, sizeof(path), "%s/%s", sysroot_path(root), PATHS[i]);
		error = textfile_read(root, PATHS[i], SIZE_MAX_OF_FILE, &text);
	}
	if (error == 0)
		status = boot_devices_parse(path, text, log, ret);
	else if (error == -ENOENT)
		log_warning(log, "there is no /etc/default/vfio-bind: no devices are to be bound");
	else
		status = BIND_FAILED;
	if (status == BIND_FAILED && error < 0)
		log_error(log, "%s: %s", path, strerror(-error));
	free(text);
	sysroot_free(root);
	return status;
}
