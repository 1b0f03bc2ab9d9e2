/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IOMMU groups. */
#ifndef PCIPROBE_BINDER_DEVICES_GROUP_H
#define PCIPROBE_BINDER_DEVICES_GROUP_H

#include "binder/devices/target.h"

/* Finds a device by its name in sysfs, a full address. Returns the device, which INVENTORY owns, or
 * NULL. */
struct pci_device *group_find(const struct inventory *inventory, const char *name);

/* Adds the other devices of the IOMMU groups of TARGETS, except bridges. INVENTORY must have
 * DETAIL_GROUP_PEERS. Returns 0 or -ENOMEM. */
int group_complete(struct targets *targets, const struct inventory *inventory);

#endif
