/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libpci reports an error by a callback that must not return, and its default one ends the process.
 * Here it becomes the failure of one job. */
#ifndef PCIPROBE_NAMES_LIBPCI_H
#define PCIPROBE_NAMES_LIBPCI_H

#include "probe/log.h"

#include <pci/pci.h>

struct libpci;

/* A pci_access that is allocated and not initialized: good for names, knows no devices. It reads no
 * cache of earlier look-ups in the user's home, nor asks the network. Free it with libpci_free. LOG
 * gets libpci's warnings and must outlive it. Returns 0 or -ENOMEM. */
int libpci_new(const struct log *log, struct libpci **ret);
void libpci_free(struct libpci *libpci);

/* Runs JOB(access, data). Returns 0, or -EIO when libpci gave up half-way (its message has been
 * logged as a warning): what libpci held at that moment, a file it was reading for one, stays open
 * until the process ends, so don't try again. */
int libpci_try(struct libpci *libpci, void (*job)(struct pci_access *access, void *data),
	       void *data);

/* From now on it finds names in udev's hwdb alone. What libpci_names_path gave is no longer there.
 */
void libpci_use_no_list(struct libpci *libpci);

/* Where this libpci looks for its list of names. Belongs to libpci. */
const char *libpci_names_path(const struct libpci *libpci);

#endif
