/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/sysfs/sysroot.h"

#include "probe/sysfs/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sysroot {
	struct sysdir dir;
	char *path;
	bool host;
	sysroot_observer *observer;
	void *observer_data;
};

int sysroot_new(const char *path, struct sysroot **ret)
{
	struct sysroot *root = calloc(1, sizeof(*root));
	int error;

	if (!root)
		return -ENOMEM;
	root->dir.root = root;
	root->dir.fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	/* absolute, because a daemon changes its working directory */
	root->path = root->dir.fd < 0 ? NULL : realpath(path, NULL);
	if (!root->path) {
		error = -errno;
		sysroot_free(root);
		return error;
	}
	root->host = strcmp(root->path, "/") == 0;
	if (root->host)
		root->path[0] = '\0';
	*ret = root;
	return 0;
}

int sysroot_copy(const struct sysroot *root, sysroot_observer *observer, void *data,
		 struct sysroot **ret)
{
	struct sysroot *copy;
	/* not by its path, where another directory may be by now */
	int fd = fcntl(root->dir.fd, F_DUPFD_CLOEXEC, 0), error = -errno;

	if (fd < 0)
		return error;
	copy = calloc(1, sizeof(*copy));
	if (copy)
		copy->path = strdup(root->path);
	if (!copy || !copy->path) {
		close(fd);
		free(copy);
		return -ENOMEM;
	}
	copy->dir = (struct sysdir){.root = copy, .fd = fd};
	copy->host = root->host;
	if (root->observer)
		sysroot_watch(copy, observer, data);
	*ret = copy;
	return 0;
}

void sysroot_free(struct sysroot *root)
{
	if (!root)
		return;
	if (root->dir.fd >= 0)
		close(root->dir.fd);
	free(root->path);
	free(root);
}

bool sysroot_is_host(const struct sysroot *root)
{
	return root->host;
}

const char *sysroot_path(const struct sysroot *root)
{
	return root->path;
}

struct sysdir *sysroot_dir(struct sysroot *root)
{
	return &root->dir;
}

void sysroot_watch(struct sysroot *root, sysroot_observer *observer, void *data)
{
	root->observer = observer;
	root->observer_data = data;
}

bool sysroot_is_watched(const struct sysroot *root)
{
	return root->observer;
}

static int join(const struct sysdir *at, const char *name, char *path, size_t size)
{
	size_t directory = strlen(at->path), length = strlen(name);

	/* not snprintf(3), which takes longer than the rest of an open */
	if (directory + length + 2 > size)
		return -ENAMETOOLONG;
	memcpy(path, at->path, directory);
	if (directory)
		path[directory++] = '/';
	memcpy(path + directory, name, length + 1);
	return 0;
}

static int open_below(const struct sysdir *at, const char *name, int flags)
{
	char path[sizeof(at->path) * 2];
	int fd;

	if (at->root->host) {
		fd = openat(at->fd, name, flags | O_CLOEXEC);
		return fd < 0 ? -errno : fd;
	}
	/* a single name cannot leave the directory unless it is a link */
	if (!strchr(name, '/') && !(flags & (O_DIRECTORY | O_PATH))) {
		fd = openat(at->fd, name, flags | O_CLOEXEC | O_NOFOLLOW);
		if (fd >= 0 || errno != ELOOP)
			return fd < 0 ? -errno : fd;
	}
	if (join(at, name, path, sizeof(path)) < 0)
		return -ENAMETOOLONG;
	fd = inroot_open(at->root->dir.fd, path, flags, 0);
	if (fd != -ENOSYS)
		return fd;
	/* kernels before 5.6: links of a recording are not confined */
	fd = openat(at->fd, name, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void notify_observer(const struct sysdir *at, enum sysroot_kind kind, const char *name,
			    const char *text, size_t length)
{
	struct sysroot *root = at->root;
	char path[sizeof(at->path) * 2];

	if (root->observer && join(at, name, path, sizeof(path)) == 0)
		root->observer(root->observer_data, kind, path, text, length);
}

void sysroot_notify(struct sysroot *root, enum sysroot_kind kind, const char *path,
		    const char *text, size_t length)
{
	notify_observer(sysroot_dir(root), kind, path, text, length);
}

int sysdir_open(const struct sysdir *at, const char *name, struct sysdir *ret)
{
	struct sysdir dir = {.root = at->root};

	if (join(at, name, dir.path, sizeof(dir.path)) < 0)
		return -ENAMETOOLONG;
	dir.fd = open_below(at, name, O_PATH | O_DIRECTORY);
	if (dir.fd < 0)
		return dir.fd;
	notify_observer(at, SYSROOT_DIRECTORY, name, "", 0);
	*ret = dir;
	return 0;
}

void sysdir_close(struct sysdir *dir)
{
	if (dir->root && dir->fd >= 0)
		close(dir->fd);
	*dir = (struct sysdir){.fd = -1};
}

/* Files in sysfs and /proc may return their contents in pieces. A file that is read AGAIN is not at
 * its start. */
static ssize_t read_all(int fd, bool again, char *buffer, size_t size)
{
	size_t length = 0;
	ssize_t n;

	while (length < size) {
		n = again ? pread(fd, buffer + length, size - length, (off_t)length)
			  : read(fd, buffer + length, size - length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return (ssize_t)length;
		length += (size_t)n;
		/* a short read that ends in a newline is a complete attribute: saves a read(2) */
		if (length < size && size <= ATTRIBUTE_SIZE && buffer[length - 1] == '\n')
			return (ssize_t)length;
	}
	return -EFBIG;
}

static ssize_t read_file(const struct sysdir *at, const char *name, int fd, bool again,
			 char *buffer, size_t size)
{
	ssize_t length = read_all(fd, again, buffer, size);

	if (length < 0)
		return length;
	notify_observer(at, SYSROOT_FILE, name, buffer, (size_t)length);
	while (length > 0 && strchr(" \t\r\n", buffer[length - 1]) && buffer[length - 1])
		length--;
	buffer[length] = '\0';
	return length;
}

int sysdir_open_file(const struct sysdir *at, const char *name)
{
	/* O_NONBLOCK: in an untrusted recording it may be a FIFO */
	return open_below(at, name, O_RDONLY | O_NOCTTY | O_NONBLOCK);
}

ssize_t sysdir_read_file(const struct sysdir *at, const char *name, int fd, char *buffer,
			 size_t size)
{
	return read_file(at, name, fd, true, buffer, size);
}

ssize_t sysdir_read(const struct sysdir *at, const char *name, char *buffer, size_t size)
{
	int fd = sysdir_open_file(at, name);
	ssize_t length;

	if (fd < 0)
		return fd;
	length = read_file(at, name, fd, false, buffer, size);
	close(fd);
	return length;
}

bool sysdir_has(const struct sysdir *at, const char *name)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
	struct statx status;

	/* not access(2), which fails for nodes that this process may not open; DONT_SYNC because a
	 * network file system mounted there may hang */
	return statx(at->fd, name, flags, 0, &status) == 0;
}

static int stat_below(const struct sysdir *at, const char *name, int flags, struct stat *ret)
{
	int fd = open_below(at, name, O_PATH | flags), error = 0;

	if (fd < 0)
		return fd;
	if (fstat(fd, ret) < 0)
		error = -errno;
	close(fd);
	return error;
}

int sysdir_stat(const struct sysdir *at, const char *name, struct stat *ret)
{
	return stat_below(at, name, 0, ret);
}

int sysdir_inode(const struct sysdir *at, const char *name, uint64_t *ret)
{
	struct stat status;
	int error = stat_below(at, name, O_NOFOLLOW, &status);

	if (!error)
		*ret = status.st_ino;
	return error;
}

ssize_t sysdir_readlink(const struct sysdir *at, const char *name, char *buffer, size_t size)
{
	ssize_t length;
	int fd = -1;

	if (at->root->host || !strchr(name, '/')) {
		length = readlinkat(at->fd, name, buffer, size);
	} else {
		fd = open_below(at, name, O_PATH | O_NOFOLLOW);
		if (fd < 0)
			return fd;
		length = readlinkat(fd, "", buffer, size);
	}
	if (length < 0) /* with an empty path, ENOENT means that it is not a link */
		length = fd >= 0 && errno == ENOENT ? -EINVAL : -errno;
	if (fd >= 0)
		close(fd);
	if (length < 0)
		return length;
	if ((size_t)length >= size)
		return -ENAMETOOLONG;
	buffer[length] = '\0';
	notify_observer(at, SYSROOT_LINK, name, buffer, (size_t)length);
	return length;
}

int sysdir_link_name(const struct sysdir *at, const char *name, char *buffer, size_t size)
{
	char target[PATH_MAX];
	const char *last;
	ssize_t length;

	length = sysdir_readlink(at, name, target, sizeof(target));
	if (length < 0)
		return (int)length;
	last = strrchr(target, '/');
	last = last ? last + 1 : target;
	if (!*last || strlen(last) >= size)
		return -EBADMSG;
	strcpy(buffer, last);
	return 0;
}

/* Of some directories and links only the names are read. */
static void notify_listed(const struct sysdir *at, const char *name, DIR *list)
{
	struct sysdir dir = {.root = at->root};
	char target[PATH_MAX];
	struct dirent *entry;
	ssize_t length;

	if (!at->root->observer || join(at, name, dir.path, sizeof(dir.path)) < 0)
		return;
	while ((entry = sysdir_next(list))) {
		length = entry->d_type == DT_LNK
				 ? readlinkat(dirfd(list), entry->d_name, target, sizeof(target))
				 : -1;
		if (length > 0 && length < (ssize_t)sizeof(target))
			notify_observer(&dir, SYSROOT_LINK, entry->d_name, target, (size_t)length);
		else if (entry->d_type == DT_DIR)
			notify_observer(&dir, SYSROOT_DIRECTORY, entry->d_name, "", 0);
	}
	rewinddir(list);
}

int sysdir_list(const struct sysdir *at, const char *name, DIR **ret)
{
	int fd = open_below(at, name, O_RDONLY | O_DIRECTORY), error;
	DIR *list;

	if (fd < 0)
		return fd;
	list = fdopendir(fd);
	if (!list) {
		error = -errno;
		close(fd);
		return error;
	}
	notify_listed(at, name, list);
	*ret = list;
	return 0;
}

struct dirent *sysdir_next(DIR *list)
{
	struct dirent *entry;

	do {
		errno = 0;
		entry = readdir(list);
	} while (entry && entry->d_name[0] == '.');
	return entry;
}

void closedirp(DIR **list)
{
	if (*list)
		closedir(*list);
}
