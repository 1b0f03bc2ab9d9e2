/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/ifname.h"

#include "plugins/standalone/state.h"
#include "probe/sysfs/textfile.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RULES_SIZE_MAX (1u << 20)
#define CACHED_SIZE_MAX 256

char *ifname_read_rules(struct sysroot *root)
{
	char *text;

	return textfile_read(root, IFNAME_RULES, RULES_SIZE_MAX, &text) == 0 ? text : NULL;
}

/* Accepts valid interface names, except those with quotes or backslashes. */
static bool parse_name(const char *name, size_t length, char buffer[static IF_NAMESIZE])
{
	if (!length || length >= IF_NAMESIZE)
		return false;
	for (size_t i = 0; i < length; i++)
		if (!isgraph((unsigned char)name[i]) || strchr("/\"\\", name[i]))
			return false;
	memcpy(buffer, name, length);
	buffer[length] = '\0';
	return true;
}

static bool find_in_rules(const char *rules, const char *address, char buffer[static IF_NAMESIZE])
{
	size_t length = strlen(address);
	const char *p;

	for (const char *line = rules; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (*line != '#')
			continue;
		p = line + 1 + strspn(line + 1, " \t");
		if (strncasecmp(p, address, length) != 0)
			continue;
		p += length;
		p += strspn(p, " \t");
		if (strncmp(p, "<-", 2) != 0)
			continue;
		p += 2;
		p += strspn(p, " \t");
		if (parse_name(p, strcspn(p, " \t\r\n"), buffer))
			return true;
	}
	return false;
}

int ifname_open_cache(struct sysroot *root)
{
	char *path;
	int cache, state = state_open(sysroot_path(root), IFNAME_STATE, false, &path);

	free(path);
	if (state < 0)
		return state;
	cache = state_open_at(state, IFNAME_CACHE, false);
	close(state);
	return cache;
}

static bool find_in_cache(int cache, const char *address, char buffer[static IF_NAMESIZE])
{
	char *name;
	ssize_t length;
	bool found;

	if (cache < 0)
		return false;
	length = state_read(cache, address, CACHED_SIZE_MAX, &name, NULL);
	while (length > 0 && isspace((unsigned char)name[length - 1]))
		length--;
	found = length > 0 && parse_name(name, (size_t)length, buffer);
	free(name);
	return found;
}

bool ifname_find(int cache, const char *rules, const struct pci_device *device,
		 char buffer[static IF_NAMESIZE])
{
	char address[ADDRESS_SIZE];
	const char *name;

	address_format(&device->address, address);
	if (rules && find_in_rules(rules, address, buffer))
		return true;
	if (find_in_cache(cache, address, buffer))
		return true;
	name = device_uplink(device);
	return name && parse_name(name, strlen(name), buffer);
}
