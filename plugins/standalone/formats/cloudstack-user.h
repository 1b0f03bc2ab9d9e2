/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has a device, in the one text that CloudStack reads for it. Its management server
 * (GpuServiceImpl.setStateAndVmName) takes nothing for "nobody": the device becomes Free, even one
 * that it had given away. The name of one of its own VMs makes the device that VM's. Any other text
 * makes it Error, which nobody is given, until a later answer says better. So whatever isn't known
 * to be free gets a text. */
#ifndef PCIPROBE_STANDALONE_FORMATS_CLOUDSTACK_USER_H
#define PCIPROBE_STANDALONE_FORMATS_CLOUDSTACK_USER_H

#include "probe/details/details.h"
#include "probe/device.h"

/* What must have been read of the device. */
#define DETAIL_CLOUDSTACK_USER ((unsigned)(DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_OWNERSHIP))

/* The VM that runs with the device, or with its mediated device MDEV when that isn't NULL: one line
 * of UTF-8, without control characters and not blank. "unknown: ..." where not everything could be
 * looked at, "conflict: ..." with all of them when it is more than one. VMs that are only defined
 * with it don't count. Sets *ret to NULL when nobody has it; to be freed. Returns 0 or -ENOMEM. */
int cloudstack_user(const struct inventory *inventory, const struct pci_device *device,
		    const char *mdev, char **ret);

#endif
