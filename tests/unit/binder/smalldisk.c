/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/binder/smalldisk.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#define PATH_SIZE 512
#define INODES 256 /* limit of the file system */

static bool write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool written = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return written;
}

static bool map_id(const char *path, unsigned id)
{
	char map[64];

	snprintf(map, sizeof(map), "%u %u 1", id, id);
	return write_file(path, map);
}

/* A user needs a user namespace too, in which the ids stay as they are. */
static bool enter_namespace(void)
{
	uid_t user = geteuid();
	gid_t group = getegid();

	if (user == 0)
		return unshare(CLONE_NEWNS) == 0;
	return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && map_id("/proc/self/uid_map", user) &&
	       write_file("/proc/self/setgroups", "deny") && map_id("/proc/self/gid_map", group);
}

static bool has_namespace;

void smalldisk_init(void)
{
	has_namespace = enter_namespace() &&
			mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

bool smalldisk_mount(const struct fakesys *fake, const char *path)
{
	char full[PATH_SIZE], options[64];

	snprintf(full, sizeof(full), "%s/%s", fake->path, path);
	snprintf(options, sizeof(options), "size=64k,nr_inodes=%d,mode=755", INODES);
	return has_namespace && mount("none", full, "tmpfs", 0, options) == 0;
}

void smalldisk_unmount(const struct fakesys *fake, const char *path)
{
	char full[PATH_SIZE];

	snprintf(full, sizeof(full), "%s/%s", fake->path, path);
	if (umount2(full, MNT_DETACH) < 0 && errno != EINVAL && errno != ENOENT && errno != EPERM)
		err(1, "%s", full);
}

static int open_filler(const struct fakesys *fake, const char *path, unsigned number)
{
	char full[PATH_SIZE];

	snprintf(full, sizeof(full), "%s/%s/fill-%u", fake->path, path, number);
	return open(full, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

void smalldisk_fill(const struct fakesys *fake, const char *path)
{
	static const char block[512];
	int fd = open_filler(fake, path, 0);

	while (fd >= 0 && write(fd, block, sizeof(block)) > 0)
		;
	if (errno != ENOSPC)
		err(1, "%s", path);
	if (fd >= 0)
		close(fd);
	for (unsigned i = 1; (fd = open_filler(fake, path, i)) >= 0; i++) {
		close(fd);
		if (i > INODES)
			errx(1, "%s: the number of inodes is not limited", path);
	}
}

void smalldisk_empty(const struct fakesys *fake, const char *path)
{
	char full[PATH_SIZE];

	for (unsigned i = 0; i <= INODES; i++) {
		snprintf(full, sizeof(full), "%s/%s/fill-%u", fake->path, path, i);
		unlink(full);
	}
}
