/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/vfs.h"

static void count_vf(struct sriov *sriov, enum ownership ownership)
{
	sriov->vfs_seen++;
	sriov->vfs_in_use += ownership == OWNERSHIP_HELD;
	sriov->vfs_free += ownership == OWNERSHIP_FREE;
	sriov->vfs_unknown += ownership == OWNERSHIP_UNKNOWN;
}

void vfs_count(struct inventory *inventory)
{
	inventory_foreach(inventory, device) {
		struct sriov *sriov = &device->sriov;

		sriov->vfs_seen = sriov->vfs_in_use = sriov->vfs_free = sriov->vfs_unknown = 0;
	}
	inventory_foreach(inventory, vf) {
		struct pci_device *pf = vf->present & HAS_PF
						? inventory_find(inventory, &vf->sriov.pf)
						: NULL;

		if (pf && pf->selected)
			count_vf(&pf->sriov, vf->ownership);
	}
	inventory_foreach(inventory, device) {
		device->present &= ~(unsigned)HAS_VF_OWNERSHIP;
		if ((device->present & HAS_VFS_ENABLED) &&
		    device->sriov.vfs_seen == device->sriov.vfs_enabled)
			device->present |= HAS_VF_OWNERSHIP;
	}
}
