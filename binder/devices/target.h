/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices that a command is about, as people name them. */
#ifndef PCIPROBE_BINDER_DEVICES_TARGET_H
#define PCIPROBE_BINDER_DEVICES_TARGET_H

#include "probe/details/details.h"
#include "probe/device.h"
#include "probe/log.h"

/* What targets_add looks at. */
#define TARGET_DETAILS (DETAIL_DRIVER | DETAIL_INTERFACES | DETAIL_BLOCKS)

/* Devices of one inventory, each once. */
struct targets {
	struct pci_device **items;
	size_t count;
};

/* Adds the device that WORD names: an address (0000:01:00.0, 01:00.0), net:eth0,
 * mac:52:54:00:12:34:56, block:nvme0n1, id:10de:2204 or alias:NAME, which must be exactly one
 * unless ALL. Returns 0; or, told through LOG, -EINVAL for a word that names nothing, -ENODEV when
 * there is no such device, -ENOTUNIQ when there are several; or -ENOMEM. */
int targets_add(struct targets *targets, const struct inventory *inventory, const char *word,
		bool all, const struct log *log);

/* Adds DEVICE unless it is among them. Returns 0 or -ENOMEM. */
int targets_add_device(struct targets *targets, struct pci_device *device);

bool targets_have(const struct targets *targets, const struct pci_device *device);
void targets_free(struct targets *targets);

/* Whether WORD is an alias, for which bind_options_read_aliases must have been called. */
bool target_is_alias(const char *word);

/* Whether WORD looks like one that names a device; a verb doesn't. */
bool target_is_word(const char *word);

#endif
