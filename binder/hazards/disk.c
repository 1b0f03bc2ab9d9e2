/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Disks of a device that are mounted, used as swap, or part of a RAID, LVM or similar. Sources: the
 * kernel's Documentation/filesystems/proc.rst (mountinfo), Documentation/ABI/stable/sysfs-block and
 * Documentation/ABI/testing/sysfs-fs-btrfs. */
#include "binder/hazards/hazard.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <fcntl.h>
#include <libmount.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define PROC_FILE_SIZE_MAX (16u << 20)
#define NAMES_MAX 4096

/* The disks of one device and everything stacked on them: partitions, logical volumes, ... */
struct disks {
	struct hazard_view *view;
	const struct pci_device *device;
	struct hazard_findings *findings;
	struct strings names;	/* as in /sys/class/block */
	struct strings numbers; /* device numbers, "259:1" */
};

static void add_name(struct disks *disks, const char *name)
{
	if (disks->names.count < NAMES_MAX && !strings_has(&disks->names, name) &&
	    strings_add(&disks->names, name) < 0)
		disks->findings->no_memory = true;
}

/* Formats NAME, with the device mapper's name if there is one: "dm-0 (vg-data)". */
static const char *block_label(const struct disks *disks, const char *name, char label[static 256])
{
	char path[NAME_MAX + 64], mapped[ATTRIBUTE_SIZE];

	snprintf(path, sizeof(path), "sys/class/block/%s/dm/name", name);
	if (sysdir_read(sysroot_dir(disks->view->root), path, mapped, sizeof(mapped)) > 0)
		snprintf(label, 256, "%.64s (%.180s)", name, mapped);
	else
		snprintf(label, 256, "%.255s", name);
	return label;
}

static void add_holders(struct disks *disks, const struct sysdir *disk, const char *name)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char label[256];

	if (sysdir_list(disk, "holders", &list) < 0)
		return;
	while ((entry = sysdir_next(list))) {
		hazard_findings_add(disks->findings, HAZARD_HOLDERS, disks->device,
				    "%s is part of %s", name,
				    block_label(disks, entry->d_name, label));
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

/* disks->names grows during the loop. */
static void add_stacked_devices(struct disks *disks)
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

/* A btrfs has a device number of its own, and mountinfo lists only one of its devices. */
static void add_btrfs_devices(struct disks *disks, const char *uuid)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	char path[NAME_MAX + 32];
	bool is_member = false;

	snprintf(path, sizeof(path), "sys/fs/btrfs/%s/devices", uuid);
	if (sysdir_list(sysroot_dir(disks->view->root), path, &list) < 0)
		return;
	while (!is_member && (entry = sysdir_next(list)))
		is_member = strings_has(&disks->names, entry->d_name);
	rewinddir(list);
	while (is_member && (entry = sysdir_next(list)))
		add_name(disks, entry->d_name);
}

static void add_btrfs_peers(struct disks *disks)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;

	if (sysdir_list(sysroot_dir(disks->view->root), "sys/fs/btrfs", &list) < 0)
		return;
	while ((entry = sysdir_next(list)))
		add_btrfs_devices(disks, entry->d_name);
}

/* Whether SOURCE, /dev/NAME or /dev/mapper/NAME, is one of the disks. */
static bool has_source(const struct disks *disks, const char *source)
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

static bool is_system_mount(const char *target)
{
	static const char *const prefixes[] = {"/boot", "/efi", "/usr"};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(*prefixes); i++)
		if (strncmp(target, prefixes[i], strlen(prefixes[i])) == 0 &&
		    (!target[strlen(prefixes[i])] || target[strlen(prefixes[i])] == '/'))
			return true;
	return strcmp(target, "/") == 0;
}

static void add_malformed(struct disks *disks)
{
	hazard_findings_add(disks->findings, HAZARD_UNKNOWN, disks->device,
			    "cannot parse /proc/self/mountinfo");
}

static void check_mount(struct disks *disks, struct libmnt_fs *fs)
{
	const char *source = mnt_fs_get_source(fs), *target = mnt_fs_get_target(fs);
	dev_t number = mnt_fs_get_devno(fs);
	char device_number[32];

	/* libmount parses a line that does not start with two numbers as a line of fstab */
	if (!target || !mnt_fs_get_id(fs)) {
		add_malformed(disks);
		return;
	}
	snprintf(device_number, sizeof(device_number), "%u:%u", major(number), minor(number));
	if (!strings_has(&disks->numbers, device_number) && !has_source(disks, source))
		return;
	hazard_findings_add(disks->findings,
			    is_system_mount(target) ? HAZARD_SYSTEM_DISK : HAZARD_MOUNTED,
			    disks->device, "%s is mounted on %s", source ? source : device_number,
			    target);
}

/* Returns the content of a file in /proc, which the caller frees, or NULL after adding
 * HAZARD_UNKNOWN. */
static char *read_proc_file(struct disks *disks, const char *path)
{
	char *text;
	int error = textfile_read(disks->view->root, path, PROC_FILE_SIZE_MAX, &text);

	if (error == 0)
		return text;
	hazard_findings_add(disks->findings, HAZARD_UNKNOWN, disks->device, "%s/%s: %s",
			    sysroot_path(disks->view->root), path, strerror(-error));
	return NULL;
}

/* By default libmount skips lines that it cannot parse. */
static int reject_line(struct libmnt_table *table, const char *file, int line)
{
	(void)table, (void)file, (void)line;
	return -EBADMSG;
}

static void check_mounts(struct disks *disks)
{
	char *text = read_proc_file(disks, "proc/self/mountinfo");
	struct libmnt_table *table = text ? mnt_new_table() : NULL;
	FILE *in = text && *text ? fmemopen(text, strlen(text), "r") : NULL;
	struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
	struct libmnt_fs *fs;

	if (table)
		mnt_table_set_parser_errcb(table, reject_line);
	/* libmount reports no error for a file in which it finds no entry */
	if (table && in && iterator && mnt_table_parse_stream(table, in, "mountinfo") == 0 &&
	    !mnt_table_is_empty(table))
		while (mnt_table_next_fs(table, iterator, &fs) == 0)
			check_mount(disks, fs);
	else if (text && *text)
		add_malformed(disks);
	mnt_free_iter(iterator);
	mnt_unref_table(table);
	if (in)
		fclose(in);
	free(text);
}

static void check_swaps(struct disks *disks)
{
	char *text = read_proc_file(disks, "proc/swaps"), *rest = NULL;

	for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line;
	     line = strtok_r(NULL, "\n", &rest)) {
		line[strcspn(line, " \t")] = '\0';
		if (has_source(disks, line))
			hazard_findings_add(disks->findings, HAZARD_SWAP, disks->device,
					    "%s is in use as swap", line);
	}
	free(text);
}

/* Some users do not show in sysfs: ZFS, VMs that use the disk as a file, mounts in other
 * namespaces. If they claim the disk exclusively, O_EXCL fails with EBUSY. */
static void open_exclusively(struct disks *disks)
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
				"%s is in use, for example by ZFS or in another mount namespace",
				path);
	}
}

void hazard_find_disks(struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings)
{
	struct disks disks = {.view = view, .device = device, .findings = findings};
	size_t before = findings->count;

	if (hazard_list_blocks(view, device, &disks.names) < 0)
		findings->no_memory = true;
	if (!disks.names.count)
		return;
	add_stacked_devices(&disks);
	add_btrfs_peers(&disks);
	check_mounts(&disks);
	check_swaps(&disks);
	if (findings->count == before && view->open_disks && sysroot_is_host(view->root))
		open_exclusively(&disks);
	strings_free(&disks.names);
	strings_free(&disks.numbers);
}
