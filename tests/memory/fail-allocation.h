/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes one allocation of this process fail. To be loaded by LD_PRELOAD, or linked into a test. */
#ifndef PCIPROBE_TESTS_MEMORY_FAIL_ALLOCATION_H
#define PCIPROBE_TESTS_MEMORY_FAIL_ALLOCATION_H

#include <stdbool.h>

/* Counts allocations from now on, also those of child processes; number FAILING fails, the first is
 * 1. With 0 none fails. */
void fail_allocation(unsigned long failing);

/* Ends it. Returns the number of allocations since fail_allocation. */
unsigned long fail_allocation_end(void);

/* Until it is called with false, allocations of this thread are neither counted nor do they
 * fail. */
void fail_allocation_pause(bool pause);

/* Goes through the allocations of a run that has COUNT of them: *NUMBER, 0 at first, becomes the
 * next one that is to fail; false if there are no more. These are about MAX with equal distances,
 * each time others; all if the environment has ALLOCATIONS=all. */
bool fail_allocation_next(unsigned long count, unsigned long max, unsigned long *number);

/* Prints how many of all allocations fail_allocation_next has chosen, as a diagnostic of TAP. */
void fail_allocation_report(void);

/* False in a build with sanitizers, which have an allocator of their own. */
bool fail_allocation_works(void);

#endif
