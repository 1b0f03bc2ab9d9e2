/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks of a device that are in use or contain data. Sources: the kernel's
 * Documentation/filesystems/proc.rst (swaps). */
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

	block_stack_read(view->root, mounts, name, &check.stack);
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
	findings->no_memory |= check.stack.no_memory;
	block_stack_free(&check.stack);
}

/* ---- the disks of a device ---- */

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

	if (error == -ENOMEM)
		findings->no_memory = true;
	else if (error < 0)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "its disks could not be listed: %s", strerror(-error));
	hazard_find_exported_controller(view, device, findings);
	for (size_t i = 0; i < blocks.count; i++)
		if (!is_partition(view->root, blocks.items[i]))
			check_disk(view, device, blocks.items[i], findings);
	strings_free(&blocks);
}
