/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing devices so that all of them are changed in the end, or none; and what becomes of a run
 * that was ended in between. */
#ifndef PCIPROBE_BINDER_ENGINE_TRANSACTION_H
#define PCIPROBE_BINDER_ENGINE_TRANSACTION_H

#include "binder/engine/journal.h"
#include "binder/engine/plan.h"

enum transaction_result {
	TRANSACTION_DONE,
	TRANSACTION_FAILED,	/* rolled back */
	TRANSACTION_PERMISSION, /* the same: the kernel did not allow it */
	TRANSACTION_INCOMPLETE, /* not everything could be rolled back; the journal has what is left
				 */
	TRANSACTION_TIMEOUT,	/* the kernel has not finished; the journal has what is left */
};

/* Applies CHANGES, which have been read: all of them, or in reverse order back to where they were
 * when one fails. Signals are held back meanwhile. Failures are logged through the kernel's log. */
enum transaction_result transaction_run(struct kernel *kernel, struct journal *journal,
					struct changes *changes);

/* Completes what an interrupted run has left in the journal: commits it if all of it has been
 * applied, else rolls it back. Waits up to SECONDS for the kernel to finish. *ret_count is the
 * number of devices, 0 when nothing was left. */
enum transaction_result transaction_recover(struct kernel *kernel, struct journal *journal,
					    unsigned seconds, size_t *ret_count);

#endif
