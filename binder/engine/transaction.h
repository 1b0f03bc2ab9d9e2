/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Applies a set of changes completely or not at all, and recovers interrupted runs. */
#ifndef PCIPROBE_BINDER_ENGINE_TRANSACTION_H
#define PCIPROBE_BINDER_ENGINE_TRANSACTION_H

#include "binder/engine/journal.h"
#include "binder/engine/kernel.h"
#include "binder/engine/plan.h"

enum transaction_result {
	TRANSACTION_DONE,
	TRANSACTION_FAILED,	/* rolled back */
	TRANSACTION_PERMISSION, /* permission denied by the kernel; rolled back */
	TRANSACTION_INCOMPLETE, /* not completely rolled back; the journal has the rest, except what
				   can't be restored (see change.has_lost) */
	TRANSACTION_TIMEOUT,	/* the kernel has not finished; the journal has the rest */
};

/* The result for a negative errno, or 0, after a successful rollback. */
enum transaction_result transaction_result_of_errno(int error);

/* Applies CHANGES, which must have been read. If one fails, all are rolled back in reverse order.
 * SIGINT, SIGTERM and SIGHUP start a rollback and are delivered after it. Errors are logged to the
 * kernel's log. */
enum transaction_result transaction_run(struct kernel *kernel, struct journal *journal,
					struct changes *changes);

/* Adds copies of the changes of JOURNAL that are neither complete nor rolled back to RET, which the
 * caller frees with changes_free in either case. Returns 0 or -ENOMEM. */
int transaction_pending(const struct journal *journal, struct changes *ret);

/* Recovers the changes of an interrupted run from the journal: commits them if all were applied,
 * else rolls them back. Waits at most SECONDS for pending operations of the kernel. *ret_count is
 * the number of devices, 0 if there was nothing to recover. */
enum transaction_result transaction_recover(struct kernel *kernel, struct journal *journal,
					    unsigned seconds, size_t *ret_count);

#endif
