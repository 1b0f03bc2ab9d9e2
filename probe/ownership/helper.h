/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a small program of ours that asks somebody who may never answer. The one place of the
 * core that starts a program: no shell, an environment of its own, and a time after which it is
 * killed. */
#ifndef PCIPROBE_OWNERSHIP_HELPER_H
#define PCIPROBE_OWNERSHIP_HELPER_H

#include <stddef.h>

/* Room for a reason, on one line. */
#define HELPER_WHY_SIZE 256

/* The most that is taken of what it prints. */
#define HELPER_OUTPUT_MAX (4u << 20)

struct helper {
	const char *path;
	const char *argument; /* its only one */
	int directory;	      /* where it is to run: a descriptor, O_PATH will do */
	int milliseconds;     /* in which it must have ended */
};

/* Runs it, and gives what it printed: *ret_length bytes with a NUL behind them, to be freed. It is
 * waited for no longer than half a second more than it was given; by then it and its process group
 * have been killed. It may be called in any thread, and while SIGCHLD is ignored or children are
 * reaped by others: then how it ended isn't known, and what it printed must tell.
 * Returns 0 or, with WHY set,
 *   -ENOSYS        there is no such program
 *   -ETIMEDOUT     it had not ended in time
 *   -EFBIG         it printed too much
 *   -ECONNREFUSED  it exited with another status than 0; WHY is the last line of its standard error
 *   -EBADMSG       a signal ended it
 * or what else kept it from being run. */
int helper_run(const struct helper *helper, char **ret_text, size_t *ret_length,
	       char why[HELPER_WHY_SIZE]);

#endif
