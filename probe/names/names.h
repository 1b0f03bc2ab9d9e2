/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Ids to names, as lspci prints them: from the pci.ids of the running machine, whatever root the
 * devices are read from, then from its udev hwdb.
 *
 * libpci parses the whole list, 9 ms, before it gives the first name; pciids.h does without. libpci
 * is asked where the list is compressed, and for what the hwdb has of the names that the list
 * lacks. */
#ifndef PCIPROBE_NAMES_NAMES_H
#define PCIPROBE_NAMES_NAMES_H

#include "probe/log.h"

#include <stdbool.h>
#include <stdint.h>

struct names;

/* Reads nothing yet: the first look-up does. LIST is the list to read; NULL: libpci's own. HWDB:
 * look into the hwdb for what the list lacks; only then is it opened. LOG must outlive it. Free it
 * with names_free. Returns 0 or -ENOMEM. */
int names_new(const char *list, bool hwdb, const struct log *log, struct names **ret);
void names_free(struct names *names);

/* Each gives a name that lives as long as NAMES, or NULL when nobody knows one. A list that can't
 * be read is told of once, as a warning, and then has no names. */
const char *names_vendor(struct names *names, uint16_t vendor);
const char *names_device(struct names *names, uint16_t vendor, uint16_t device);
const char *names_subsystem(struct names *names, uint16_t vendor, uint16_t device,
			    uint16_t subsystem_vendor, uint16_t subsystem_device);

/* The name of the class, or of its base class where the list has no more. */
const char *names_class(struct names *names, uint16_t class);

#endif
