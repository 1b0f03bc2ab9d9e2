/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a function with a deadline, in a child process: opening a device node, reading a file of a
 * process in /proc or writing to sysfs can block in the kernel for ever, where no signal interrupts
 * it. */
#ifndef PCIPROBE_BINDER_HOST_DEADLINE_H
#define PCIPROBE_BINDER_HOST_DEADLINE_H

#include <sys/types.h>

struct deadline_call {
	/* Called in the child, with a copy of this process's memory and descriptors: only what it
	 * stores in RESULT, at most SIZE bytes, comes back. Returns their number, or a negative
	 * errno. */
	ssize_t (*run)(void *data, void *result, size_t size);

	/* Called once in this process if the child has not finished after QUIET_MS; may be NULL. */
	void (*report)(void *data, pid_t child);

	void *data; /* for both */
	unsigned timeout_ms, quiet_ms;
};

/* Makes CALL. Returns what its function run returned, with that many bytes in RESULT; -ETIMEDOUT if
 * the child has not finished in time; -EIO if it died; or another negative errno if it could not be
 * started. After -ETIMEDOUT the child has been killed, but may still exist in the kernel. */
ssize_t deadline_call(const struct deadline_call *call, void *result, size_t size);

#endif
