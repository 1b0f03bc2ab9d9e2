/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/vfiofile.h"

#include "probe/details/related.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The anonymous inodes' file system is not mounted anywhere, so its number is read from an epoll
 * descriptor, which is on it. */
int vfio_numbers_read(const struct vfio_nodes *nodes, struct vfio_numbers *ret)
{
	struct stat status;
	int fd = epoll_create1(EPOLL_CLOEXEC), error = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else
		*ret = (struct vfio_numbers){.nodes = nodes, .anonymous = status.st_dev};
	close(fd);
	return error;
}

/* The target of a descriptor. */
struct target {
	enum { TARGET_OTHER, TARGET_NODE, TARGET_DEVICE } kind;
	bool is_block; /* of a node, like number */
	dev_t number;
};

static int read_anonymous(const struct sysdir *fds, const char *name, struct target *ret)
{
	static const char device[] = "anon_inode:[vfio-device]";
	char text[sizeof(device) + 1];
	ssize_t length = sysdir_readlink(fds, name, text, sizeof(text));

	if (length == -ENAMETOOLONG)
		return 0;
	if (length < 0)
		return (int)length;
	if (strcmp(text, device) == 0)
		ret->kind = TARGET_DEVICE;
	return 0;
}

/* A file system can deny access; a user's FUSE denies it even to root. Such a file is not a VFIO
 * node, which is never on a file system of this kind. */
static int check_denied(const struct sysdir *fds, const char *name, int error)
{
	char text[256];
	ssize_t length = sysdir_readlink(fds, name, text, sizeof(text));

	return length < 0 || strstr(text, "vfio") ? error : 0;
}

/* Below a root other than "/": see sysroot.h. */
static int read_recorded(const struct sysdir *fds, const char *name, struct target *ret)
{
	char link[256], path[300], text[ATTRIBUTE_SIZE];
	unsigned major_number, minor_number;
	ssize_t length = sysdir_readlink(fds, name, link, sizeof(link));

	if (length < 0)
		return (int)length;
	if (strncmp(link, "anon_inode:", strlen("anon_inode:")) == 0)
		return read_anonymous(fds, name, ret);
	snprintf(path, sizeof(path), "numbers/%s", link + (*link == '/'));
	length = sysdir_read(sysroot_dir(fds->root), path, text, sizeof(text));
	if (length == -ENOENT || length == -ENOTDIR || length == -EISDIR)
		return 0;
	if (length < 0)
		return (int)length;
	if (sscanf(text + (*text == 'b'), "%9u:%9u", &major_number, &minor_number) == 2)
		*ret = (struct target){TARGET_NODE, *text == 'b',
				       makedev(major_number, minor_number)};
	return 0;
}

/* AT_STATX_DONT_SYNC avoids a request to the file system: a user's FUSE or a dead NFS server would
 * never answer. Returns 0 or a negative errno. */
static int read_target(const struct vfio_numbers *numbers, const struct sysdir *fds,
		       const char *name, struct target *ret)
{
	struct statx status;
	int error;

	*ret = (struct target){0};
	if (!sysroot_is_host(fds->root))
		return read_recorded(fds, name, ret);
	if (statx(fds->fd, name, AT_STATX_DONT_SYNC | AT_NO_AUTOMOUNT, STATX_TYPE, &status) < 0) {
		error = -errno;
		if (error == -EACCES || error == -ENOTCONN || error == -ESTALE)
			return check_denied(fds, name, error);
		return error;
	}
	if (S_ISCHR(status.stx_mode) || S_ISBLK(status.stx_mode))
		*ret = (struct target){TARGET_NODE, S_ISBLK(status.stx_mode),
				       makedev(status.stx_rdev_major, status.stx_rdev_minor)};
	else if (makedev(status.stx_dev_major, status.stx_dev_minor) == numbers->anonymous)
		return read_anonymous(fds, name, ret);
	return 0;
}

/* Reads fdinfo/<fd>: the open flags, and the path of the device if it is one. Returns 1, 0 for a
 * file opened with O_PATH, or a negative errno. */
static int read_fdinfo(const struct sysdir *task, const char *name, struct vfio_file *file)
{
	static const char syspath[] = "vfio-device-syspath:";
	char path[32], text[ATTRIBUTE_SIZE], *line;
	unsigned flags;
	ssize_t length;

	snprintf(path, sizeof(path), "fdinfo/%.16s", name);
	length = sysdir_read(task, path, text, sizeof(text));
	if (length < 0)
		return (int)length;
	line = strstr(text, "flags:");
	if (!line || sscanf(line, "flags: %o", &flags) != 1)
		return -EBADMSG;
	if (flags & O_PATH)
		return 0;
	line = strstr(text, syspath);
	if (line) {
		line[strcspn(line, "\n")] = '\0';
		file->has_address = vfio_locate(line + strlen(syspath), &file->address, file->mdev);
	}
	return 1;
}

int vfio_file_read(const struct vfio_numbers *numbers, const struct sysdir *task,
		   const struct sysdir *fds, const char *name, struct vfio_file *ret)
{
	struct vfio_file file = {.fd = (int)strtol(name, NULL, 10)};
	struct target target;
	int result = read_target(numbers, fds, name, &target);

	if (result < 0 || target.kind == TARGET_OTHER)
		return result;
	if (target.kind == TARGET_NODE) {
		file.node = vfio_nodes_find(numbers->nodes, target.is_block, target.number);
		if (!file.node)
			return 0;
	}
	result = read_fdinfo(task, name, &file);
	if (result > 0)
		*ret = file;
	return result;
}
