/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A disk with everything stacked on it, at any depth: its partitions, RAID and logical volumes
 * (also those of dm-crypt, multipath and DRBD), bcache, loop devices, and the other disks of the
 * same btrfs. Sources: the kernel's Documentation/ABI/stable/sysfs-block,
 * Documentation/ABI/testing/sysfs-block-loop, sysfs-fs-btrfs and
 * Documentation/admin-guide/bcache.rst. */
#ifndef PCIPROBE_BINDER_HAZARDS_BLOCKSTACK_H
#define PCIPROBE_BINDER_HAZARDS_BLOCKSTACK_H

#include "binder/hazards/mounttables.h"
#include "probe/strings.h"

#include <limits.h>
#include <stdbool.h>

struct block_stack {
	struct sysroot *root;
	const struct mounts *mounts;
	struct strings names;	/* as in /sys/class/block; the disk is the first */
	struct strings numbers; /* device numbers, "259:1" */
	struct strings users;	/* "nvme0n1p2 is part of md0" */
	size_t partition_count; /* of the disk itself */
	bool no_memory;
	int error; /* negative errno of the first file that could not be read: users may be missing
		    */
	char error_path[PATH_MAX]; /* that file, below the root */
};

/* Reads the stack on DISK, a name in /sys/class/block. ROOT and MOUNTS must outlive *ret. Without
 * such a disk it is empty. Returns 0 or -ENOMEM; free with block_stack_free either way. */
int block_stack_read(struct sysroot *root, const struct mounts *mounts, const char *disk,
		     struct block_stack *ret);

void block_stack_free(struct block_stack *stack);

/* Whether a file system of the stack is mounted at MOUNT. */
bool block_stack_has_mount(const struct block_stack *stack, struct libmnt_fs *mount);

/* Whether PATH is one of the block devices, or a file on a file system of one. It may end in
 * " (deleted)", as the kernel shows the path of a deleted file. False with stack->no_memory if that
 * is unknown. */
bool block_stack_has_path(struct block_stack *stack, const char *path);

#endif
