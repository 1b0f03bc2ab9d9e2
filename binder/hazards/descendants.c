/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/descendants.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

static const struct {
	enum descendant_kind kind;
	const char *directory;
} DIRECTORIES[] = {
	{DESCENDANT_CHAR, "sys/dev/char"},
	{DESCENDANT_BLOCK, "sys/dev/block"},
	{DESCENDANT_INTERFACE, "sys/class/net"},
};

void descendants_free(struct descendants *descendants)
{
	for (size_t i = 0; i < descendants->count; i++)
		free(descendants->items[i].path);
	free(descendants->items);
	*descendants = (struct descendants){0};
}

static int add(struct descendants *ret, enum descendant_kind kind, dev_t number, const char *path)
{
	struct descendant descendant = {.kind = kind, .number = number, .path = strdup(path)};
	struct descendant *grown = NULL;

	if (descendant.path)
		grown = realloc(ret->items, (ret->count + 1) * sizeof(*grown));
	if (!grown) {
		free(descendant.path);
		return -ENOMEM;
	}
	descendant.name = strrchr(descendant.path, '/') + 1;
	ret->items = grown;
	grown[ret->count++] = descendant;
	return 0;
}

/* Adds the entry NAME of DIRECTORY if it links to a device below a PCI device. */
static int read_entry(const struct sysdir *directory, enum descendant_kind kind, const char *name,
		      struct descendants *ret)
{
	char target[PATH_MAX];
	unsigned major_number = 0, minor_number = 0;
	const char *path = target;
	ssize_t length;

	if (kind != DESCENDANT_INTERFACE &&
	    sscanf(name, "%u:%u", &major_number, &minor_number) != 2)
		return 0;
	length = sysdir_readlink(directory, name, target, sizeof(target));
	/* -EINVAL: not a link, e.g. bonding_masters in /sys/class/net */
	if (length < 0)
		return length == -ENOENT || length == -EINVAL ? 0 : (int)length;
	while (strncmp(path, "../", 3) == 0)
		path += 3;
	if (strncmp(path, "devices/pci", strlen("devices/pci")) != 0)
		return 0;
	return add(ret, kind, makedev(major_number, minor_number), path);
}

static int read_directory(struct sysroot *root, enum descendant_kind kind, const char *path,
			  struct descendants *ret)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error;

	error = sysdir_open(sysroot_dir(root), path, &directory);
	if (!error)
		error = sysdir_list(&directory, ".", &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while ((entry = sysdir_next(list))) {
		error = read_entry(&directory, kind, entry->d_name, ret);
		if (error < 0)
			return error;
	}
	return -errno;
}

int descendants_read(struct sysroot *root, struct descendants *ret)
{
	*ret = (struct descendants){0};
	for (size_t i = 0; i < sizeof(DIRECTORIES) / sizeof(*DIRECTORIES); i++) {
		int error = read_directory(root, DIRECTORIES[i].kind, DIRECTORIES[i].directory,
					   ret);

		if (error < 0)
			return error;
	}
	return 0;
}

bool descendant_is_below(const struct descendant *descendant, const struct pci_address *address)
{
	char component[ADDRESS_SIZE + 2];

	component[0] = '/';
	address_format(address, component + 1);
	strcat(component, "/");
	return strstr(descendant->path, component);
}
