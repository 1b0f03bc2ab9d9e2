/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The user of a device, as the string that CloudStack reads. Its management server
 * (GpuServiceImpl.setStateAndVmName) sets the device to Free if the string is empty, even if it was
 * allocated. The name of one of its VMs assigns the device to that VM. Any other string sets it to
 * Error until a later report, so that it isn't allocated. Devices that are not known to be free
 * therefore always have a non-empty string. */
#ifndef PCIPROBE_STANDALONE_FORMATS_CLOUDSTACK_USER_H
#define PCIPROBE_STANDALONE_FORMATS_CLOUDSTACK_USER_H

#include "probe/details/details.h"
#include "probe/device.h"

/* Details needed by cloudstack_user. */
#define DETAIL_CLOUDSTACK_USER ((unsigned)(DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_OWNERSHIP))

/* Finds the running VM that uses DEVICE, or its mediated device MDEV if that is not NULL. Sets *ret
 * to its name: one line of UTF-8, without control characters and not blank; "conflict: ..." with
 * all names if there are several, "unknown: ..." if it could not be determined, or NULL if the
 * device is not in use. VMs that are only defined with it don't count. The caller frees *ret.
 * Returns 0 or -ENOMEM. */
int cloudstack_user(const struct inventory *inventory, const struct pci_device *device,
		    const char *mdev, char **ret);

#endif
