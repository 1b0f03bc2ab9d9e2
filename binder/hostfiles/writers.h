/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writers of the individual files, and what they share. */
#ifndef PCIPROBE_BINDER_HOSTFILES_WRITERS_H
#define PCIPROBE_BINDER_HOSTFILES_WRITERS_H

#include "binder/hostfiles/hostfiles.h"

/* Where the output of "config udev" is installed. */
#define UDEV_RULES "/etc/udev/rules.d/10-vfio-bind.rules"

/* Where the udev rules are that the initramfs includes. */
const char *hostfile_rules(const struct hostfile_job *job);

/* Adds the modules that the devices need and that are not built into this kernel to RET, the target
 * drivers last. Returns 0 or -ENOMEM. */
int hostfile_modules(const struct hostfile_job *job, struct strings *ret);

/* See hostfile.write. */
int hostfile_write_dracut(const struct hostfile_job *job, FILE *out);
int hostfile_write_initramfs(const struct hostfile_job *job, FILE *out);
int hostfile_write_kernel(const struct hostfile_job *job, FILE *out);
int hostfile_write_modprobe(const struct hostfile_job *job, FILE *out);
int hostfile_write_service(const struct hostfile_job *job, FILE *out);
int hostfile_write_qemu(const struct hostfile_job *job, FILE *out);
int hostfile_write_udev(const struct hostfile_job *job, FILE *out);

#endif
