/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A list of names in the form of pci.ids(5): the heads of its blocks are found in one pass, and
 * only blocks that are asked for are read, once. The order of the blocks and of the lines in them
 * doesn't matter; of equal ones the first counts. */
#ifndef PCIPROBE_NAMES_PCIIDS_H
#define PCIPROBE_NAMES_PCIIDS_H

#include "probe/log.h"

#include <stdint.h>

struct pciids;

/* Opens the list at PATH and finds its blocks; a line that isn't one of such a list is told, once.
 * LOG must outlive it. Close it with pciids_close. Returns 0 or a negative errno, -EBADMSG for a
 * file without a single vendor. */
int pciids_open(const char *path, const struct log *log, struct pciids **ret);
void pciids_close(struct pciids *list);

/* Each gives a name that lives as long as the list, or NULL when it has none. */
const char *pciids_vendor(struct pciids *list, uint16_t vendor);
const char *pciids_device(struct pciids *list, uint16_t vendor, uint16_t device);
const char *pciids_subsystem(struct pciids *list, uint16_t vendor, uint16_t device,
			     uint16_t subsystem_vendor, uint16_t subsystem_device);

const char *pciids_class(struct pciids *list, uint16_t class);
const char *pciids_base_class(struct pciids *list, uint8_t base_class);

#endif
