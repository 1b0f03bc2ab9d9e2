/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To be loaded by LD_PRELOAD: allocation number FAIL_ALLOCATION fails; the first is 1. The number
 * of allocations is written to the file descriptor COUNT_ALLOCATIONS at exit. The C library's
 * other functions (strdup, asprintf, open_memstream, ...) allocate through these. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* of the GNU C library */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

static unsigned long number, failing;
static pid_t process;

static void __attribute__((constructor)) start(void)
{
	const char *text = getenv("FAIL_ALLOCATION");

	failing = text ? strtoul(text, NULL, 10) : 0;
	process = getpid();
	number = 0;
}

static void __attribute__((destructor)) end(void)
{
	const char *text = getenv("COUNT_ALLOCATIONS");

	if (text && process == getpid())
		dprintf((int)strtol(text, NULL, 10), "%lu\n", number);
}

static bool fails(void)
{
	if (__atomic_add_fetch(&number, 1, __ATOMIC_RELAXED) != failing)
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
