/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comments about a device, in formats that others read. */
#ifndef PCIPROBE_STANDALONE_FORMATS_DEVICECOMMENT_H
#define PCIPROBE_STANDALONE_FORMATS_DEVICECOMMENT_H

#include "probe/device.h"

#include <stdio.h>

/* Details needed by devicecomment_write. */
#define DETAIL_COMMENT                                                                       \
	((unsigned)(DETAIL_NAMES | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_GROUP_PEERS | \
		    DETAIL_VGPU))

/* Writes a line with PREFIX, address and name of DEVICE, and a line for each reason why it is not
 * available that does not depend on its owner. The text is sanitized. Returns whether it cannot be
 * assigned at all: it is a bridge, in no IOMMU group or in one that is not viable. A host driver is
 * no such reason. */
bool devicecomment_write(FILE *out, const char *prefix, const struct pci_device *device);

#endif
