/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The mounts of all mount namespaces. Source: mountinfo in the kernel's
 * Documentation/filesystems/proc.rst. */
#ifndef PCIPROBE_BINDER_HAZARDS_MOUNTTABLES_H
#define PCIPROBE_BINDER_HAZARDS_MOUNTTABLES_H

#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

struct libmnt_fs;
struct libmnt_table;

#define MOUNT_NAMESPACE_SIZE 96

struct mount_namespace {
	pid_t pid;	  /* a process in it; 0: the caller's own */
	char program[32]; /* of that process */
	struct libmnt_table *table;
};

struct mounts {
	struct mount_namespace *items; /* the caller's own is the first */
	size_t count;
	int error;	 /* negative errno if that one could not be read: then there is none */
	bool incomplete; /* some of the others could not be read */
};

/* Reads the mounts. A namespace without processes is not found. Returns 0 or -ENOMEM; free with
 * mounts_free either way. */
int mounts_read(struct sysroot *root, struct mounts *ret);

void mounts_free(struct mounts *mounts);

/* Finds the mount in the caller's own namespace that PATH is on, by its name alone: the file
 * system, which may hang, is not accessed. *RET is NULL if it is not known. Returns 0 or -ENOMEM.
 */
int mounts_find(const struct mounts *mounts, const char *path, struct libmnt_fs **ret);

/* Whether it is the caller's own or the system's, where "/" is the system's root. */
bool mount_namespace_is_system(const struct mount_namespace *item);

/* Formats " in the mount namespace of process 5 (bash)", or "" for the caller's own and that of the
 * system. Returns TEXT. */
const char *mount_namespace_format(const struct mount_namespace *item,
				   char text[static MOUNT_NAMESPACE_SIZE]);

#endif
