/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks up names by id, with the same results as lspci: from pci.ids of the running machine,
 * whatever root the devices are read from, then from its udev hwdb.
 *
 * libpci parses the whole list, which takes 9 ms, before it returns the first name; pciids.h does
 * not. libpci is used if the list is compressed, and for names in the hwdb that the list lacks. */
#ifndef PCIPROBE_NAMES_NAMES_H
#define PCIPROBE_NAMES_NAMES_H

#include "probe/log.h"

#include <stdbool.h>
#include <stdint.h>

struct names;

/* Files are read at the first lookup. LIST is the list to read; NULL: that of libpci. HWDB: whether
 * to look up names missing in the list in the hwdb, which is not opened otherwise. LOG must outlive
 * the names. Free them with names_free. Returns 0 or -ENOMEM. */
int names_new(const char *list, bool hwdb, const struct log *log, struct names **ret);
void names_free(struct names *names);

/* Whether memory was missing since the last call: then names may be missing. */
bool names_no_memory(struct names *names);

/* These return a name that lives as long as NAMES, or NULL if it is unknown. An unreadable list is
 * logged once, as a warning, and has no names. */
const char *names_vendor(struct names *names, uint16_t vendor);
const char *names_device(struct names *names, uint16_t vendor, uint16_t device);
const char *names_subsystem(struct names *names, uint16_t vendor, uint16_t device,
			    uint16_t subsystem_vendor, uint16_t subsystem_device);

/* The name of the class, or of its base class if the list has no other. */
const char *names_class(struct names *names, uint16_t class);

#endif
