/* SPDX-License-Identifier: GPL-2.0-or-later */
/* All access to /sys, /proc, /dev and the few other files that the probe reads. Read-only.
 *
 * A root is "/" or a directory that mimics it: a recording or a fake machine. Below a root other
 * than "/" symbolic links cannot leave it, since recordings are untrusted: absolute ones are
 * resolved from the root, as in a chroot. Such a directory has no device nodes: if
 * proc/<pid>/fd/<fd> points to PATH, the file numbers/PATH in the root contains the device number
 * of the open node, as "246:17", or "b259:0" for a block device. */
#ifndef PCIPROBE_SYSFS_SYSROOT_H
#define PCIPROBE_SYSFS_SYSROOT_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct sysroot;

/* An open directory below a root. PATH is relative to the root, for messages. */
struct sysdir {
	struct sysroot *root;
	int fd;
	char path[256];
};

/* Buffer size for one attribute, with the NUL: the kernel returns at most a page. */
#define ATTRIBUTE_SIZE 4097

/* Opens the root at PATH; free it with sysroot_free. Returns 0 or a negative errno. */
int sysroot_new(const char *path, struct sysroot **ret);
void sysroot_free(struct sysroot *root);

/* Whether this is the "/" of the running machine. */
bool sysroot_is_host(const struct sysroot *root);

/* The absolute path of the root without trailing slashes, "" for "/". Append "/" and a relative
 * path. */
const char *sysroot_path(const struct sysroot *root);

/* The root itself as a directory; do not close it. */
struct sysdir *sysroot_dir(struct sysroot *root);

enum sysroot_kind { SYSROOT_FILE, SYSROOT_LINK, SYSROOT_DIRECTORY };

/* Called for everything that is read from now on: files with their contents, links with their
 * targets, directories (without text) that are opened. Links and directories in a listed directory
 * are reported too. */
typedef void sysroot_observer(void *data, enum sysroot_kind kind, const char *path,
			      const char *text, size_t length);
void sysroot_watch(struct sysroot *root, sysroot_observer *observer, void *data);

/* Whether there is an observer, e.g. one that makes a recording. */
bool sysroot_is_watched(const struct sysroot *root);

/* Calls the observer, if any: for what is not read from a file on the host, but is in a recording,
 * and for what was read with a copy of the root. */
void sysroot_notify(struct sysroot *root, enum sysroot_kind kind, const char *path,
		    const char *text, size_t length);

/* Copies ROOT, for a thread that may outlive it; free it with sysroot_free. If ROOT has an
 * observer, OBSERVER is the copy's. Returns 0 or a negative errno. */
int sysroot_copy(const struct sysroot *root, sysroot_observer *observer, void *data,
		 struct sysroot **ret);

/* Opens the directory NAME (a relative path) below AT; close it with sysdir_close. Returns 0 or a
 * negative errno: -ENOENT if it does not exist, -ENAMETOOLONG if the path does not fit. */
int sysdir_open(const struct sysdir *at, const char *name, struct sysdir *ret);
void sysdir_close(struct sysdir *dir);
#define _cleanup_sysdir_ __attribute__((cleanup(sysdir_close)))

/* Reads the regular file NAME below AT: at most SIZE - 1 bytes, NUL-terminated, without trailing
 * white space. Returns the length (including any NULs in the file) or a negative errno: -EFBIG if
 * the file is larger. */
ssize_t sysdir_read(const struct sysdir *at, const char *name, char *buffer, size_t size);

/* The same in two steps, for a file that is read again and again: opens it, which returns a
 * descriptor or a negative errno, and reads it from its start, which a FIFO does not allow. */
int sysdir_open_file(const struct sysdir *at, const char *name);
ssize_t sysdir_read_file(const struct sysdir *at, const char *name, int fd, char *buffer,
			 size_t size);

/* Whether AT has an entry NAME (without slashes). It is neither opened nor followed. */
bool sysdir_has(const struct sysdir *at, const char *name);

/* Calls stat(2) for NAME below AT without opening it. Returns 0 or a negative errno. */
int sysdir_stat(const struct sysdir *at, const char *name, struct stat *ret);

/* The inode number of NAME below AT; links are not followed. Returns 0 or a negative errno. */
int sysdir_inode(const struct sysdir *at, const char *name, uint64_t *ret);

/* Reads the target of the symbolic link NAME below AT, unresolved. Returns its length or a negative
 * errno. */
ssize_t sysdir_readlink(const struct sysdir *at, const char *name, char *buffer, size_t size);

/* Reads the last component of the target of the link NAME below AT: for driver the name of the
 * driver, for iommu_group the number of the group. Returns 0 or a negative errno: -EBADMSG if there
 * is none or it does not fit into SIZE. */
int sysdir_link_name(const struct sysdir *at, const char *name, char *buffer, size_t size);

/* Opens the directory NAME below AT for readdir(3); the caller closes it. Returns 0 or a negative
 * errno. */
int sysdir_list(const struct sysdir *at, const char *name, DIR **ret);

/* The next entry whose name does not start with a dot; NULL at the end (errno 0) or on failure
 * (errno set). */
struct dirent *sysdir_next(DIR *list);

/* For __attribute__((cleanup)). */
void closedirp(DIR **list);
#define _cleanup_closedir_ __attribute__((cleanup(closedirp)))

#endif
