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

static int count_lines(const char *text)
{
	int count = 0;

	for (; *text; text++)
		count += *text == '\n' || !text[1];
	return count;
}

/* libmount parses a line that does not start with two numbers as a line of fstab. */
static int check_table(struct libmnt_table *table)
{
	struct libmnt_iter *iterator = mnt_new_iter(MNT_ITER_FORWARD);
	int error = iterator ? 0 : -ENOMEM;
	struct libmnt_fs *fs;

	while (!error && mnt_table_next_fs(table, iterator, &fs) == 0)
		if (!mnt_fs_get_target(fs) || !mnt_fs_get_id(fs))
			error = -EBADMSG;
	mnt_free_iter(iterator);
	return error;
}

/* libmount ends before the last line if that cannot be parsed. Whether it had no memory only errno
 * shows. */
static int parse_stream(struct libmnt_table *table, char *text)
{
	FILE *in = fmemopen(text, strlen(text), "r");
	int error;

	if (!in)
		return -errno;
	errno = 0;
	if (mnt_table_parse_stream(table, in, "mountinfo") == 0 &&
	    mnt_table_get_nents(table) == count_lines(text))
		error = 0;
	else
		error = errno == ENOMEM ? -ENOMEM : -EBADMSG;
	fclose(in);
	return error;
}

static int parse(char *text, struct libmnt_table **ret)
{
	struct libmnt_table *table = mnt_new_table();
	int error = table ? 0 : -ENOMEM;

	if (!error && !*text)
		error = -EBADMSG;
	if (!error) {
		mnt_table_set_parser_errcb(table, reject_line);
		error = parse_stream(table, text);
	}
	if (!error)
		error = check_table(table);
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
int mounts_find(const struct mounts *mounts, const char *path, struct libmnt_fs **ret)
{
	struct libmnt_iter *iterator;
	struct libmnt_fs *fs, *found = NULL;
	size_t longest = 0;

	*ret = NULL;
	if (!mounts->count)
		return 0;
	iterator = mnt_new_iter(MNT_ITER_FORWARD);
	if (!iterator)
		return -ENOMEM;
	while (mnt_table_next_fs(mounts->items[0].table, iterator, &fs) == 0) {
		const char *target = mnt_fs_get_target(fs);

		if (strlen(target) >= longest && is_below(path, target)) {
			longest = strlen(target);
			found = fs;
		}
	}
	mnt_free_iter(iterator);
	*ret = found;
	return 0;
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
