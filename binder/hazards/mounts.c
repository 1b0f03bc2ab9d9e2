/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/hazard.h"

#include <errno.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define MOUNTINFO "proc/self/mountinfo"

static bool is_system_mount(const char *target)
{
	static const char *const prefixes[] = {"/boot", "/efi", "/usr"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(target, prefixes[i], strlen(prefixes[i])) == 0 &&
		    (!target[strlen(prefixes[i])] || target[strlen(prefixes[i])] == '/'))
			return true;
	return strcmp(target, "/") == 0;
}

static void check_mount(const struct pci_device *device, const struct mount_namespace *namespace,
			struct libmnt_fs *fs, struct hazard_findings *findings)
{
	const char *source = mnt_fs_get_source(fs), *target = mnt_fs_get_target(fs);
	dev_t number = mnt_fs_get_devno(fs);
	char device_number[32], where[MOUNT_NAMESPACE_SIZE];
	bool is_system = mount_namespace_is_system(namespace) && is_system_mount(target);

	snprintf(device_number, sizeof(device_number), "%u:%u", major(number), minor(number));
	hazard_findings_add(findings, is_system ? HAZARD_SYSTEM_DISK : HAZARD_MOUNTED, device,
			    "%s is mounted on %s%s", source ? source : device_number, target,
			    mount_namespace_format(namespace, where));
}

const struct mounts *hazard_read_mounts(struct hazard_view *view, const struct pci_device *device,
					struct hazard_findings *findings)
{
	if (!view->has_mounts && mounts_read(view->root, &view->mounts) < 0)
		findings->no_memory = true;
	view->has_mounts = true;
	if (view->mounts.error == -EBADMSG)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "cannot parse /" MOUNTINFO);
	else if (view->mounts.error)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "%s/" MOUNTINFO ": %s",
				    sysroot_path(view->root), strerror(-view->mounts.error));
	return &view->mounts;
}

/* A mount to look for. */
struct mount_search {
	const struct pci_device *device;
	struct hazard_findings *findings;
	hazard_mount_matches *matches;
	const void *data;
};

/* Checks the mounts of the namespaces that are the system's, or of the others. */
static bool check_namespaces(const struct mount_search *search, const struct mounts *mounts,
			     bool of_system)
{
	struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;
	bool found = false;

	search->findings->no_memory |= !iterator;
	for (size_t i = 0; i < mounts->count && iterator; i++) {
		const struct mount_namespace *namespace = &mounts->items[i];

		/* most of the others are copies of each other */
		if (mount_namespace_is_system(namespace) != of_system || (found && !of_system))
			continue;
		mnt_reset_iter(iterator, MNT_ITER_FORWARD);
		while (mnt_table_next_fs(namespace->table, iterator, &fs) == 0) {
			if (!search->matches(search->data, fs))
				continue;
			check_mount(search->device, namespace, fs, search->findings);
			found = true;
		}
	}
	mnt_free_iter(iterator);
	return found;
}

bool hazard_find_mounts(struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings, hazard_mount_matches *matches,
			const void *data)
{
	const struct mounts *mounts = hazard_read_mounts(view, device, findings);
	const struct mount_search search = {device, findings, matches, data};

	return check_namespaces(&search, mounts, true) || check_namespaces(&search, mounts, false);
}
