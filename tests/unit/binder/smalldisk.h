/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small file system that a test can fill. */
#ifndef PCIPROBE_TESTS_UNIT_BINDER_SMALLDISK_H
#define PCIPROBE_TESTS_UNIT_BINDER_SMALLDISK_H

#include "tests/unit/fakesys.h"

/* Gives this process a mount namespace of its own, if that is permitted. Call it first: descriptors
 * that were opened before do not see what is mounted. */
void smalldisk_init(void);

/* Mounts a tmpfs of 64 KB on the directory PATH. Returns false if that is not permitted. */
bool smalldisk_mount(const struct fakesys *fake, const char *path);

/* Does nothing if it is not mounted. */
void smalldisk_unmount(const struct fakesys *fake, const char *path);

/* Leaves neither a block nor an inode. A file system that is full stays so. */
void smalldisk_fill(const struct fakesys *fake, const char *path);

/* Removes what fills it. */
void smalldisk_empty(const struct fakesys *fake, const char *path);

#endif
