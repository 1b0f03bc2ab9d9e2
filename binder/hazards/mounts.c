/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts in the caller's mount namespace. Source: the kernel's Documentation/filesystems/proc.rst
 * (mountinfo). */
#include "binder/hazards/hazard.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define MOUNTINFO "proc/self/mountinfo"
#define MOUNTINFO_SIZE_MAX (16u << 20)

static bool is_system_mount(const char *target)
{
	static const char *const prefixes[] = {"/boot", "/efi", "/usr"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(target, prefixes[i], strlen(prefixes[i])) == 0 &&
		    (!target[strlen(prefixes[i])] || target[strlen(prefixes[i])] == '/'))
			return true;
	return strcmp(target, "/") == 0;
}

/* By default libmount skips lines that it cannot parse. */
static int reject_line(struct libmnt_table *table, const char *file, int line)
{
	(void)table, (void)file, (void)line;
	return -EBADMSG;
}

/* libmount parses a line that does not start with two numbers as a line of fstab, without an id. */
static bool is_complete(struct libmnt_table *table, struct libmnt_iter *iterator)
{
	struct libmnt_fs *fs;

	mnt_reset_iter(iterator, MNT_ITER_FORWARD);
	while (mnt_table_next_fs(table, iterator, &fs) == 0)
		if (!mnt_fs_get_target(fs) || !mnt_fs_get_id(fs))
			return false;
	return !mnt_table_is_empty(table); /* no entry is no error to libmount */
}

static int parse(char *text, struct libmnt_table *table, struct libmnt_iter *iterator)
{
	FILE *in;
	int error;

	if (!*text)
		return -EBADMSG;
	in = fmemopen(text, strlen(text), "r");
	if (!in)
		return -ENOMEM;
	mnt_table_set_parser_errcb(table, reject_line);
	error = mnt_table_parse_stream(table, in, "mountinfo");
	fclose(in);
	return error || !is_complete(table, iterator) ? -EBADMSG : 0;
}

static int read_mounts(struct hazard_view *view, struct libmnt_iter *iterator)
{
	char *text;
	int error = textfile_read(view->root, MOUNTINFO, MOUNTINFO_SIZE_MAX, &text);

	if (error < 0)
		return error;
	view->mounts = mnt_new_table();
	error = view->mounts ? parse(text, view->mounts, iterator) : -ENOMEM;
	free(text);
	return error;
}

static void check_mount(const struct pci_device *device, struct libmnt_fs *fs,
			struct hazard_findings *findings)
{
	const char *source = mnt_fs_get_source(fs), *target = mnt_fs_get_target(fs);
	dev_t number = mnt_fs_get_devno(fs);
	char device_number[32];

	snprintf(device_number, sizeof(device_number), "%u:%u", major(number), minor(number));
	hazard_findings_add(findings, is_system_mount(target) ? HAZARD_SYSTEM_DISK : HAZARD_MOUNTED,
			    device, "%s is mounted on %s", source ? source : device_number, target);
}

void hazard_find_mounts(struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings, hazard_mount_matches *matches,
			const void *data)
{
	struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;

	if (!iterator) {
		findings->no_memory = true;
		return;
	}
	if (!view->has_mounts)
		view->mounts_error = read_mounts(view, iterator);
	view->has_mounts = true;
	if (view->mounts_error == -EBADMSG)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "cannot parse /" MOUNTINFO);
	else if (view->mounts_error)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "%s/" MOUNTINFO ": %s",
				    sysroot_path(view->root), strerror(-view->mounts_error));
	mnt_reset_iter(iterator, MNT_ITER_FORWARD);
	while (!view->mounts_error && mnt_table_next_fs(view->mounts, iterator, &fs) == 0)
		if (matches(data, fs))
			check_mount(device, fs, findings);
	mnt_free_iter(iterator);
}
