/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other directories in /sys contain about devices: disks, DRM nodes, mediated devices, slots
 * and IOMMU groups. */
#ifndef PCIPROBE_DETAILS_RELATED_H
#define PCIPROBE_DETAILS_RELATED_H

#include "probe/device.h"
#include "probe/identity.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

/* Finds the addresses in a path below /sys/devices: ".../0000:00:1c.0/0000:01:00.0/nvme/nvme0" has
 * two, the last of which is the device. Stores them in order at ADDRESSES and returns their number,
 * 0 if there are more than PATH_ADDRESSES_MAX. */
size_t path_addresses(const char *path, struct pci_address addresses[static PATH_ADDRESSES_MAX]);

/* Finds the first address in a path, and returns what follows it: "nvme/nvme0", or "" at the end.
 * Returns NULL if there is none. */
const char *path_after_address(const char *path, struct pci_address *ret);

/* Add disks (blocks) or DRM nodes (drm) to the selected devices of INVENTORY. If their directory in
 * /sys does not exist there are none; if it cannot be read, this is logged. Return 0 or -ENOMEM. */
int read_blocks(struct sysroot *root, const struct log *log, struct inventory *inventory);
int read_drm(struct sysroot *root, const struct log *log, struct inventory *inventory);

/* Adds mediated devices to the selected devices of INVENTORY, like read_blocks. */
int read_mdevs(struct sysroot *root, const struct log *log, struct inventory *inventory);

/* Sets group_peers and nonviable_peers of the selected devices that have a group, like read_blocks.
 * As in the kernel's vfio_dev_viable(), bridges and devices with a VFIO driver, a stub or no driver
 * do not make a group nonviable. ALL_KNOWN: the group of every device of the machine is known, or
 * that it has none, so that the groups need not be listed. */
int read_group_peers(struct sysroot *root, const struct log *log, bool all_known,
		     struct inventory *inventory);

/* Sets nonviable_peers of devices whose group_peers are known. They must have none yet. Returns 0
 * or -ENOMEM. */
int read_nonviable_peers(struct sysroot *root, struct inventory *inventory);

/* Sets physical_slot, like read_blocks. */
int read_slots(struct sysroot *root, const struct log *log, struct inventory *inventory);

#endif
