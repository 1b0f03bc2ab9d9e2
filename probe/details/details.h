/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read of a selected device, and only of one: driver, IOMMU group, NUMA node, SR-IOV,
 * interfaces, link, errors, power. Nothing here reads configuration space, wakes a device, or waits
 * for a lock of one. */
#ifndef PCIPROBE_DETAILS_DETAILS_H
#define PCIPROBE_DETAILS_DETAILS_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

/* Groups of members of struct pci_device that are read together. */
enum detail {
	DETAIL_NAMES = 1u << 0,
	DETAIL_DRIVER = 1u << 1,
	DETAIL_IOMMU_GROUP = 1u << 2,
	DETAIL_NUMA_NODE = 1u << 3,
	DETAIL_REVISION = 1u << 4,
	DETAIL_MODALIAS = 1u << 5,
	DETAIL_SRIOV = 1u << 6,
	DETAIL_INTERFACES = 1u << 7,
	DETAIL_BLOCKS = 1u << 8,
	DETAIL_DRM = 1u << 9,
	DETAIL_RESET_METHODS = 1u << 10,
	DETAIL_POWER = 1u << 11,
	DETAIL_LINK = 1u << 12,
	DETAIL_AER = 1u << 13,
	DETAIL_SLOT = 1u << 14,
	DETAIL_LABEL = 1u << 15,
	DETAIL_ANCESTORS = 1u << 16,
	DETAIL_VGPU = 1u << 17,
	DETAIL_VF_INDEX = 1u << 18,  /* of VFs that DETAIL_SRIOV has found */
	DETAIL_OWNERSHIP = 1u << 19, /* read by ownership_read, from driver and IOMMU group */
	DETAIL_GROUP_PEERS = 1u << 20,
	DETAIL_ALIASES = 1u << 21,	/* found by aliases_read */
	DETAIL_PF_INTERFACE = 1u << 22, /* of VFs that DETAIL_SRIOV has found */
	DETAIL_MDEVS = 1u << 23,
	DETAIL_SUBSYSTEM_NAME = 1u << 24, /* pci.ids lacks many, and to look for them in the hwdb as
					     well takes a while */
	DETAIL_ALL = (1u << 25) - 1,
	DETAIL_ANY_NAME = DETAIL_NAMES | DETAIL_SUBSYSTEM_NAME,

	/* Those that stay as they are while a device sits where it does and no device comes or
	   goes: VFs are devices too. */
	DETAIL_STATIC = DETAIL_ANY_NAME | DETAIL_IOMMU_GROUP | DETAIL_NUMA_NODE | DETAIL_REVISION |
			DETAIL_SRIOV | DETAIL_VF_INDEX | DETAIL_ALIASES | DETAIL_GROUP_PEERS,
};

/* Reads the WANTED details (of enum detail, except names) of every selected device of INVENTORY.
 * OTHERS are details of devices that are not selected: DETAIL_SRIOV and DETAIL_INTERFACES of all of
 * them, DETAIL_DRIVER and DETAIL_IOMMU_GROUP of bridges. What exists but cannot be read is logged
 * once, and its device is marked as incomplete. A device that was removed meanwhile leaves the
 * inventory. Returns 0 or -ENOMEM. */
int details_read(struct sysroot *root, const struct log *log, unsigned wanted, unsigned others,
		 struct inventory *inventory);

#endif
