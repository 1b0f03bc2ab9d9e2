/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/devicenodes.h"

#include "binder/engine/devicepath.h"

#include <errno.h>
#include <stdio.h>

/* Adds DIRECTORY/NAME if it exists. */
static int add_node(struct sysroot *root, const char *directory, const char *name,
		    struct strings *ret)
{
	struct stat node;
	char path[320];
	int error;

	snprintf(path, sizeof(path), "%s/%.255s", directory, name);
	error = sysdir_stat(sysroot_dir(root), path, &node);
	if (error < 0)
		return error == -ENOENT ? 0 : error;
	return strings_add(ret, path);
}

int device_nodes_list(struct sysroot *root, const struct pci_address *address, const char *group,
		      struct strings *ret)
{
	_cleanup_closedir_ DIR *list = NULL;
	char path[DEVICE_PATH_SIZE];
	struct dirent *entry;
	int error = group ? add_node(root, "dev/vfio", group, ret) : 0;

	if (error < 0)
		return error;
	error = sysdir_list(sysroot_dir(root), device_path(address, "vfio-dev", path), &list);
	if (error < 0)
		return error == -ENOENT ? 0 : error; /* before Linux 6.1 */
	while ((entry = sysdir_next(list))) {
		error = add_node(root, "dev/vfio/devices", entry->d_name, ret);
		if (error < 0)
			return error;
	}
	return errno == ENOENT ? 0 : -errno;
}
