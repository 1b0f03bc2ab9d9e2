/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wraps libpci for name lookups. libpci reports errors through a callback that must not return, and
 * the default one exits the process; here an error fails a single call. */
#ifndef PCIPROBE_NAMES_LIBPCI_H
#define PCIPROBE_NAMES_LIBPCI_H

#include "probe/log.h"

#include <pci/pci.h>

struct libpci;

/* Allocates a pci_access without initializing it: usable for name lookups, but without devices. It
 * uses neither the lookup cache in the user's home nor the network. Free it with libpci_free. LOG
 * receives libpci's warnings and must outlive it. Returns 0 or -ENOMEM. */
int libpci_new(const struct log *log, struct libpci **ret);
void libpci_free(struct libpci *libpci);

/* Calls JOB(access, data). Returns 0, or -EIO if libpci reported an error, which is logged as a
 * warning. What libpci had allocated or opened at that point leaks until the process exits, so do
 * not retry. */
int libpci_try(struct libpci *libpci, void (*job)(struct pci_access *access, void *data),
	       void *data);

/* From now on names are looked up in the udev hwdb only. Invalidates the result of
 * libpci_names_path. */
void libpci_use_no_list(struct libpci *libpci);

/* The path where libpci looks for its list of names. Belongs to libpci. */
const char *libpci_names_path(const struct libpci *libpci);

#endif
