/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source mdev: /sys/bus/mdev/devices has the mediated devices, each with an IOMMU group of its own, and leads to the card that
 * each is a part of. Source: the kernel's Documentation/driver-api/vfio-mediated-device.rst. */
#include "probe/details/kin.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MDEV_DIRECTORY "sys/bus/mdev/devices"
#define UUID_LENGTH 36

static bool is_uuid(const char *text)
{
	return strlen(text) == UUID_LENGTH && strspn(text, "0123456789abcdefABCDEF-") == UUID_LENGTH;
}

struct pci_device *mdev_find_parent(struct sysroot *root, const struct inventory *inventory, const char *uuid)
{
	struct pci_address addresses[64];
	char path[sizeof(MDEV_DIRECTORY) + UUID_LENGTH + 1], target[PATH_MAX];
	struct pci_device *parent;
	size_t count;

	if (!is_uuid(uuid))
		return NULL;
	snprintf(path, sizeof(path), MDEV_DIRECTORY "/%s", uuid);
	if (sysdir_readlink(sysroot_dir(root), path, target, sizeof(target)) < 0)
		return NULL;
	count = path_addresses(target, addresses, 64);
	parent = count && count <= 64 ? inventory_find(inventory, &addresses[count - 1]) : NULL;
	return parent && parent->selected ? parent : NULL;
}

static int claim_part(const struct search *search, struct pci_device *parent, const char *uuid, unsigned group)
{
	int error = 0;

	for (size_t i = 0; i < search->holders->count && !error; i++) {
		const struct holder *holder = &search->holders->items[i];
		struct claim claim = holder_claim(holder, OWNER_MDEV);

		claim.mdev = uuid;
		for (size_t j = 0; j < holder->group_count && !error; j++)
			if (holder->groups[j] == group)
				error = device_claim(parent, &claim);
	}
	return error;
}

int mdev_claim(const struct search *search, struct source_report *report)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char path[UUID_LENGTH + sizeof("/iommu_group")], group[16];
	struct dirent *entry;
	struct pci_device *parent;
	int error;

	error = sysdir_open(sysroot_dir(search->root), MDEV_DIRECTORY, &dir);
	if (error == 0)
		error = sysdir_list(&dir, ".", &list);
	if (error < 0) {
		report->state = error == -ENOENT ? SOURCE_ABSENT : SOURCE_FAILED;
		snprintf(report->why, sizeof(report->why), "/" MDEV_DIRECTORY ": %s", strerror(-error));
		return error == -ENOMEM ? error : 0;
	}
	report->state = search->processes.state;
	snprintf(report->why, sizeof(report->why), "%s", search->processes.why);
	while (!error && (entry = sysdir_next(list))) {
		parent = mdev_find_parent(search->root, search->inventory, entry->d_name);
		if (!parent)
			continue;
		snprintf(path, sizeof(path), "%.36s/iommu_group", entry->d_name);
		if (sysdir_link_name(&dir, path, group, sizeof(group)) == 0)
			error = claim_part(search, parent, entry->d_name, (unsigned)strtoul(group, NULL, 10));
	}
	return error;
}
