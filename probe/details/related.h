/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other places in /sys say about devices: disks, DRM nodes, mediated devices, slots and IOMMU
 * groups. */
#ifndef PCIPROBE_DETAILS_RELATED_H
#define PCIPROBE_DETAILS_RELATED_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

/* The addresses in a path below /sys/devices: ".../0000:00:1c.0/0000:01:00.0/nvme/nvme0" has two.
 * Puts up to MAX of them, in order, at ADDRESSES and returns how many there are in all. */
size_t path_addresses(const char *path, struct pci_address *addresses, size_t max);

/* Adds the disks (blocks) or the DRM nodes (drm) to the selected devices of INVENTORY that they sit
 * on. A place that isn't there has none; one that can't be read is told. Returns 0 or -ENOMEM. */
int read_blocks(struct sysroot *root, const struct log *log, struct inventory *inventory);
int read_drm(struct sysroot *root, const struct log *log, struct inventory *inventory);

/* Adds the mediated devices to the selected devices of INVENTORY that they are parts of, likewise.
 */
int read_mdevs(struct sysroot *root, const struct log *log, struct inventory *inventory);

/* Sets group_peers and nonviable_peers of the selected devices that have a group, likewise. A
 * bridge blocks nothing, nor does a device on a vfio driver, on a stub or without a driver: the
 * kernel's vfio_dev_viable(). */
int read_group_peers(struct sysroot *root, const struct log *log, struct inventory *inventory);

/* Sets nonviable_peers alone, of devices that have none yet and whose group_peers are known. */
int read_nonviable_peers(struct sysroot *root, struct inventory *inventory);

/* Sets physical_slot, likewise. */
int read_slots(struct sysroot *root, const struct log *log, struct inventory *inventory);

#endif
