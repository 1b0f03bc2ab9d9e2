/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of names in the format of pci.ids(5). A long list is searched as if it were sorted, as the
 * published one is; only if an id is not found that way, one pass over the list finds the first
 * lines of all blocks. Blocks are read only when needed, once. The order of blocks and of lines in
 * them does not matter; the first of several with the same id in a row is used.
 *
 * Nothing is mapped: a list that is truncated in place would kill the process. */
#ifndef PCIPROBE_NAMES_PCIIDS_H
#define PCIPROBE_NAMES_PCIIDS_H

#include "probe/log.h"

#include <stdbool.h>
#include <stdint.h>

struct pciids;

/* Opens the list at PATH. The first invalid line is logged as a warning if the whole list is read.
 * LOG must outlive the list. Close it with pciids_close. Returns 0 or a negative errno (not
 * logged): -EBADMSG if the file contains no vendor. */
int pciids_open(const char *path, const struct log *log, struct pciids **ret);
void pciids_close(struct pciids *list);

/* Whether memory was missing since the last call: then names may be missing. */
bool pciids_no_memory(struct pciids *list);

/* These return a name that lives as long as the list, or NULL if the list has none. */
const char *pciids_vendor(struct pciids *list, uint16_t vendor);
const char *pciids_device(struct pciids *list, uint16_t vendor, uint16_t device);
const char *pciids_subsystem(struct pciids *list, uint16_t vendor, uint16_t device,
			     uint16_t subsystem_vendor, uint16_t subsystem_device);

const char *pciids_class(struct pciids *list, uint16_t class);
const char *pciids_base_class(struct pciids *list, uint8_t base_class);

#endif
