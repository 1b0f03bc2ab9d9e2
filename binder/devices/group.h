/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that belong together: IOMMU groups. */
#ifndef PCIPROBE_BINDER_DEVICES_GROUP_H
#define PCIPROBE_BINDER_DEVICES_GROUP_H

#include "binder/devices/target.h"

/* The device that a name in sysfs, a full address, stands for; NULL: none. Belongs to the
 * inventory. */
struct pci_device *group_find(const struct inventory *inventory, const char *name);

/* Adds to TARGETS the devices that share an IOMMU group with one of them, bridges excepted.
 * DETAIL_GROUP_PEERS must have been read. Returns 0 or -ENOMEM. */
int group_complete(struct targets *targets, const struct inventory *inventory);

#endif
