/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/state.h"

#include "probe/sysfs/inroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int state_open_at(int at, const char *name, bool create)
{
	struct stat status;
	int fd, error = 0;

	if (create && mkdirat(at, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? -EPERM : -errno;
	if (fstat(fd, &status) < 0)
		error = -errno;
	else if ((status.st_uid != geteuid() && status.st_uid != 0) ||
		 (status.st_mode & (S_IWGRP | S_IWOTH)))
		error = -EPERM;
	if (!error)
		return fd;
	close(fd);
	return error;
}

/* A link in a recording must not lead to a directory of the host. */
static int open_parent(const char *sysroot, const char *parent)
{
	int root = open(*sysroot ? sysroot : parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC), top;

	if (root < 0)
		return -errno;
	if (!*sysroot)
		return root;
	top = inroot_open(root, parent, O_RDONLY | O_DIRECTORY, 0);
	close(root);
	return top;
}

/* Opens PARENT/pciprobe/NAME below SYSROOT. */
static int open_below(const char *sysroot, const char *parent, const char *name, bool create,
		      char **ret_path)
{
	int top, own, directory;

	free(*ret_path);
	if (asprintf(ret_path, "%s%s/pciprobe/%s", sysroot, parent, name) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	top = open_parent(sysroot, parent);
	if (top < 0)
		return top;
	own = state_open_at(top, "pciprobe", create);
	close(top);
	if (own < 0)
		return own;
	directory = state_open_at(own, name, create);
	close(own);
	if (directory < 0 || !create || faccessat(directory, ".", W_OK, AT_EACCESS) == 0)
		return directory;
	close(directory);
	return -EACCES;
}

static int open_below_home(const char *name, bool create, char **ret_path)
{
	const struct passwd *user = getpwuid(geteuid());
	char *parent = NULL;
	int directory;

	if (!user || user->pw_dir[0] != '/')
		return -ENOENT;
	if (asprintf(&parent, "%s/.local/state", user->pw_dir) < 0)
		return -ENOMEM;
	if (create) {
		char *slash = strrchr(parent, '/');

		*slash = '\0';
		mkdir(parent, 0755);
		*slash = '/';
		mkdir(parent, 0755);
	}
	directory = open_below("", parent, name, create, ret_path);
	free(parent);
	return directory;
}

int state_open(const char *sysroot, const char *name, bool create, char **ret_path)
{
	char *home_path = NULL;
	int directory, home;

	*ret_path = NULL;
	directory = open_below(sysroot, "/var/lib", name, create, ret_path);
	if (directory >= 0 || *sysroot || geteuid() == 0)
		return directory;
	home = open_below_home(name, create, &home_path);
	if (home < 0) {
		/* the documented directory is the one to report */
		free(home_path);
		return directory;
	}
	free(*ret_path);
	*ret_path = home_path;
	return home;
}

int state_write(int directory, const char *name, const char *data, size_t length)
{
	char temporary[NAME_MAX + 1];
	size_t done = 0;
	ssize_t n;
	int fd, error = 0;

	if (snprintf(temporary, sizeof(temporary), ".%s.%d", name, (int)getpid()) >=
	    (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = openat(directory, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    0644);
	if (fd < 0)
		return -errno;
	while (done < length && !error) {
		n = write(fd, data + done, length - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR)
			error = -errno;
	}
	if (!error && fsync(fd) < 0)
		error = -errno;
	if (close(fd) < 0 && !error)
		error = -errno;
	if (!error && renameat(directory, temporary, directory, name) < 0)
		error = -errno;
	if (error)
		unlinkat(directory, temporary, 0);
	return error;
}

/* Returns the size of an open regular file, or a negative errno. */
static ssize_t size_of(int fd, size_t size_max, time_t *ret_modified)
{
	struct stat status;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EINVAL;
	if (status.st_size < 0 || (size_t)status.st_size > size_max)
		return -EFBIG;
	if (ret_modified)
		*ret_modified = status.st_mtime;
	return (ssize_t)status.st_size;
}

ssize_t state_read(int directory, const char *name, size_t size_max, char **ret,
		   time_t *ret_modified)
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t length, size;

	*ret = NULL;
	if (fd < 0)
		return -errno;
	size = size_of(fd, size_max, ret_modified);
	if (size >= 0 && !(*ret = malloc((size_t)size + 1)))
		size = -ENOMEM;
	if (size < 0) {
		close(fd);
		return size;
	}
	length = read(fd, *ret, (size_t)size);
	if (length < 0)
		length = -errno;
	close(fd);
	if (length < 0) {
		free(*ret);
		*ret = NULL;
		return length;
	}
	(*ret)[length] = '\0';
	return length;
}
