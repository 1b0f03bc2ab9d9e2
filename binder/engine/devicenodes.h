/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device nodes in /dev/vfio. */
#ifndef PCIPROBE_BINDER_ENGINE_DEVICENODES_H
#define PCIPROBE_BINDER_ENGINE_DEVICENODES_H

#include "probe/address.h"
#include "probe/strings.h"
#include "probe/sysfs/sysroot.h"

/* Adds the existing nodes of a device to RET, relative to ROOT: "dev/vfio/8" of its IOMMU group
 * (GROUP NULL: none; kernels without CONFIG_VFIO_GROUP have no such nodes), and
 * "dev/vfio/devices/vfio0" of the device itself (kernels with CONFIG_VFIO_DEVICE_CDEV). Returns 0,
 * or a negative errno if /dev or sysfs could not be read. */
int device_nodes_list(struct sysroot *root, const struct pci_address *address, const char *group,
		      struct strings *ret);

#endif
