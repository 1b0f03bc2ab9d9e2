/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/ssh.h"

#include "binder/host/deadline.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ENVIRONMENT_SIZE_MAX (1u << 20)
#define ANCESTORS_MAX 64
#define CONNECTION_SIZE_MAX 1024
#define TIMEOUT_MS 5000

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

struct ssh_search {
	struct sysroot *root;
	pid_t pid;
};

static ssize_t search_ancestors(void *data, void *result, size_t size)
{
	const struct ssh_search *search = data;
	char *found = NULL;
	size_t length = 0;
	pid_t pid = search->pid;

	for (int i = 0; pid > 1 && i < ANCESTORS_MAX && !found; i++) {
		found = read_ssh_connection(search->root, pid);
		pid = parent_of(search->root, pid);
	}
	if (found && strlen(found) < size) {
		length = strlen(found);
		memcpy(result, found, length);
	}
	free(found);
	return (ssize_t)length;
}

/* The kernel locks a process's memory to read its environment, which blocks while a thread of it is
 * stuck with this lock. */
int ssh_connection_find(struct sysroot *root, pid_t pid, char **ret)
{
	struct ssh_search search = {.root = root, .pid = pid};
	const struct deadline_call call = {
		.run = search_ancestors, .data = &search, .timeout_ms = TIMEOUT_MS};
	char found[CONNECTION_SIZE_MAX];
	ssize_t length = deadline_call(&call, found, sizeof(found));

	if (length <= 0)
		return (int)length;
	*ret = strndup(found, (size_t)length);
	return *ret ? 0 : -ENOMEM;
}
