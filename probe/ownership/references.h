/* SPDX-License-Identifier: GPL-2.0-or-later */
/* References to VFIO's module: the kernel's count, and the number that the open files of known
 * processes account for. Hidden files hold references too: those of processes in other namespaces,
 * in flight in a socket, or registered with io_uring. Sources: Linux, drivers/vfio/vfio_main.c,
 * group.c and device_cdev.c, for what takes a reference. */
#ifndef PCIPROBE_OWNERSHIP_REFERENCES_H
#define PCIPROBE_OWNERSHIP_REFERENCES_H

#include "probe/ownership/holder.h"
#include "probe/sysfs/sysroot.h"

/* Reads the kernel's count, without the references of modules that depend on VFIO's; 0 if VFIO
 * isn't loaded. Returns 0; -ENOENT if VFIO is built into the kernel, which has no count then; or
 * another negative errno. */
int references_read(struct sysroot *root, unsigned *ret);

/* Whether two descriptors, possibly of different processes, refer to the same open file, shared by
 * fork or passed over a socket. Returns 1, 0, or a negative errno if kcmp(2) fails. */
int references_compare_files(struct sysroot *root, const struct vfio_file *a,
			     const struct vfio_file *b);

/* Counts the references of the open files of all holders. Descriptors that refer, or may refer, to
 * the same open file count once, so it never exceeds the actual number. Returns 0 or -ENOMEM. */
int references_count_found(struct sysroot *root, const struct holders *holders, unsigned *ret);

#endif
