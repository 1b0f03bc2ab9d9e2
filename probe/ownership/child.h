/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ends child processes that may be stuck in the kernel. */
#ifndef PCIPROBE_OWNERSHIP_CHILD_H
#define PCIPROBE_OWNERSHIP_CHILD_H

#include <stdbool.h>
#include <sys/types.h>

/* Kills the child PID, with GROUP its whole process group, and reaps it. If it has exited already,
 * the signal has no effect and its exit status is kept. Returns 0 and sets *ret_status to the wait
 * status, or to 0 if it has been reaped elsewhere (SIGCHLD ignored, or a daemon's signal handler).
 * Returns -ETIMEDOUT if it has not ended within MILLISECONDS: a process in uninterruptible sleep
 * cannot be killed, and is left behind. */
int child_end(pid_t pid, bool group, int milliseconds, int *ret_status);

#endif
