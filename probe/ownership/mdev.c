/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source mdev. /sys/bus/mdev/devices lists mediated devices, as links to directories below
 * their parent devices; each has an IOMMU group of its own. Source: the kernel's
 * Documentation/driver-api/vfio-mediated-device.rst. */
#include "probe/ownership/sources.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct pci_device *mdev_find_parent(struct sysroot *root, const struct inventory *inventory,
				    const char *uuid)
{
	char path[sizeof(MDEV_DIRECTORY) + MDEV_SIZE], target[PATH_MAX], mdev[MDEV_SIZE];
	struct pci_address address;
	struct pci_device *parent;

	if (!vfio_is_mdev_name(uuid))
		return NULL;
	snprintf(path, sizeof(path), MDEV_DIRECTORY "/%s", uuid);
	if (sysdir_readlink(sysroot_dir(root), path, target, sizeof(target)) < 0)
		return NULL;
	parent = vfio_locate(target, &address, mdev) ? inventory_find(inventory, &address) : NULL;
	return parent && parent->selected ? parent : NULL;
}

static const struct vfio_node *find_node(const struct vfio_nodes *nodes, const char *uuid)
{
	for (size_t i = 0; i < nodes->count; i++)
		if (strcasecmp(nodes->items[i].mdev, uuid) == 0)
			return &nodes->items[i];
	return NULL;
}

bool holder_has_mdev(const struct holder *holder, const struct owner_search *search,
		     const char *uuid)
{
	const struct vfio_node *node = find_node(search->nodes, uuid);
	unsigned group;

	if (!vfio_is_mdev_name(uuid))
		return false;
	for (size_t i = 0; i < holder->file_count; i++)
		if (strcasecmp(holder->files[i].mdev, uuid) == 0)
			return true;
	if (node && holder_has_node(holder, node))
		return true;
	return vfio_find_group(search->root, MDEV_DIRECTORY, uuid, &group) &&
	       holder_has_group(holder, group);
}

int mdev_mark_parents(struct sysroot *root, const struct inventory *inventory, bool *parents)
{
	_cleanup_closedir_ DIR *list = NULL;
	const struct pci_device *parent;
	struct dirent *entry;
	int error = sysdir_list(sysroot_dir(root), MDEV_DIRECTORY, &list);

	if (error < 0)
		return error == -ENOENT ? 0 : error;
	while ((entry = sysdir_next(list))) {
		parent = mdev_find_parent(root, inventory, entry->d_name);
		if (parent)
			parents[parent - inventory->devices] = true;
	}
	return -errno;
}

static int claim_mdev(const struct owner_search *search, struct pci_device *parent,
		      const char *uuid)
{
	const struct holder *holder = NULL;
	struct claim claim;

	for (size_t i = 0; i < search->holders->count; i++)
		if (holder_has_mdev(&search->holders->items[i], search, uuid))
			holder = holders_choose(holder, &search->holders->items[i]);
	if (!holder)
		return 0;
	claim = holder_claim(holder, OWNER_MDEV);
	claim.mdev = uuid;
	return device_claim(parent, &claim);
}

int mdev_claim(const struct owner_search *search, struct source_report *report)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	struct pci_device *parent;
	int error = sysdir_list(sysroot_dir(search->root), MDEV_DIRECTORY, &list);

	if (error < 0) {
		report->state = error == -ENOENT ? SOURCE_ABSENT : SOURCE_FAILED;
		snprintf(report->why, sizeof(report->why), "/" MDEV_DIRECTORY ": %s",
			 strerror(-error));
		return error == -ENOMEM ? error : 0;
	}
	report->state = search->processes.state;
	snprintf(report->why, sizeof(report->why), "%s", search->processes.why);
	while ((entry = sysdir_next(list))) {
		parent = mdev_find_parent(search->root, search->inventory, entry->d_name);
		if (!parent)
			continue;
		error = claim_mdev(search, parent, entry->d_name);
		if (error < 0)
			return error;
	}
	if (!errno)
		return 0;
	report->state = SOURCE_FAILED;
	snprintf(report->why, sizeof(report->why), "/" MDEV_DIRECTORY ": %s", strerror(errno));
	return 0;
}
