/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names/libpci.h"

#include "config.h"
#include "probe/dynlib.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A path that cannot be opened. With an empty file, libpci before 3.13 would load it and close the
 * hwdb again for each name. */
#define NO_LIST "/dev/null/pci.ids"

struct functions {
	typeof(pci_alloc) *alloc;
	typeof(pci_cleanup) *cleanup;
	typeof(pci_lookup_name) *lookup_name;
	typeof(pci_set_name_list_path) *set_name_list_path;
};

static const struct dynlib_symbol SYMBOLS[] = {
	{"pci_alloc", NULL, offsetof(struct functions, alloc)},
	{"pci_cleanup", NULL, offsetof(struct functions, cleanup)},
	{"pci_lookup_name", NULL, offsetof(struct functions, lookup_name)},
	{"pci_set_name_list_path", NULL, offsetof(struct functions, set_name_list_path)},
};

struct libpci {
	struct functions functions;
	struct pci_access *access;
	const struct log *log;
	jmp_buf failed;
	char no_list[sizeof(NO_LIST)];
};

/* Thread-local, because libpci passes neither its context nor a data pointer to its callbacks. */
static _Thread_local struct libpci *running;

/* Some messages of libpci end in a newline, which is removed. */
static void __attribute__((format(printf, 2, 0)))
log_libpci(enum message_level level, const char *format, va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	for (size_t end = strlen(text); end && isspace((unsigned char)text[end - 1]);)
		text[--end] = '\0';
	if (level == MESSAGE_WARNING)
		log_warning(running->log, "libpci: %s", text);
	else
		log_debug(running->log, "libpci: %s", text);
}

static void __attribute__((noreturn, format(printf, 1, 2))) on_error(char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_libpci(MESSAGE_WARNING, format, args);
	va_end(args);
	longjmp(running->failed, 1);
}

static void __attribute__((format(printf, 1, 2))) on_warning(char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (running)
		log_libpci(MESSAGE_DEBUG, format, args);
	va_end(args);
}

int libpci_new(bool hwdb_only, const struct log *log, struct libpci **ret)
{
	struct libpci *libpci = calloc(1, sizeof(*libpci));
	int error;

	if (!libpci)
		return -ENOMEM;
	error = dynlib_load(LIBPCI_SONAME, SYMBOLS, sizeof(SYMBOLS) / sizeof(*SYMBOLS),
			    &libpci->functions, log);
	if (error < 0) {
		free(libpci);
		return error;
	}
	libpci->log = log;
	libpci->access = libpci->functions.alloc();
	libpci->access->error = on_error;
	libpci->access->warning = on_warning;
	libpci->access->debug = on_warning;
	/* with the default, PCI_LOOKUP_CACHE, libpci looks up the user's home with getpwuid(3), for
	 * which NSS may query the network, and leaks its path (3.13) */
	libpci->access->id_lookup_mode = 0;
	if (hwdb_only) {
		/* PCI_LOOKUP_SKIP_LOCAL would skip the hwdb as well */
		strcpy(libpci->no_list, NO_LIST);
		libpci->functions.set_name_list_path(libpci->access, libpci->no_list, 0);
	}
	*ret = libpci;
	return 0;
}

void libpci_free(struct libpci *libpci)
{
	if (!libpci)
		return;
	libpci->functions.cleanup(libpci->access);
	free(libpci);
}

int libpci_lookup(struct libpci *libpci, char *buffer, size_t size, int flags, const int ids[4],
		  const char **ret)
{
	int error = 0;

	running = libpci;
	if (setjmp(libpci->failed) == 0)
		*ret = libpci->functions.lookup_name(libpci->access, buffer, (int)size,
						     flags | PCI_LOOKUP_NO_NUMBERS, ids[0], ids[1],
						     ids[2], ids[3]);
	else
		error = -EIO;
	running = NULL;
	return error;
}

const char *libpci_list_path(void)
{
	return PCI_IDS_PATH;
}
