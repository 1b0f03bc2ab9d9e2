/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices that the DEV arguments of a subcommand name. */
#ifndef PCIPROBE_BINDER_DEVICES_TARGET_H
#define PCIPROBE_BINDER_DEVICES_TARGET_H

#include "probe/details/details.h"
#include "probe/device.h"
#include "probe/identity.h"
#include "probe/log.h"

/* Details that targets_add needs. */
#define TARGET_DETAILS \
	(DETAIL_DRIVER | DETAIL_INTERFACES | DETAIL_MACS | DETAIL_BLOCKS | DETAIL_PATH)

/* Devices of one inventory, without duplicates. */
struct targets {
	struct pci_device **items;
	size_t count;
};

/* Adds the device that ARGUMENT names: an address or a path, also with the ids that the device must
 * have (probe/identity.h), net:eth0, mac:52:54:00:12:34:56, block:nvme0n1, id:10de:2204 or
 * alias:NAME. It must match exactly one device unless ALL. Returns 0; -ENOMEM; or, logged to LOG,
 * -EINVAL for another kind of argument, -ENODEV if no device matches, -ENOTUNIQ if several do,
 * -ESTALE if the device at the address or path has other ids. */
int targets_add(struct targets *targets, const struct inventory *inventory, const char *argument,
		bool all, const struct log *log);

/* Adds DEVICE unless it is there already. Returns 0 or -ENOMEM. */
int targets_add_device(struct targets *targets, struct pci_device *device);

bool targets_have(const struct targets *targets, const struct pci_device *device);
void targets_free(struct targets *targets);

/* Checks that DEVICE has these IDS ("10de:2204"; NULL: any). Returns 0; or, logged to LOG, -ESTALE,
 * or -EINVAL for invalid ids. */
int target_check_ids(const struct pci_device *device, const char *ids,
		     const struct inventory *inventory, const struct log *log);

/* Size of an argument by target_format. */
#define TARGET_ARGUMENT_SIZE (PCI_PATH_SIZE + 16)

/* Writes the argument that names DEVICE after a reboot too, by path, or by address where the path
 * is the same or unknown, with its ids. Returns BUFFER. */
const char *target_format(const struct pci_device *device,
			  char buffer[static TARGET_ARGUMENT_SIZE]);

/* Whether ARGUMENT is an alias; targets_add then needs bind_options_read_aliases. */
bool target_is_alias(const char *argument);

/* Whether ARGUMENT is a device and not a subcommand: it has a colon. */
bool target_is_argument(const char *argument);

#endif
