/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the details of selected devices: driver, IOMMU group, NUMA node, SR-IOV, interfaces, link,
 * errors, power and others. Never reads configuration space, wakes a device or waits for the device
 * lock. The VPD, which the kernel reads through registers, is left to vpd.h. */
#ifndef PCIPROBE_DETAILS_DETAILS_H
#define PCIPROBE_DETAILS_DETAILS_H

#include "probe/details/kept.h"
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
	DETAIL_VF_INDEX = 1u << 18,  /* requires DETAIL_SRIOV */
	DETAIL_OWNERSHIP = 1u << 19, /* read by ownership_read, from driver and IOMMU group */
	DETAIL_GROUP_PEERS = 1u << 20,
	DETAIL_ALIASES = 1u << 21,	/* read by aliases_read */
	DETAIL_PF_INTERFACE = 1u << 22, /* requires DETAIL_SRIOV */
	DETAIL_MDEVS = 1u << 23,
	DETAIL_SUBSYSTEM_NAME = 1u << 24, /* slow: often needs the hwdb too */
	DETAIL_PATH = 1u << 25,
	DETAIL_VF_SETTINGS = 1u << 26, /* read by vf_settings_read, from SRIOV, VF_INDEX, DRIVER and
					  PF_INTERFACE */
	DETAIL_EXPECT = 1u << 27,      /* compared with :expect: by findings_read */
	DETAIL_HOST_PROCESSES = 1u << 28, /* read by ownership_read */
	DETAIL_MACS = 1u << 29,		  /* requires DETAIL_INTERFACES */
	DETAIL_ALL = (1u << 30) - 1,
	/* vf and what it is read from */
	DETAIL_OF_VFS = DETAIL_SRIOV | DETAIL_VF_INDEX | DETAIL_DRIVER | DETAIL_PF_INTERFACE |
			DETAIL_VF_SETTINGS,
	DETAIL_ANY_NAME = DETAIL_NAMES | DETAIL_SUBSYSTEM_NAME,

	/* Those that do not change while no device, including VFs, is added or removed. */
	DETAIL_STATIC = DETAIL_ANY_NAME | DETAIL_IOMMU_GROUP | DETAIL_NUMA_NODE | DETAIL_REVISION |
			DETAIL_SRIOV | DETAIL_VF_INDEX | DETAIL_ALIASES | DETAIL_GROUP_PEERS,
};

/* Reads the WANTED details (enum detail, except names) of all selected devices of INVENTORY. OTHERS
 * are details of unselected devices: DETAIL_SRIOV and DETAIL_INTERFACES of all, DETAIL_DRIVER and
 * DETAIL_IOMMU_GROUP of bridges. EXPECTED are those of pci_device.expected that are read of each
 * device, selected or not. Attributes that exist but cannot be read are logged, and mark
 * their device as incomplete. Devices that were removed meanwhile are removed from the inventory.
 * Returns 0 or a negative errno. */
int details_read(struct sysroot *root, const struct log *log, unsigned wanted, unsigned others,
		 unsigned expected, struct inventory *inventory);

/* Reads details like details_read, of devices that were read before. KEPT (or NULL) has the files
 * that stay open between readings. SETTLED: the caller knows that no device was removed, or checks
 * it if KEPT missed an attribute; otherwise the devices are listed. */
int details_read_again(struct sysroot *root, const struct log *log, unsigned wanted,
		       unsigned expected, struct kept *kept, bool settled,
		       struct inventory *inventory);

/* Reads the path of all devices, for rules that need it before anything is selected. A path that
 * cannot be read is logged. Returns 0 or a negative errno. */
int details_read_paths(struct sysroot *root, const struct log *log, struct inventory *inventory);

#endif
