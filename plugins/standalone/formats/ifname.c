/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/ifname.h"

#include "probe/sysfs/textfile.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define RULES_SIZE_MAX (1u << 20)

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

static bool find_in_cache(const struct sysdir *cache, const char *address,
			  char buffer[static IF_NAMESIZE])
{
	char string[256];

	return cache->fd >= 0 && sysdir_read(cache, address, string, sizeof(string)) > 0 &&
	       parse_name(string, strlen(string), buffer);
}

bool ifname_find(const struct sysdir *cache, const char *rules, const struct pci_device *device,
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
