/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads libraries that most runs do not need when they are first used: linking them takes longer
 * than most runs. */
#ifndef PCIPROBE_DYNLIB_H
#define PCIPROBE_DYNLIB_H

#include "probe/log.h"

#include <stddef.h>

/* A function of a library, and the offset of the pointer to it in a structure. VERSION is that of
 * the symbol; NULL: the default one, for functions whose interface never changed. */
struct dynlib_symbol {
	const char *name, *version;
	size_t offset;
};

/* Loads the library SONAME, which stays loaded until the process exits, and sets the pointers to
 * its functions in the structure at FUNCTIONS; a library that is already loaded is found without a
 * system call. Returns 0; -ENOMEM; or -ELIBACC if the library or one of the functions is missing,
 * which is logged as an error with the name of the library. */
int dynlib_load(const char *soname, const struct dynlib_symbol *symbols, size_t count,
		void *functions, const struct log *log);

#endif
