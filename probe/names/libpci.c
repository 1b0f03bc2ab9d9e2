/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/names/libpci.h"

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

struct libpci {
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

int libpci_new(const struct log *log, struct libpci **ret)
{
	struct libpci *libpci = calloc(1, sizeof(*libpci));

	if (!libpci)
		return -ENOMEM;
	libpci->log = log;
	libpci->access = pci_alloc();
	libpci->access->error = on_error;
	libpci->access->warning = on_warning;
	libpci->access->debug = on_warning;
	/* with the default, PCI_LOOKUP_CACHE, libpci looks up the user's home with getpwuid(3) and
	 * leaks its path (3.13) */
	libpci->access->id_lookup_mode = 0;
	*ret = libpci;
	return 0;
}

void libpci_free(struct libpci *libpci)
{
	if (!libpci)
		return;
	pci_cleanup(libpci->access);
	free(libpci);
}

int libpci_try(struct libpci *libpci, void (*job)(struct pci_access *access, void *data),
	       void *data)
{
	int error = 0;

	running = libpci;
	if (setjmp(libpci->failed) == 0)
		job(libpci->access, data);
	else
		error = -EIO;
	running = NULL;
	return error;
}

void libpci_use_no_list(struct libpci *libpci)
{
	/* PCI_LOOKUP_SKIP_LOCAL would skip the hwdb as well */
	strcpy(libpci->no_list, NO_LIST);
	pci_set_name_list_path(libpci->access, libpci->no_list, 0);
}

const char *libpci_names_path(const struct libpci *libpci)
{
	return libpci->access->id_file_name;
}
