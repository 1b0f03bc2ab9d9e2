/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks of a device that are in use or contain data. Sources: the kernel's
 * Documentation/filesystems/proc.rst (swaps) and drivers/nvme/host/multipath.c. */
#include "binder/hazards/disk.h"

#include "binder/hazards/diskcontent.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWAPS "proc/swaps"
#define SWAPS_SIZE_MAX (1u << 20)
#define SUBSYSTEMS "sys/class/nvme-subsystem"

bool disk_link_is_below(const struct sysdir *at, const char *name, const struct pci_device *device)
{
	char target[PATH_MAX];

	return sysdir_readlink(at, name, target, sizeof(target)) > 0 &&
	       descendant_is_below(&(struct descendant){.path = target}, &device->address);
}

static void check_users(struct disk_check *check)
{
	for (size_t i = 0; i < check->stack.users.count; i++)
		hazard_findings_add(check->findings, HAZARD_HOLDERS, check->device, "%s",
				    check->stack.users.items[i]);
	check->in_use |= check->stack.users.count > 0;
}

static bool is_mount_of(const void *stack, struct libmnt_fs *mount)
{
	return block_stack_has_mount(stack, mount);
}

static void check_mounts(struct disk_check *check)
{
	check->in_use |= hazard_find_mounts(check->view, check->device, check->findings,
					    is_mount_of, &check->stack);
}

static void check_swap(struct disk_check *check, const char *escaped)
{
	char *path = mnt_unmangle(escaped);

	if (!path) {
		check->findings->no_memory = true;
		return;
	}
	if (block_stack_has_path(&check->stack, path)) {
		hazard_findings_add(check->findings, HAZARD_SWAP, check->device,
				    "%s is in use as swap", path);
		check->in_use = true;
	}
	free(path);
}

static void check_swaps(struct disk_check *check)
{
	char *text, *rest = NULL;
	int error = textfile_read(check->view->root, SWAPS, SWAPS_SIZE_MAX, &text);

	if (error < 0) {
		hazard_findings_add(check->findings, HAZARD_UNKNOWN, check->device, "%s/%s: %s",
				    sysroot_path(check->view->root), SWAPS, strerror(-error));
		return;
	}
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		line[strcspn(line, " \t")] = '\0';
		check_swap(check, line);
	}
	free(text);
}

/* Content that cannot be read counts as data: --allow data permits the loss without reading it. */
static void check_content(struct disk_check *check, const struct disk_content *content)
{
	const char *name = check->stack.names.items[0];

	if (content->read_error)
		hazard_findings_add(check->findings, HAZARD_DATA, check->device,
				    "/dev/%s could not be read: %s", name,
				    strerror(-content->read_error));
	else if (content->text[0] && !check->stack.partition_count)
		hazard_findings_add(check->findings, HAZARD_DATA, check->device,
				    "/dev/%s contains %s", name, content->text);
}

/* Opens a disk of which no user is known. */
static void open_disk(struct disk_check *check)
{
	const char *name = check->stack.names.items[0];
	const char *number = check->stack.numbers.count ? check->stack.numbers.items[0] : "";
	struct disk_content content;
	unsigned seconds = check->view->timeout;
	int error = disk_content_read(check->view->root, name, number, seconds, &content);

	if (error == 0)
		check_content(check, &content);
	else if (error == -EBUSY)
		hazard_findings_add(
			check->findings, HAZARD_HOLDERS, check->device,
			"/dev/%s is in use, for example by ZFS or in another mount namespace",
			name);
	else if (error == -ETIMEDOUT)
		hazard_findings_add(check->findings, HAZARD_UNKNOWN, check->device,
				    "/dev/%s does not answer within %u seconds", name, seconds);
	/* a recording has no device nodes */
	else if (error != -ENOMEDIUM && (error != -ENOENT || sysroot_is_host(check->view->root)))
		hazard_findings_add(check->findings, HAZARD_UNKNOWN, check->device, "/dev/%s: %s",
				    name, strerror(-error));
}

static void check_unused(struct disk_check *check)
{
	if (check->stack.partition_count)
		hazard_findings_add(check->findings, HAZARD_DATA, check->device,
				    "/dev/%s has %zu partition%s", check->stack.names.items[0],
				    check->stack.partition_count,
				    check->stack.partition_count == 1 ? "" : "s");
	if (check->view->open_disks)
		open_disk(check);
	/* the kernel opens a mounted disk exclusively, so that open_disk would have noticed */
	else if (check->view->mounts.incomplete)
		hazard_findings_add(check->findings, HAZARD_UNKNOWN, check->device,
				    "the mounts of other processes could not be read");
}

static void check_disk(struct hazard_view *view, const struct pci_device *device, const char *name,
		       struct hazard_findings *findings)
{
	struct disk_check check = {.view = view, .device = device, .findings = findings};
	const struct mounts *mounts = hazard_read_mounts(view, device, findings);

	findings->no_memory |= block_stack_read(view->root, mounts, name, &check.stack) < 0;
	if (check.stack.error)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "/%s: %s",
				    check.stack.error_path, strerror(-check.stack.error));
	if (check.stack.names.count) {
		check_users(&check);
		check_mounts(&check);
		check_swaps(&check);
		hazard_find_exports(&check);
		if (!check.in_use)
			check_unused(&check);
	}
	block_stack_free(&check.stack);
}

/* ---- the disks of a device ---- */

/* Whether the NVMe subsystem links to a controller on DEVICE. */
static bool has_controller(const struct sysdir *subsystem, const struct pci_device *device)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;

	if (sysdir_list(subsystem, ".", &list) < 0)
		return false;
	while ((entry = sysdir_next(list)))
		if (strncmp(entry->d_name, "nvme", 4) == 0 &&
		    disk_link_is_below(subsystem, entry->d_name, device))
			return true;
	return false;
}

static int add_disks_of_subsystem(const struct sysdir *subsystem, struct strings *ret)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	unsigned number, namespace;
	int error = 0;

	if (sysdir_list(subsystem, ".", &list) < 0)
		return 0;
	while (!error && (entry = sysdir_next(list)))
		if (sscanf(entry->d_name, "nvme%un%u", &number, &namespace) == 2 &&
		    !strings_has(ret, entry->d_name))
			error = strings_add(ret, entry->d_name);
	return error;
}

/* With native multipath a disk is not below its controllers, but below their common subsystem. */
static int add_multipath_disks(struct sysroot *root, const struct pci_device *device,
			       struct strings *ret)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = 0;

	if (sysdir_list(sysroot_dir(root), SUBSYSTEMS, &list) < 0)
		return 0;
	while (!error && (entry = sysdir_next(list))) {
		_cleanup_sysdir_ struct sysdir subsystem = {.fd = -1};
		char path[NAME_MAX + sizeof(SUBSYSTEMS) + 1];

		snprintf(path, sizeof(path), SUBSYSTEMS "/%s", entry->d_name);
		if (sysdir_open(sysroot_dir(root), path, &subsystem) == 0 &&
		    has_controller(&subsystem, device))
			error = add_disks_of_subsystem(&subsystem, ret);
	}
	return error;
}

static bool is_partition(struct sysroot *root, const char *name)
{
	char path[NAME_MAX + 32];
	struct stat status;

	snprintf(path, sizeof(path), "sys/class/block/%s/partition", name);
	return sysdir_stat(sysroot_dir(root), path, &status) == 0;
}

void hazard_find_disks(struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings)
{
	struct strings blocks = {0};
	int error = hazard_list_blocks(view, device, &blocks);

	if (!error)
		error = add_multipath_disks(view->root, device, &blocks);
	findings->no_memory |= error < 0;
	hazard_find_exported_controller(view, device, findings);
	for (size_t i = 0; i < blocks.count; i++)
		if (!is_partition(view->root, blocks.items[i]))
			check_disk(view, device, blocks.items[i], findings);
	strings_free(&blocks);
}
