/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/dynlib.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

/* dlerror(3) describes a lack of memory in words only. */
static int fail(const char *soname, const struct log *log)
{
	const char *reason = dlerror();

	if (!reason || strstr(reason, strerror(ENOMEM)) || strstr(reason, "out of memory"))
		return -ENOMEM;
	/* most reasons begin with the name of the library */
	if (strstr(reason, soname))
		log_error(log, "%s", reason);
	else
		log_error(log, "%s: %s", soname, reason);
	return -ELIBACC;
}

int dynlib_load(const char *soname, const struct dynlib_symbol *symbols, size_t count,
		void *functions, const struct log *log)
{
	void *library = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (!library)
		return fail(soname, log);
	for (size_t i = 0; i < count; i++) {
		const struct dynlib_symbol *symbol = &symbols[i];
		void *function = symbol->version ? dlvsym(library, symbol->name, symbol->version)
						 : dlsym(library, symbol->name);

		if (!function)
			return fail(soname, log);
		memcpy((char *)functions + symbol->offset, &function, sizeof(function));
	}
	return 0;
}
