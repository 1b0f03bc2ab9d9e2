/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SSH connection of the caller. sudo and similar programs remove SSH_CONNECTION from the
 * environment, but the shell that started them still has it. */
#ifndef PCIPROBE_BINDER_HAZARDS_SSH_H
#define PCIPROBE_BINDER_HAZARDS_SSH_H

#include "probe/sysfs/sysroot.h"

/* Searches the environments of process PID and its ancestors for SSH_CONNECTION. Stores a copy of
 * the value in *ret, which the caller frees; leaves *ret unchanged if no readable environment has
 * it. Returns 0, or a negative errno if the search failed: -ETIMEDOUT if the kernel did not answer
 * within five seconds. */
int ssh_connection_find(struct sysroot *root, pid_t pid, char **ret);

#endif
