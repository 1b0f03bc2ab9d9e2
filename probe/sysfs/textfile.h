/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads whole files below a root. */
#ifndef PCIPROBE_SYSFS_TEXTFILE_H
#define PCIPROBE_SYSFS_TEXTFILE_H

#include "probe/sysfs/sysroot.h"

#include <stddef.h>

/* Reads the file PATH below ROOT, which must be shorter than SIZE bytes, as a string, which ends at
 * the first NUL of the file, if any. Trailing white space is removed. The caller frees *ret.
 * Returns 0 or a negative errno (not logged): -EFBIG if the file is too large. */
int textfile_read(struct sysroot *root, const char *path, size_t size, char **ret);

/* Like textfile_read, but also returns the length, which includes any NULs in the file. */
int textfile_read_bytes(struct sysroot *root, const char *path, size_t size, char **ret,
			size_t *ret_length);

#endif
