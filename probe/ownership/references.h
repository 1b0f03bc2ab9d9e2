/* SPDX-License-Identifier: GPL-2.0-or-later */
/* References to VFIO's module: how many the kernel counts, and how many of them the open files
 * that were found account for. Open files have them, also those that no process shows: in other
 * namespaces, in flight in a socket, registered with io_uring. Sources: Linux,
 * drivers/vfio/vfio_main.c, group.c and device_cdev.c for what takes a reference. */
#ifndef PCIPROBE_OWNERSHIP_REFERENCES_H
#define PCIPROBE_OWNERSHIP_REFERENCES_H

#include "probe/ownership/holders.h"
#include "probe/sysfs/sysroot.h"

/* The number of references that the kernel counts, without those of modules that depend on VFIO's.
 * Returns 0; -ENOENT when VFIO is built into the kernel, which keeps no such count then; or another
 * negative errno. Where VFIO isn't loaded the number is 0. */
int references_read(struct sysroot *root, unsigned *ret);

/* Whether descriptors of two processes are of the same open file, shared by fork or passed on.
 * Returns 1, 0, or a negative errno where the kernel doesn't tell. */
int references_compare_files(struct sysroot *root, const struct vfio_file *a,
			     const struct vfio_file *b);

/* The number of references that the open files of all holders have. Descriptors that are known,
 * or could be, of the same open file (shared by fork or passed on) count once: it is never more
 * than there are. */
unsigned references_count_found(struct sysroot *root, const struct holders *holders);

#endif
