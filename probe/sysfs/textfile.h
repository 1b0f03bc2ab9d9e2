/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of text as a whole. */
#ifndef PCIPROBE_SYSFS_TEXTFILE_H
#define PCIPROBE_SYSFS_TEXTFILE_H

#include "probe/sysfs/sysroot.h"

#include <stddef.h>

/* Reads the file PATH below ROOT, which must be shorter than SIZE. The text ends at a NUL, be it
 * one of the file's own; the caller frees it. Returns 0 or a negative errno. */
int textfile_read(struct sysroot *root, const char *path, size_t size, char **ret);

#endif
