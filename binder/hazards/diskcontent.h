/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a disk is in use or contains anything, by opening it. */
#ifndef PCIPROBE_BINDER_HAZARDS_DISKCONTENT_H
#define PCIPROBE_BINDER_HAZARDS_DISKCONTENT_H

#include "probe/sysfs/sysroot.h"

struct disk_content {
	int read_error; /* negative errno if the disk was opened, but could not be read */
	char text[192]; /* "ext4, label 'x'", unsanitized; "": nothing recognized, or no libblkid */
};

/* Opens the disk NAME (as in /sys/class/block), whose device number is NUMBER ("259:0"), for
 * reading, and looks for signatures of file systems, RAID and similar and for partition tables, in
 * a child process that has SECONDS for this. Returns 0 or a negative errno: -EBUSY if the kernel or
 * a process uses the disk exclusively, -ETIMEDOUT if it does not answer. */
int disk_content_read(struct sysroot *root, const char *name, const char *number, unsigned seconds,
		      struct disk_content *ret);

#endif
