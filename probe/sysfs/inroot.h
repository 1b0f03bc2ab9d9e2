/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens files below a directory that no link leads out of, with openat2(2) and RESOLVE_IN_ROOT
 * (Linux 5.6). */
#ifndef PCIPROBE_SYSFS_INROOT_H
#define PCIPROBE_SYSFS_INROOT_H

#include <sys/types.h>

/* Opens PATH below the directory ROOT, which absolute links and ".." cannot leave, as in a chroot.
 * FLAGS and MODE are those of open(2); O_CLOEXEC is added. Returns a descriptor or a negative
 * errno: -ENOSYS on older kernels. */
int inroot_open(int root, const char *path, int flags, mode_t mode);

#endif
