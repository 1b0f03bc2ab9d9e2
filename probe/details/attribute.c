/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/details/attribute.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ATTRIBUTE_PATH_SIZE (ADDRESS_SIZE + 32)

bool is_absent(int error)
{
	switch (error) {
	case -ENOENT:
	case -ENOTDIR:
	case -ENODEV: /* the device or its driver is being removed */
	case -ENXIO:
	case -EINVAL: /* not supported by the device: link and netdev attributes */
	case -EOPNOTSUPP:
		return true;
	default:
		return false;
	}
}

void attribute_failed(struct details_reader *reader, const char *name, const char *reason)
{
	log_warning(reader->log, "%s/%s/%s: %s", sysroot_path(reader->dir.root), reader->dir.path,
		    name, reason);
	reader->device->incomplete = true;
}

/* The path of the attribute NAME below the directory of all devices. */
static const char *path_of(const struct details_reader *reader, const char *name,
			   char path[static ATTRIBUTE_PATH_SIZE])
{
	char address[ADDRESS_SIZE];

	snprintf(path, ATTRIBUTE_PATH_SIZE, "%s/%s",
		 address_format(&reader->device->address, address), name);
	return path;
}

static ssize_t read_text(struct details_reader *reader, const char *name,
			 char text[static ATTRIBUTE_SIZE])
{
	int index = reader->kept ? kept_index(name) : -1;
	char path[ATTRIBUTE_PATH_SIZE];

	if (index >= 0)
		return kept_read(reader->kept, reader->kept_device, index, reader->devices,
				 &reader->dir, text);
	if (reader->dir.fd < 0)
		return sysdir_read(reader->devices, path_of(reader, name, path), text,
				   ATTRIBUTE_SIZE);
	return sysdir_read(&reader->dir, name, text, ATTRIBUTE_SIZE);
}

bool attribute_text(struct details_reader *reader, const char *name,
		    char text[static ATTRIBUTE_SIZE])
{
	ssize_t length = read_text(reader, name, text);

	if (length >= 0 && strlen(text) == (size_t)length)
		return true;
	if (length >= 0)
		attribute_failed(reader, name, "contains a NUL character");
	else if (!is_absent((int)length))
		attribute_failed(reader, name,
				 length == -EFBIG ? "attribute too large" : strerror((int)-length));
	return false;
}

char *reader_strdup(struct details_reader *reader, const char *string)
{
	char *copy = strdup(string);

	if (!copy)
		reader->no_memory = true;
	return copy;
}

char *attribute_string(struct details_reader *reader, const char *name)
{
	char text[ATTRIBUTE_SIZE];

	return attribute_text(reader, name, text) && *text ? reader_strdup(reader, text) : NULL;
}

bool attribute_number(struct details_reader *reader, const char *name, int base, unsigned long max,
		      unsigned long *ret)
{
	char text[ATTRIBUTE_SIZE], *end;
	unsigned long value;

	if (!attribute_text(reader, name, text))
		return false;
	if (*text == '-') /* numa_node is -1 if the firmware reports none */
		return false;
	errno = 0;
	value = strtoul(text, &end, base);
	if (!isxdigit((unsigned char)*text) || end == text || *end || errno || value > max) {
		attribute_failed(reader, name, "not a valid number");
		return false;
	}
	*ret = value;
	return true;
}

bool attribute_link_name(struct details_reader *reader, const char *name, char *buffer, size_t size)
{
	char path[ATTRIBUTE_PATH_SIZE];
	int error;

	if (reader->dir.fd < 0)
		error = sysdir_link_name(reader->devices, path_of(reader, name, path), buffer,
					 size);
	else
		error = sysdir_link_name(&reader->dir, name, buffer, size);

	if (error == -EBADMSG)
		attribute_failed(reader, name, "unexpected link target");
	else if (error < 0 && !is_absent(error))
		attribute_failed(reader, name, strerror(-error));
	return error == 0;
}
