/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/ssh.h"

#include "probe/sysfs/textfile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT_SIZE_MAX (1u << 20)
#define ANCESTORS_MAX 64

static char *read_ssh_connection(struct sysroot *root, pid_t pid)
{
	static const char name[] = "SSH_CONNECTION=";
	char *text, *found = NULL, path[64];
	size_t length;

	snprintf(path, sizeof(path), "proc/%d/environ", pid);
	if (textfile_read_bytes(root, path, ENVIRONMENT_SIZE_MAX, &text, &length) < 0)
		return NULL;
	for (size_t at = 0; at < length && !found; at += strlen(text + at) + 1)
		if (strncmp(text + at, name, strlen(name)) == 0 && text[at + strlen(name)])
			found = strdup(text + at + strlen(name));
	free(text);
	return found;
}

/* Returns the fourth field of /proc/<pid>/stat, or 0. The second field, the program's name in
 * parentheses, may contain any character. */
static pid_t parent_of(struct sysroot *root, pid_t pid)
{
	char path[64], text[ATTRIBUTE_SIZE], *end;
	int parent;

	snprintf(path, sizeof(path), "proc/%d/stat", pid);
	if (sysdir_read(sysroot_dir(root), path, text, sizeof(text)) < 0 ||
	    !(end = strrchr(text, ')')) || sscanf(end, ") %*c %d", &parent) != 1)
		return 0;
	return parent;
}

void ssh_connection_find(struct sysroot *root, pid_t pid, char **ret)
{
	char *found = NULL;

	for (int i = 0; pid > 1 && i < ANCESTORS_MAX && !found; i++) {
		found = read_ssh_connection(root, pid);
		pid = parent_of(root, pid);
	}
	if (found)
		*ret = found;
}
