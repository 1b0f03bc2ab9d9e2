/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To be loaded by LD_PRELOAD: allocation number FAIL_ALLOCATION fails; the first is 1. The number
 * of allocations is written to the file descriptor COUNT_ALLOCATIONS at exit. The C library's
 * other functions (strdup, asprintf, open_memstream, ...) allocate through these. */
#include "tests/memory/fail-allocation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* of the GNU C library */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

/* In memory that child processes share: of a program and its children, one allocation fails. */
static struct counter {
	unsigned long number, failing;
	bool counts;
} * counter;
static pid_t process;
static __thread bool pauses;
static unsigned long allocations, chosen, runs;

static void __attribute__((constructor)) start(void)
{
	const char *text = getenv("FAIL_ALLOCATION");

	counter = mmap(NULL, sizeof(*counter), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	if (counter == MAP_FAILED)
		abort();
	process = getpid();
	if (text || getenv("COUNT_ALLOCATIONS"))
		fail_allocation(text ? strtoul(text, NULL, 10) : 0);
}

static void __attribute__((destructor)) end(void)
{
	const char *text = getenv("COUNT_ALLOCATIONS");

	if (text && process == getpid())
		dprintf((int)strtol(text, NULL, 10), "%lu\n", counter->number);
}

void fail_allocation(unsigned long failing)
{
	*counter = (struct counter){.failing = failing, .counts = true};
}

unsigned long fail_allocation_end(void)
{
	counter->counts = false;
	return counter->number;
}

void fail_allocation_pause(bool pause)
{
	pauses = pause;
}

bool fail_allocation_next(unsigned long count, unsigned long max, unsigned long *number)
{
	const char *text = getenv("ALLOCATIONS");
	unsigned long step = text && strcmp(text, "all") == 0 ? 1 : count / max + 1;

	if (!*number) {
		allocations += count;
		*number = 1 + runs++ % step;
	} else {
		*number += step;
	}
	chosen += *number <= count;
	return *number <= count;
}

void fail_allocation_report(void)
{
	printf("# %lu of %lu allocations failed, one in a run%s\n", chosen, allocations,
	       chosen < allocations ? "; ALLOCATIONS=all lets each of them fail" : "");
}

#if !defined(__SANITIZE_ADDRESS__) && defined(__has_feature) /* clang */
#if __has_feature(address_sanitizer)
#define __SANITIZE_ADDRESS__
#endif
#endif

#ifdef __SANITIZE_ADDRESS__
bool fail_allocation_works(void)
{
	return false;
}
#else
bool fail_allocation_works(void)
{
	return true;
}

static bool fails(void)
{
	if (!counter || !counter->counts || pauses ||
	    __atomic_add_fetch(&counter->number, 1, __ATOMIC_RELAXED) != counter->failing)
		return false;
	errno = ENOMEM;
	return true;
}

void *malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return fails() ? NULL : __libc_realloc(memory, size);
}
#endif
