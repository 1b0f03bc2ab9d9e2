/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Deadlines, in milliseconds of the monotonic clock. */
#ifndef PCIPROBE_OWNERSHIP_DEADLINE_H
#define PCIPROBE_OWNERSHIP_DEADLINE_H

#include <poll.h>
#include <stdint.h>

/* Returns the deadline that is MILLISECONDS from now. */
int64_t deadline_in(int64_t milliseconds);

/* Returns the milliseconds that are left; 0 or less if the deadline has passed. */
int64_t deadline_left(int64_t deadline);

/* poll(2) with a deadline; it is repeated if a signal interrupts it. Returns the number of FDS that
 * are ready, -ETIMEDOUT, or another negative errno. */
int deadline_poll(struct pollfd *fds, nfds_t count, int64_t deadline);

#endif
