/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/mounttables.h"

#include "probe/strings.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <libmount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOUNTINFO_SIZE_MAX (16u << 20)
#define NAMESPACES_MAX 1024

void mounts_free(struct mounts *mounts)
{
	for (size_t i = 0; i < mounts->count; i++)
		mnt_unref_table(mounts->items[i].table);
	free(mounts->items);
	*mounts = (struct mounts){0};
}

/* By default libmount skips lines that it cannot parse. */
static int reject_line(struct libmnt_table *table, const char *file, int line)
{
	(void)table, (void)file, (void)line;
	return -EBADMSG;
}

/* libmount parses a line that does not start with two numbers as a line of fstab. */
static bool is_complete(struct libmnt_table *table)
{
	struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
	bool complete = iterator && !mnt_table_is_empty(table);
	struct libmnt_fs *fs;

	while (complete && mnt_table_next_fs(table, iterator, &fs) == 0)
		complete = mnt_fs_get_target(fs) && mnt_fs_get_id(fs);
	mnt_free_iter(iterator);
	return complete;
}

static int parse(char *text, struct libmnt_table **ret)
{
	struct libmnt_table *table = mnt_new_table();
	FILE *in = *text ? fmemopen(text, strlen(text), "r") : NULL;
	int error = table ? -EBADMSG : -ENOMEM;

	if (table && in) {
		mnt_table_set_parser_errcb(table, reject_line);
		if (mnt_table_parse_stream(table, in, "mountinfo") == 0 && is_complete(table))
			error = 0;
	}
	if (in)
		fclose(in);
	if (error < 0)
		mnt_unref_table(table);
	else
		*ret = table;
	return error;
}

static int read_table(struct sysroot *root, const char *path, struct libmnt_table **ret)
{
	char *text;
	int error = textfile_read(root, path, MOUNTINFO_SIZE_MAX, &text);

	if (error < 0)
		return error;
	error = parse(text, ret);
	free(text);
	return error;
}

static int add_namespace(struct mounts *mounts, const struct mount_namespace *item)
{
	struct mount_namespace *grown = realloc(mounts->items,
						(mounts->count + 1) * sizeof(*grown));

	if (!grown) {
		mnt_unref_table(item->table);
		return -ENOMEM;
	}
	mounts->items = grown;
	grown[mounts->count++] = *item;
	return 0;
}

/* SEEN are the namespaces that need not be read again. Returns 0 or -ENOMEM. */
static int add_process(struct sysroot *root, const char *pid, struct strings *seen,
		       struct mounts *mounts)
{
	struct mount_namespace item = {.pid = (pid_t)strtol(pid, NULL, 10)};
	char path[64], namespace[64];
	ssize_t length;
	int error;

	snprintf(path, sizeof(path), "proc/%.16s/ns/mnt", pid);
	length = sysdir_readlink(sysroot_dir(root), path, namespace, sizeof(namespace));
	if (length < 0) {
		/* the process has ended */
		mounts->incomplete |= length != -ENOENT && length != -ESRCH;
		return 0;
	}
	if (strings_has(seen, namespace))
		return 0;
	if (seen->count >= NAMESPACES_MAX) {
		mounts->incomplete = true;
		return 0;
	}
	snprintf(path, sizeof(path), "proc/%.16s/mountinfo", pid);
	error = read_table(root, path, &item.table);
	if (error < 0) {
		/* another process of the namespace may be readable */
		mounts->incomplete |= error != -ENOENT && error != -ESRCH && error != -EINVAL;
		return error == -ENOMEM ? error : 0;
	}
	snprintf(path, sizeof(path), "proc/%.16s/comm", pid);
	if (sysdir_read(sysroot_dir(root), path, item.program, sizeof(item.program)) < 0)
		strcpy(item.program, "?");
	error = add_namespace(mounts, &item);
	return error < 0 ? error : strings_add(seen, namespace);
}

static int add_others(struct sysroot *root, struct strings *seen, struct mounts *mounts)
{
	_cleanup_closedir_ DIR *list = NULL;
	struct dirent *entry;
	int error = sysdir_list(sysroot_dir(root), "proc", &list);

	if (error < 0)
		return error;
	while ((entry = sysdir_next(list))) {
		if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
			continue;
		error = add_process(root, entry->d_name, seen, mounts);
		if (error < 0)
			return error;
	}
	return -errno;
}

int mounts_read(struct sysroot *root, struct mounts *ret)
{
	struct mount_namespace own = {0};
	struct strings seen = {0};
	char namespace[64];
	int error;

	*ret = (struct mounts){0};
	ret->error = read_table(root, "proc/self/mountinfo", &own.table);
	if (ret->error < 0)
		return ret->error == -ENOMEM ? -ENOMEM : 0;
	error = add_namespace(ret, &own);
	if (!error && sysdir_readlink(sysroot_dir(root), "proc/self/ns/mnt", namespace,
				      sizeof(namespace)) >= 0)
		error = strings_add(&seen, namespace);
	if (!error)
		error = add_others(root, &seen, ret);
	strings_free(&seen);
	ret->incomplete |= error < 0;
	return error == -ENOMEM ? error : 0;
}

static bool is_below(const char *path, const char *target)
{
	size_t length = strlen(target);

	if (strncmp(path, target, length) != 0)
		return false;
	return !path[length] || path[length] == '/' || strcmp(target, "/") == 0;
}

/* Of several mounts on one directory the last one hides the others. */
struct libmnt_fs *mounts_find(const struct mounts *mounts, const char *path)
{
	struct libmnt_iter *iterator = mounts->count ? mnt_new_iter(MNT_ITER_FORWARD) : NULL;
	struct libmnt_fs *fs, *found = NULL;
	size_t longest = 0;

	while (iterator && mnt_table_next_fs(mounts->items[0].table, iterator, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if (strlen(target) >= longest && is_below(path, target)) {
			longest = strlen(target);
			found = fs;
		}
	}
	mnt_free_iter(iterator);
	return found;
}

bool mount_namespace_is_system(const struct mount_namespace *item)
{
	return item->pid <= 1;
}

const char *mount_namespace_format(const struct mount_namespace *item,
				   char text[static MOUNT_NAMESPACE_SIZE])
{
	text[0] = '\0';
	if (!mount_namespace_is_system(item))
		snprintf(text, MOUNT_NAMESPACE_SIZE, " in the mount namespace of process %d (%s)",
			 item->pid, item->program);
	return text;
}
