/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks behind a device: mounted, swapped to, a part of something. Sources: the kernel's
 * Documentation/filesystems/proc.rst (mountinfo), Documentation/ABI/stable/sysfs-block and
 * Documentation/ABI/testing/sysfs-fs-btrfs. */
#include "binder/hazards/hazard.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define TEXT_SIZE_MAX (16u << 20)
#define NAMES_MAX 4096

/* The disks of one device and all that is made of them: partitions, logical volumes, ... */
struct disks {
	struct hazard_view *view;
	const struct pci_device *device;
	struct hazard_findings *findings;
	struct strings names;	/* as in /sys/class/block */
	struct strings numbers; /* of the same, "259:1"; of btrfs none */
};

static void add_name(struct disks *disks, const char *name)
{
	if (disks->names.count < NAMES_MAX && !strings_has(&disks->names, name) &&
	    strings_add(&disks->names, name) < 0)
		disks->findings->no_memory = true;
}

/* What a device mapper's device is called by people: "dm-0 (vg-data)". */
static const char *title(const struct disks *disks, const char *name, char text[static 256])
{
	char path[NAME_MAX + 64], mapped[ATTRIBUTE_SIZE];

	snprintf(path, sizeof(path), "sys/class/block/%s/dm/name", name);
	if (sysdir_read(sysroot_dir(disks->view->root), path, mapped, sizeof(mapped)) > 0)
		snprintf(text, 256, "%.64s (%.180s)", name, mapped);
	else
		snprintf(text, 256, "%.255s", name);
	return text;
}

static void add_holders(struct disks *disks, const struct sysdir *disk, const char *name)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char text[256];

	if (sysdir_list(disk, "holders", &list) < 0)
		return;
	while ((entry = sysdir_next(list))) {
		hazard_findings_add(disks->findings, HAZARD_HOLDERS, disks->device,
				    "%s is a part of %s", name, title(disks, entry->d_name, text));
		add_name(disks, entry->d_name);
	}
}

static void add_partitions(struct disks *disks, const struct sysdir *disk)
{
	_cleanup_closedir_ DIR *list = NULL;
	char path[NAME_MAX + 16], number[ATTRIBUTE_SIZE];
	struct dirent *entry;

	if (sysdir_list(disk, ".", &list) < 0)
		return;
	while ((entry = sysdir_next(list))) {
		snprintf(path, sizeof(path), "%s/partition", entry->d_name);
		if (entry->d_type != DT_REG && sysdir_read(disk, path, number, sizeof(number)) > 0)
			add_name(disks, entry->d_name);
	}
}

/* The names grow while they are walked through. */
static void follow(struct disks *disks)
{
	for (size_t i = 0; i < disks->names.count; i++) {
		_cleanup_sysdir_ struct sysdir disk = {.fd = -1};
		char path[NAME_MAX + 32], number[ATTRIBUTE_SIZE];

		snprintf(path, sizeof(path), "sys/class/block/%s", disks->names.items[i]);
		if (sysdir_open(sysroot_dir(disks->view->root), path, &disk) < 0)
			continue;
		add_partitions(disks, &disk);
		add_holders(disks, &disk, disks->names.items[i]);
		if (sysdir_read(&disk, "dev", number, sizeof(number)) > 0 &&
		    strings_add(&disks->numbers, number) < 0)
			disks->findings->no_memory = true;
	}
}

/* A btrfs has a number of its own, and one of its devices stands for all in mountinfo. */
static void add_btrfs(struct disks *disks, const char *uuid)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char path[NAME_MAX + 32];
	bool ours = false;

	snprintf(path, sizeof(path), "sys/fs/btrfs/%s/devices", uuid);
	if (sysdir_list(sysroot_dir(disks->view->root), path, &list) < 0)
		return;
	while (!ours && (entry = sysdir_next(list)))
		ours = strings_has(&disks->names, entry->d_name);
	rewinddir(list);
	while (ours && (entry = sysdir_next(list)))
		add_name(disks, entry->d_name);
}

static void follow_btrfs(struct disks *disks)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;

	if (sysdir_list(sysroot_dir(disks->view->root), "sys/fs/btrfs", &list) < 0)
		return;
	while ((entry = sysdir_next(list)))
		add_btrfs(disks, entry->d_name);
}

/* Whether /dev/NAME, or /dev/mapper/NAME, is one of them. */
static bool is_source(const struct disks *disks, const char *source)
{
	char path[NAME_MAX + 64], mapped[ATTRIBUTE_SIZE];

	if (!source || strncmp(source, "/dev/", 5) != 0)
		return false;
	if (strncmp(source, "/dev/mapper/", 12) != 0)
		return strings_has(&disks->names, source + 5);
	for (size_t i = 0; i < disks->names.count; i++) {
		snprintf(path, sizeof(path), "sys/class/block/%s/dm/name", disks->names.items[i]);
		if (sysdir_read(sysroot_dir(disks->view->root), path, mapped, sizeof(mapped)) > 0 &&
		    strcmp(mapped, source + 12) == 0)
			return true;
	}
	return false;
}

static bool is_system(const char *target)
{
	static const char *const trees[] = {"/boot", "/efi", "/usr"};

	for (size_t i = 0; i < sizeof(trees) / sizeof(*trees); i++)
		if (strncmp(target, trees[i], strlen(trees[i])) == 0 &&
		    (!target[strlen(trees[i])] || target[strlen(trees[i])] == '/'))
			return true;
	return strcmp(target, "/") == 0;
}

static void log_malformed(struct disks *disks)
{
	hazard_findings_add(disks->findings, HAZARD_UNKNOWN, disks->device,
			    "/proc/self/mountinfo can't be understood");
}

static void check_mount(struct disks *disks, struct libmnt_fs *fs)
{
	const char *source = mnt_fs_get_source(fs), *target = mnt_fs_get_target(fs);
	dev_t number = mnt_fs_get_devno(fs);
	char text[32];

	/* what doesn't begin with two numbers libmount takes for a line of fstab */
	if (!target || !mnt_fs_get_id(fs)) {
		log_malformed(disks);
		return;
	}
	snprintf(text, sizeof(text), "%u:%u", major(number), minor(number));
	if (!strings_has(&disks->numbers, text) && !is_source(disks, source))
		return;
	hazard_findings_add(disks->findings,
			    is_system(target) ? HAZARD_SYSTEM_DISK : HAZARD_MOUNTED, disks->device,
			    "%s is mounted on %s", source ? source : text, target);
}

/* The whole text of a file in /proc, to be freed, or NULL: then it is told and the device's state
 * is unknown. */
static char *read_text(struct disks *disks, const char *path)
{
	char *text = malloc(TEXT_SIZE_MAX);
	ssize_t length = text ? sysdir_read(sysroot_dir(disks->view->root), path, text,
					    TEXT_SIZE_MAX)
			      : -ENOMEM;

	if (length >= 0)
		return text;
	hazard_findings_add(disks->findings, HAZARD_UNKNOWN, disks->device, "%s/%s: %s",
			    sysroot_path(disks->view->root), path, strerror((int)-length));
	free(text);
	return NULL;
}

/* libmount by itself passes over what it doesn't understand. */
static int refuse_line(struct libmnt_table *table, const char *file, int line)
{
	(void)table, (void)file, (void)line;
	return -EBADMSG;
}

static void check_mounts(struct disks *disks)
{
	char *text = read_text(disks, "proc/self/mountinfo");
	struct libmnt_table *table = text ? mnt_new_table() : NULL;
	FILE *in = text && *text ? fmemopen(text, strlen(text), "r") : NULL;
	struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;

	if (table)
		mnt_table_set_parser_errcb(table, refuse_line);
	/* of a file in which it finds nothing libmount says nothing */
	if (table && in && iterator && mnt_table_parse_stream(table, in, "mountinfo") == 0 &&
	    !mnt_table_is_empty(table))
		while (mnt_table_next_fs(table, iterator, &fs) == 0)
			check_mount(disks, fs);
	else if (text && *text)
		log_malformed(disks);
	mnt_free_iter(iterator);
	mnt_unref_table(table);
	if (in)
		fclose(in);
	free(text);
}

static void check_swaps(struct disks *disks)
{
	char *text = read_text(disks, "proc/swaps"), *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		line[strcspn(line, " \t")] = '\0';
		if (is_source(disks, line))
			hazard_findings_add(disks->findings, HAZARD_SWAP, disks->device,
					    "the host swaps to %s", line);
	}
	free(text);
}

/* ZFS, a VM that was given the disk as a file, another mount namespace: none of them shows in
 * sysfs. Whoever uses a disk has claimed it for himself alone, and so nobody else can. */
static void ask_kernel(struct disks *disks)
{
	for (size_t i = 0; i < disks->device->blocks.count; i++) {
		char path[NAME_MAX + 8];
		int fd;

		snprintf(path, sizeof(path), "/dev/%s", disks->device->blocks.items[i]);
		fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		if (fd >= 0)
			close(fd);
		else if (errno == EBUSY)
			hazard_findings_add(
				disks->findings, HAZARD_HOLDERS, disks->device,
				"%s is in use, by ZFS or another mount namespace for instance",
				path);
	}
}

void find_disks(struct hazard_view *view, const struct pci_device *device,
		struct hazard_findings *findings)
{
	struct disks disks = {.view = view, .device = device, .findings = findings};
	size_t before = findings->count;

	if (!device->blocks.count)
		return;
	for (size_t i = 0; i < device->blocks.count; i++)
		add_name(&disks, device->blocks.items[i]);
	follow(&disks);
	follow_btrfs(&disks);
	check_mounts(&disks);
	check_swaps(&disks);
	if (findings->count == before && view->ask_disks && sysroot_is_host(view->root))
		ask_kernel(&disks);
	strings_free(&disks.names);
	strings_free(&disks.numbers);
}
