/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opening below a directory that no link leads out of: openat2(2) with RESOLVE_IN_ROOT, of
 * Linux 5.6. */
#ifndef PCIPROBE_SYSFS_INROOT_H
#define PCIPROBE_SYSFS_INROOT_H

#include <sys/types.h>

/* Opens PATH below the directory ROOT, in which absolute links and ".." begin and end as in a
 * chroot. FLAGS and MODE are those of open(2); O_CLOEXEC is added. Returns a descriptor or a
 * negative errno: -ENOSYS on older kernels. */
int inroot_open(int root, const char *path, int flags, mode_t mode);

#endif
