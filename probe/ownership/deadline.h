/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What may take only so long. */
#ifndef PCIPROBE_OWNERSHIP_DEADLINE_H
#define PCIPROBE_OWNERSHIP_DEADLINE_H

#include <stdint.h>

/* A moment in the future, on the clock that nobody sets. */
int64_t deadline_in(int64_t milliseconds);

/* How many milliseconds are left; 0 or less when it has passed. */
int64_t deadline_left(int64_t deadline);

#endif
