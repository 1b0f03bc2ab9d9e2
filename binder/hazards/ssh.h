/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asks: sudo and its like take SSH_CONNECTION out of the environment, but the shell above them
 * still has it. */
#ifndef PCIPROBE_BINDER_HAZARDS_SSH_H
#define PCIPROBE_BINDER_HAZARDS_SSH_H

#include "probe/sysfs/sysroot.h"

/* Looks for SSH_CONNECTION in the environment of process PID and of those above it, and leaves a
 * copy at *ret, which the caller frees; *ret stays as it is where none has it, or it can't be seen.
 */
void ssh_connection_find(struct sysroot *root, pid_t pid, char **ret);

#endif
