/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/libpci.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct libpci {
	struct pci_access *access;
	const struct log *log;
	jmp_buf failed;
};

/* libpci's callbacks get neither its context nor a pointer of ours: the job that runs in this thread is all they can know. */
static _Thread_local struct libpci *running;

static void __attribute__((noreturn, format(printf, 1, 2))) on_error(char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	log_warning(running->log, "libpci: %s", text);
	longjmp(running->failed, 1);
}

static void __attribute__((format(printf, 1, 2))) on_warning(char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (running)
		log_debug(running->log, "libpci: %s", text);
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

int libpci_try(struct libpci *libpci, void (*job)(struct pci_access *access, void *data), void *data)
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

const char *libpci_names_path(const struct libpci *libpci)
{
	return libpci->access->id_file_name;
}
