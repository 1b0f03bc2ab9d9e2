/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the single files are made of. */
#ifndef PCIPROBE_BINDER_HOSTFILES_PARTS_H
#define PCIPROBE_BINDER_HOSTFILES_PARTS_H

#include "binder/hostfiles/hostfiles.h"

/* Where "config udev" belongs; the initramfs takes it from there. */
#define UDEV_RULES "/etc/udev/rules.d/10-vfio-bind.rules"

/* The command that makes this host's initramfs anew. */
const char *initramfs_command(struct sysroot *root);

/* The modules that the devices need of this kernel and that aren't built into it, their drivers
 * last. Returns 0 or -ENOMEM. */
int hostfile_modules(const struct hostfile_job *job, struct strings *ret);

int write_dracut(const struct hostfile_job *job, FILE *out);
int write_initramfs(const struct hostfile_job *job, FILE *out);
int write_kernel(const struct hostfile_job *job, FILE *out);
int write_modprobe(const struct hostfile_job *job, FILE *out);
int write_qemu(const struct hostfile_job *job, FILE *out);
int write_udev(const struct hostfile_job *job, FILE *out);

#endif
