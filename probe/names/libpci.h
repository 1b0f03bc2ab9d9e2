/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Wraps libpci for name lookups. libpci reports errors through a callback that must not return, and
 * the default one exits the process; here an error fails a single call. */
#ifndef PCIPROBE_NAMES_LIBPCI_H
#define PCIPROBE_NAMES_LIBPCI_H

#include "probe/log.h"

#include <pci/pci.h>
#include <stdbool.h>
#include <stddef.h>

struct libpci;

/* Loads libpci and allocates a pci_access without initializing it: usable for name lookups, but
 * without devices. It uses neither the lookup cache in the user's home nor the network. HWDB_ONLY:
 * names are looked up in the udev hwdb only. Free it with libpci_free. LOG receives libpci's
 * warnings and must outlive it. Returns 0, -ENOMEM, or -ELIBACC (logged) without libpci. */
int libpci_new(bool hwdb_only, const struct log *log, struct libpci **ret);
void libpci_free(struct libpci *libpci);

/* Calls pci_lookup_name with FLAGS, PCI_LOOKUP_NO_NUMBERS and IDS. Returns 0 and the name, which is
 * in the SIZE bytes at BUFFER, or NULL if there is none; or -EIO if libpci reported an error, which
 * is logged as a warning. What libpci had allocated or opened at that point leaks until the process
 * exits, so do not retry. */
int libpci_lookup(struct libpci *libpci, char *buffer, size_t size, int flags, const int ids[4],
		  const char **ret);

/* The path of libpci's list of names. If libpci was built with zlib and the list has the suffix
 * .gz, it reads that instead. */
const char *libpci_list_path(void);

#endif
