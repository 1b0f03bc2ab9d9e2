/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changing devices so that all of them are changed in the end, or none; and what becomes of a run that was ended in between. */
#ifndef PCIPROBE_BINDER_ENGINE_TRANSACTION_H
#define PCIPROBE_BINDER_ENGINE_TRANSACTION_H

#include "binder/engine/journal.h"
#include "binder/engine/plan.h"

/* Brings CHANGES, which have been read, from what they have now to what they shall have, and what had been done back in reverse
 * when a part of it fails. What there is to say is told through the kernel's log. Returns an enum status:
 * STATUS_DONE, STATUS_FAILED, STATUS_PERMISSION, STATUS_INCOMPLETE or STATUS_TIMEOUT. */
int transaction_run(struct kernel *kernel, struct journal *journal, struct changes *changes);

/* Ends what an earlier run has left undone: if all that it wanted is so it is done, else it is undone. Waits SECONDS for what
 * the kernel is still at. Returns STATUS_DONE (also when there was nothing, *ret_count tells how many devices there were),
 * STATUS_INCOMPLETE or STATUS_TIMEOUT; the journal keeps what is left. */
int transaction_recover(struct kernel *kernel, struct journal *journal, unsigned seconds, size_t *ret_count);

#endif
