/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The only door to /sys, /proc, /dev and the few files elsewhere that the probe reads.
 *
 * A root is "/" or a directory that looks like it: a recording, a made-up machine. Below a root
 * other than "/" no symbolic link leads out: an absolute one is taken from the root, as in a
 * chroot, since a recording is a stranger's data. Such a directory has no device nodes: where
 * proc/<pid>/fd/<fd> points to PATH, the file numbers/PATH in it has the number of the node that is
 * open there, as "246:17", or "b259:0" of a block device. Nothing here writes. */
#ifndef PCIPROBE_SYSFS_SYSROOT_H
#define PCIPROBE_SYSFS_SYSROOT_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct sysroot;

/* A directory below a root, held open. PATH is relative to the root, for messages. */
struct sysdir {
	struct sysroot *root;
	int fd;
	char path[256];
};

/* Longest text that is read as one attribute, its NUL included: the kernel gives no more than a
 * page. */
#define ATTRIBUTE_SIZE 4097

/* Opens the root at PATH; free it with sysroot_free. Returns 0 or a negative errno. */
int sysroot_new(const char *path, struct sysroot **ret);
void sysroot_free(struct sysroot *root);

/* Whether this is the running machine's own "/". */
bool sysroot_is_host(const struct sysroot *root);

/* The path it was opened at, without slashes at its end: "" for "/". Put "/" and a relative path
 * behind it. */
const char *sysroot_path(const struct sysroot *root);

/* The root itself as a directory; not to be closed. */
struct sysdir *sysroot_dir(struct sysroot *root);

enum sysroot_thing { SYSROOT_FILE, SYSROOT_LINK, SYSROOT_DIRECTORY };

/* Sees everything that is read from here on: a file with its text, a link with its target, a
 * directory (without a text) that was opened. What is listed is seen too, as far as it is links and
 * directories. */
typedef void sysroot_observer(void *data, enum sysroot_thing thing, const char *path,
			      const char *text, size_t length);
void sysroot_watch(struct sysroot *root, sysroot_observer *observer, void *data);

/* Opens the directory NAME (a relative path) below AT; close it with sysdir_close. Returns 0 or a
 * negative errno: -ENOENT not there, -ENAMETOOLONG the path is longer than any that the probe
 * reads. */
int sysdir_open(const struct sysdir *at, const char *name, struct sysdir *ret);
void sysdir_close(struct sysdir *dir);
#define _cleanup_sysdir_ __attribute__((cleanup(sysdir_close)))

/* Reads the regular file NAME below AT in one go: at most SIZE - 1 bytes, closed with a NUL; white
 * space at the end is cut off. Returns the length (NULs inside count) or a negative errno: -EFBIG
 * when there was more. */
ssize_t sysdir_read(const struct sysdir *at, const char *name, char *buffer, size_t size);

/* Whether AT has an entry of this name, which holds no slash. It isn't opened, nor followed if it
 * is a link. */
bool sysdir_has(const struct sysdir *at, const char *name);

/* What stat(2) says of NAME below AT, without opening it. Returns 0 or a negative errno. */
int sysdir_stat(const struct sysdir *at, const char *name, struct stat *ret);

/* The inode number of NAME below AT, which isn't followed if it is a link. Returns 0 or a negative
 * errno. */
int sysdir_inode(const struct sysdir *at, const char *name, uint64_t *ret);

/* Reads where the symbolic link NAME below AT points to, as it stands. Returns its length or a
 * negative errno. */
ssize_t sysdir_readlink(const struct sysdir *at, const char *name, char *buffer, size_t size);

/* The last part of where the link NAME below AT points to: of driver the driver, of iommu_group the
 * group's number. Returns 0 or a negative errno: -EBADMSG when there is no such part, or it doesn't
 * fit into SIZE. */
int sysdir_link_name(const struct sysdir *at, const char *name, char *buffer, size_t size);

/* Opens the directory NAME below AT for readdir(3); the caller closes it. Returns 0 or a negative
 * errno. */
int sysdir_list(const struct sysdir *at, const char *name, DIR **ret);

/* The next entry that doesn't begin with a dot, or NULL at the end (errno 0) or on failure (errno).
 */
struct dirent *sysdir_next(DIR *list);

/* For __attribute__((cleanup)). */
void closedirp(DIR **list);
#define _cleanup_closedir_ __attribute__((cleanup(closedirp)))

#endif
