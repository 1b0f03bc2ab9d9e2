/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/checks/unfinished.h"

#include "probe/address.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOURNAL_SIZE_MAX (1u << 20)
#define HEADER "vfio-bind 1\n"
#define BOOT_PATH "proc/sys/kernel/random/boot_id"

/* What a line is about by its first word; NULL: not an unfinished change. */
static const char *subject_of(const char *state)
{
	if (strcmp(state, "doing") == 0 || strcmp(state, "undo") == 0)
		return "driver";
	if (strcmp(state, "doing-vfs") == 0 || strcmp(state, "undo-vfs") == 0)
		return "number of VFs";
	return NULL;
}

/* Returns 0, -EBADMSG or -ENOMEM. */
static int parse_line(const char *line, struct strings *ret)
{
	char state[16], address[ADDRESS_SIZE], text[ADDRESS_SIZE + 64];
	struct pci_address parsed;
	const char *subject;

	if (line[strspn(line, " ")] == '\0')
		return 0;
	if (sscanf(line, "%15s %16s", state, address) != 2)
		return -EBADMSG;
	subject = subject_of(state);
	if (!subject)
		return 0;
	if (address_parse_full(address, &parsed) < 0)
		return -EBADMSG;
	snprintf(text, sizeof(text), "%s: vfio-bind did not finish changing its %s", address,
		 subject);
	return strings_add(ret, text);
}

/* Whether the journal's second line has another boot id than the running kernel. */
static bool is_old(struct sysroot *root, const char *boot)
{
	char id[ATTRIBUTE_SIZE];
	size_t length;

	if (strncmp(boot, "boot ", strlen("boot ")) != 0 ||
	    sysdir_read(sysroot_dir(root), BOOT_PATH, id, sizeof(id)) <= 0)
		return false;
	boot += strlen("boot ");
	length = strcspn(boot, "\n");
	return length != strlen(id) || strncmp(boot, id, length) != 0;
}

static int parse(struct sysroot *root, char *content, struct strings *ret)
{
	char *line = content + strlen(HEADER), *next;
	int error = 0;

	if (strncmp(content, HEADER, strlen(HEADER)) != 0)
		return -EBADMSG;
	if (is_old(root, line))
		return 0;
	for (; line && !error; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		error = parse_line(line, ret);
	}
	return error;
}

int unfinished_read(struct sysroot *root, time_t now, struct strings *ret)
{
	struct stat status;
	char *content;
	ssize_t length;
	int error = sysdir_stat(sysroot_dir(root), UNFINISHED_PATH, &status);

	if (error == -ENOENT || error == -ENOTDIR)
		return 0;
	if (error < 0)
		return error;
	if (now >= status.st_mtime && now - status.st_mtime < UNFINISHED_AGE_MIN)
		return 0;
	content = malloc(JOURNAL_SIZE_MAX + 1);
	if (!content)
		return -ENOMEM;
	length = sysdir_read(sysroot_dir(root), UNFINISHED_PATH, content, JOURNAL_SIZE_MAX);
	if (length >= 0 && strlen(content) == (size_t)length)
		error = parse(root, strcat(content, "\n"), ret); /* sysdir_read strips it */
	else
		error = length == -ENOENT ? 0 : length < 0 ? (int)length : -EBADMSG;
	free(content);
	return error;
}
