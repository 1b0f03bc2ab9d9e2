/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text that explains why a device is not available to a VM. Strings from outside are sanitized. */
#ifndef PCIPROBE_STANDALONE_UNAVAILABLE_H
#define PCIPROBE_STANDALONE_UNAVAILABLE_H

#include "probe/device.h"

#include <stdio.h>

/* Writes one line, prefixed with INDENT, for each reason; nothing if the device is available. */
void unavailable_write(FILE *out, const char *indent, const struct pci_device *device);

/* Writes the main reason, followed by the command that helps if there is one, without a newline.
 * DEVICE must be selected and unavailable. */
void unavailable_write_brief(FILE *out, const struct pci_device *device);

/* Writes a line, prefixed with INDENT, with the command that can make the device available; nothing
 * if there is none. */
void unavailable_write_help(FILE *out, const char *indent, const struct pci_device *device);

/* Writes only the line about the host driver, whether or not DEVICE is bound to one. */
void unavailable_write_driver(FILE *out, const char *indent, const struct pci_device *device);

/* Writes only the lines about reasons that do not depend on the current owner: a bridge, no IOMMU
 * group, a group that is not viable. */
void unavailable_write_permanent(FILE *out, const char *indent, const struct pci_device *device);

/* Writes who holds or reserves DEVICE, with the evidence, and SEPARATOR between several owners. */
void unavailable_write_owners(FILE *out, const char *separator, const struct pci_device *device);

#endif
