/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What identifies a device after a reboot: where it is, and optionally its ids. No I/O.
 *
 *   0000:04:00.0=10de:2204       an address: without =VENDOR:DEVICE with any ids
 *   0000:00:1c.0/00.0=10de:2204  a path, see pci_path_format, as pci_device.path has it
 *   path:0000:00:1c.0/00.0       also a path; needed only on a root bus, where it has no slash
 *
 * The numbers of the buses below a root bus are assigned at boot and can change when a device is
 * added; a path contains none of them. */
#ifndef PCIPROBE_IDENTITY_H
#define PCIPROBE_IDENTITY_H

#include "probe/device.h"

/* More bridges than any device is below. */
#define PATH_ADDRESSES_MAX 64

/* Size of the longest path, with its NUL: an address, then for each level at most "/+ff:1f.7". */
#define PCI_PATH_SIZE (ADDRESS_SIZE + PATH_ADDRESSES_MAX * 9)

/* The part of a string before which it is a path. */
#define PATH_PREFIX "path:"

struct identity {
	bool by_path;
	struct pci_address address; /* unless by_path */
	char path[PCI_PATH_SIZE];   /* if by_path */
	bool has_ids;
	uint16_t vendor, device;
};

/* Writes the path of the last of COUNT (at least one) ADDRESSES, which are those from the root bus
 * down, into BUFFER and returns BUFFER: the address of the first in the domain of the last, then
 * /SLOT.FUNCTION for each level, as printed by lspci -DP. BUS_OFFSET is not 0 for a VF that is on a
 * later bus than its PF: it then precedes the last slot, as in 0000:00:1c.0/+1:00.0. */
const char *pci_path_format(const struct pci_address *addresses, size_t count, unsigned bus_offset,
			    char buffer[static PCI_PATH_SIZE]);

/* Parses an identity; a path may omit domain 0. Returns 0, or -EINVAL with *ret undefined. */
int identity_parse(const char *string, struct identity *ret);

/* Whether DEVICE is where IDENTITY says, whatever its ids. False if its path was not read. */
bool identity_has_place(const struct identity *identity, const struct pci_device *device);

/* Whether DEVICE has the ids of IDENTITY; true if it has none. */
bool identity_has_ids(const struct identity *identity, const struct pci_device *device);

/* Size of a description by identity_describe. */
#define IDENTITY_TEXT_SIZE (3 * PCI_PATH_SIZE)

/* Describes, for a message, why no device has IDENTITY: FOUND is the device at its place, NULL for
 * none; COUNT other devices have its ids, one of which is OTHER. Returns BUFFER: "0000:04:00.0 is
 * 10de:1234, expected 10de:2204; 10de:2204 is at 0000:05:00.0". */
const char *identity_describe(const struct identity *identity, const struct pci_device *found,
			      const struct pci_device *other, size_t count,
			      char buffer[static IDENTITY_TEXT_SIZE]);

#endif
