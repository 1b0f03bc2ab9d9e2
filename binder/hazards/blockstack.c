/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/blockstack.h"

#include <errno.h>
#include <libmount.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>

#define NAMES_MAX 4096
#define CLASS_PATH_SIZE (NAME_MAX + 64)

static struct sysdir *root_of(const struct block_stack *stack)
{
	return sysroot_dir(stack->root);
}

/* Whether NAME in DIRECTORY could be read, as RESULT says. Of a failure other than that it does not
 * exist the first one is kept. */
static bool is_read(struct block_stack *stack, const struct sysdir *directory, const char *name,
		    ssize_t result)
{
	if (result < 0 && result != -ENOENT && !stack->error) {
		stack->error = (int)result;
		snprintf(stack->error_path, sizeof(stack->error_path), "%s%s%s", directory->path,
			 directory->path[0] ? "/" : "", name);
	}
	return result >= 0;
}

static bool list(struct block_stack *stack, const struct sysdir *directory, const char *name,
		 DIR **ret)
{
	return is_read(stack, directory, name, sysdir_list(directory, name, ret));
}

static void add_name(struct block_stack *stack, const char *name)
{
	if (stack->names.count < NAMES_MAX && !strings_has(&stack->names, name) &&
	    strings_add(&stack->names, name) < 0)
		stack->no_memory = true;
}

static void __attribute__((format(printf, 2, 3)))
add_user(struct block_stack *stack, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	if (!text || strings_add(&stack->users, text) < 0)
		stack->no_memory = true;
	free(text);
}

/* Reads the device mapper's name of a block device. */
static bool read_mapped(const struct block_stack *stack, const char *name,
			char mapped[static ATTRIBUTE_SIZE])
{
	char path[CLASS_PATH_SIZE];

	snprintf(path, sizeof(path), "sys/class/block/%s/dm/name", name);
	return sysdir_read(root_of(stack), path, mapped, ATTRIBUTE_SIZE) > 0;
}

static void add_holders(struct block_stack *stack, const struct sysdir *block, const char *name)
{
	_cleanup_closedir_ DIR *entries = NULL;
	char mapped[ATTRIBUTE_SIZE];
	struct dirent *entry;

	if (!list(stack, block, "holders", &entries))
		return;
	while ((entry = sysdir_next(entries))) {
		if (read_mapped(stack, entry->d_name, mapped))
			add_user(stack, "%s is part of %s (%.180s)", name, entry->d_name, mapped);
		else
			add_user(stack, "%s is part of %s", name, entry->d_name);
		add_name(stack, entry->d_name);
	}
}

/* A cache of bcache is not listed among the holders; the cached devices are. */
static void add_cached(struct block_stack *stack, const struct sysdir *block, const char *name)
{
	_cleanup_closedir_ DIR *entries = NULL;
	char path[NAME_MAX + 32], cached[NAME_MAX + 1];
	struct dirent *entry;

	if (!list(stack, block, "bcache/set", &entries))
		return;
	add_user(stack, "%s is a cache of bcache", name);
	while ((entry = sysdir_next(entries))) {
		snprintf(path, sizeof(path), "bcache/set/%s/dev", entry->d_name);
		if (strncmp(entry->d_name, "bdev", 4) == 0 &&
		    is_read(stack, block, path,
			    sysdir_link_name(block, path, cached, sizeof(cached))))
			add_name(stack, cached);
	}
}

static size_t add_partitions(struct block_stack *stack, const struct sysdir *block)
{
	_cleanup_closedir_ DIR *entries = NULL;
	char path[NAME_MAX + 16], number[ATTRIBUTE_SIZE];
	struct dirent *entry;
	size_t count = 0;

	if (!list(stack, block, ".", &entries))
		return 0;
	while ((entry = sysdir_next(entries))) {
		snprintf(path, sizeof(path), "%s/partition", entry->d_name);
		if (entry->d_type == DT_REG ||
		    !is_read(stack, block, path, sysdir_read(block, path, number, sizeof(number))))
			continue;
		add_name(stack, entry->d_name);
		count++;
	}
	return count;
}

static void add_block(struct block_stack *stack, const char *name)
{
	_cleanup_sysdir_ struct sysdir block = {.fd = -1};
	char path[CLASS_PATH_SIZE], number[ATTRIBUTE_SIZE];
	size_t partitions;

	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	if (!is_read(stack, root_of(stack), path, sysdir_open(root_of(stack), path, &block)))
		return;
	partitions = add_partitions(stack, &block);
	if (name == stack->names.items[0])
		stack->partition_count = partitions;
	add_holders(stack, &block, name);
	add_cached(stack, &block, name);
	if (is_read(stack, &block, "dev", sysdir_read(&block, "dev", number, sizeof(number))) &&
	    strings_add(&stack->numbers, number) < 0)
		stack->no_memory = true;
}

/* A btrfs has a device number of its own, and mountinfo lists only one of its devices. */
static void add_btrfs_devices(struct block_stack *stack, const char *uuid)
{
	_cleanup_closedir_ DIR *entries = NULL;
	char path[CLASS_PATH_SIZE];
	struct dirent *entry;
	bool is_member = false;

	snprintf(path, sizeof(path), "sys/fs/btrfs/%s/devices", uuid);
	if (!list(stack, root_of(stack), path, &entries))
		return;
	while (!is_member && (entry = sysdir_next(entries)))
		is_member = strings_has(&stack->names, entry->d_name);
	rewinddir(entries);
	while (is_member && (entry = sysdir_next(entries)))
		add_name(stack, entry->d_name);
}

static void add_btrfs_peers(struct block_stack *stack)
{
	_cleanup_closedir_ DIR *entries = NULL;
	struct dirent *entry;

	if (!list(stack, root_of(stack), "sys/fs/btrfs", &entries))
		return;
	while ((entry = sysdir_next(entries)))
		add_btrfs_devices(stack, entry->d_name);
}

static void add_loop_device(struct block_stack *stack, const char *name)
{
	char path[CLASS_PATH_SIZE], file[ATTRIBUTE_SIZE];

	if (strings_has(&stack->names, name))
		return;
	snprintf(path, sizeof(path), "sys/class/block/%s/loop/backing_file", name);
	if (!is_read(stack, root_of(stack), path,
		     sysdir_read(root_of(stack), path, file, sizeof(file))) ||
	    !block_stack_has_path(stack, file))
		return;
	add_user(stack, "%s is set up on %s", name, file);
	add_name(stack, name);
}

static void add_loop_devices(struct block_stack *stack)
{
	_cleanup_closedir_ DIR *entries = NULL;
	struct dirent *entry;

	if (!list(stack, root_of(stack), "sys/class/block", &entries))
		return;
	while ((entry = sysdir_next(entries)))
		if (strncmp(entry->d_name, "loop", 4) == 0)
			add_loop_device(stack, entry->d_name);
}

static bool exists(struct block_stack *stack, const char *name)
{
	char path[CLASS_PATH_SIZE];
	struct stat status;

	snprintf(path, sizeof(path), "sys/class/block/%s", name);
	return is_read(stack, root_of(stack), path, sysdir_stat(root_of(stack), path, &status));
}

int block_stack_read(struct sysroot *root, const struct mounts *mounts, const char *disk,
		     struct block_stack *ret)
{
	*ret = (struct block_stack){.root = root, .mounts = mounts};
	if (exists(ret, disk))
		add_name(ret, disk);
	/* the list grows meanwhile; loop devices are found when everything below them is known */
	for (size_t i = 0; i < ret->names.count && !ret->no_memory;) {
		for (; i < ret->names.count; i++)
			add_block(ret, ret->names.items[i]);
		add_btrfs_peers(ret);
		if (i == ret->names.count)
			add_loop_devices(ret);
	}
	return ret->no_memory ? -ENOMEM : 0;
}

void block_stack_free(struct block_stack *stack)
{
	strings_free(&stack->names);
	strings_free(&stack->numbers);
	strings_free(&stack->users);
	*stack = (struct block_stack){0};
}

/* ---- users ---- */

static bool has_number(const struct block_stack *stack, dev_t number)
{
	char text[32];

	snprintf(text, sizeof(text), "%u:%u", major(number), minor(number));
	return strings_has(&stack->numbers, text);
}

/* Whether SOURCE is /dev/NAME or /dev/mapper/NAME of one of the block devices. */
static bool has_source(const struct block_stack *stack, const char *source)
{
	char mapped[ATTRIBUTE_SIZE];

	if (!source || strncmp(source, "/dev/", 5) != 0)
		return false;
	if (strncmp(source, "/dev/mapper/", 12) != 0)
		return strings_has(&stack->names, source + 5);
	for (size_t i = 0; i < stack->names.count; i++)
		if (read_mapped(stack, stack->names.items[i], mapped) &&
		    strcmp(mapped, source + 12) == 0)
			return true;
	return false;
}

bool block_stack_has_mount(const struct block_stack *stack, struct libmnt_fs *mount)
{
	return has_number(stack, mnt_fs_get_devno(mount)) ||
	       has_source(stack, mnt_fs_get_source(mount));
}

/* Reads the device number of the block device PATH, below a root other than "/" as described in
 * sysroot.h. Returns false if PATH is something else. */
static bool read_number(const struct block_stack *stack, const char *path, dev_t *ret)
{
	char link[PATH_MAX + 16], text[ATTRIBUTE_SIZE];
	unsigned major_number, minor_number;
	struct stat status;

	if (sysroot_is_host(stack->root)) {
		if (stat(path, &status) < 0 || !S_ISBLK(status.st_mode))
			return false;
		*ret = status.st_rdev;
		return true;
	}
	snprintf(link, sizeof(link), "numbers%s", path);
	if (sysdir_read(root_of(stack), link, text, sizeof(text)) <= 0 ||
	    sscanf(text, "b%u:%u", &major_number, &minor_number) != 2)
		return false;
	*ret = makedev(major_number, minor_number);
	return true;
}

/* Whether access to a file system can wait for a server, or mounts another one. */
static bool may_hang(struct libmnt_fs *mount)
{
	const char *type = mnt_fs_get_fstype(mount);

	return mnt_fs_is_netfs(mount) || !type || strncmp(type, "fuse", 4) == 0 ||
	       strcmp(type, "9p") == 0 || strcmp(type, "autofs") == 0;
}

bool block_stack_has_path(struct block_stack *stack, const char *path)
{
	static const char suffix[] = " (deleted)";
	size_t length = strlen(path);
	bool deleted = length > strlen(suffix) &&
		       strcmp(path + length - strlen(suffix), suffix) == 0;
	char plain[PATH_MAX];
	struct libmnt_fs *mount;
	dev_t number;

	snprintf(plain, sizeof(plain), "%.*s", (int)(deleted ? length - strlen(suffix) : length),
		 path);
	if (plain[0] != '/')
		return false;
	if (has_source(stack, plain))
		return true;
	if (mounts_find(stack->mounts, plain, &mount) < 0) {
		stack->no_memory = true;
		return false;
	}
	/* the file is in use, so that its inode is cached: a slow disk is not waited for */
	if (!deleted && !(mount && may_hang(mount)) && read_number(stack, plain, &number))
		return has_number(stack, number);
	return mount && block_stack_has_mount(stack, mount);
}
