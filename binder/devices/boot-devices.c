/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/devices/boot-devices.h"

#include "binder/status.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIZE_MAX 65536
#define NAME "DEVICES"
#define SPACE " \t\r"

static const char *const PATHS[] = {"etc/default/vfio-bind", "etc/sysconfig/vfio-bind"};

static int log_syntax_error(const struct log *log, const char *path, unsigned line,
			    const char *what)
{
	log_error(log, "%s:%u: %s; expected " NAME "=\"0000:04:00.0 0000:05:00.0\"", path, line,
		  what);
	return BIND_USAGE;
}

/* Removes quotes and spaces around VALUE. Returns its start, or NULL if the quotes don't match. */
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

/* As in systemd, the last assignment counts. */
static int parse_devices(const char *path, unsigned line, char *value, const struct log *log,
			 struct strings *ret)
{
	char *rest = NULL;

	value = unquote(value);
	if (!value)
		return log_syntax_error(log, path, line, "unbalanced quotes");
	if (strpbrk(value, "\\$`"))
		return log_syntax_error(log, path, line, "'\\', '$' and '`' are not supported");
	strings_free(ret);
	for (char *name = strtok_r(value, SPACE, &rest); name; name = strtok_r(NULL, SPACE, &rest))
		if (strings_add(ret, name) < 0) {
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
	if (strcmp(line, "OPTIONS") == 0) /* for the unit */
		return BIND_DONE;
	log_warning(log, "%s:%u: unknown setting %s", path, number, line);
	return BIND_DONE;
}

int boot_devices_parse(const char *path, char *content, const struct log *log, struct strings *ret)
{
	unsigned number = 1;
	int status = BIND_DONE;

	for (char *line = content, *next; line; line = next, number++) {
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
	char *content = NULL, path[512] = "";
	int status = BIND_DONE, error = sysroot_new(root_path, &root);

	if (error < 0) {
		log_error(log, "%s: %s", root_path, strerror(-error));
		return BIND_FAILED;
	}
	error = -ENOENT;
	for (size_t i = 0; i < sizeof(PATHS) / sizeof(*PATHS) && error == -ENOENT; i++) {
		snprintf(path, sizeof(path), "%s/%s", sysroot_path(root), PATHS[i]);
		error = textfile_read(root, PATHS[i], FILE_SIZE_MAX, &content);
	}
	if (error == 0)
		status = boot_devices_parse(path, content, log, ret);
	else if (error == -ENOENT)
		log_warning(log, "/etc/default/vfio-bind does not exist: no devices to bind");
	else
		status = BIND_FAILED;
	if (status == BIND_FAILED && error < 0)
		log_error(log, "%s: %s", path, strerror(-error));
	free(content);
	sysroot_free(root);
	return status;
}
