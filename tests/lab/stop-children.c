/* SPDX-License-Identifier: GPL-2.0-or-later */
/* To be loaded by LD_PRELOAD: the program's child processes stop as soon as they exist, as if the
 * system had never run them; from number STOP_FROM on, the first is 1. SIGCONT continues one. */
#include <dlfcn.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pid_t call_next(void)
{
	void *symbol = dlsym(RTLD_NEXT, "fork");
	pid_t (*function)(void);

	memcpy(&function, &symbol, sizeof(function));
	return function();
}

pid_t fork(void)
{
	static unsigned long number;
	const char *from = getenv("STOP_FROM");
	pid_t child;

	number++;
	child = call_next();
	if (child == 0 && from && number >= strtoul(from, NULL, 10))
		raise(SIGSTOP);
	return child;
}
