/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/vfs.h"

static void count_vfs_of(const struct inventory *inventory, struct pci_device *pf)
{
	unsigned states[OWNERSHIP_COUNT] = {0}, count = 0;

	inventory_foreach(inventory, vf)
		if ((vf->present & HAS_PF) && address_compare(&vf->sriov.pf, &pf->address) == 0) {
			states[vf->ownership]++;
			count++;
		}
	pf->present &= ~(unsigned)HAS_VF_OWNERSHIP;
	if (count != pf->sriov.vfs_enabled)
		return;
	pf->present |= HAS_VF_OWNERSHIP;
	pf->sriov.vfs_in_use = states[OWNERSHIP_HELD];
	pf->sriov.vfs_free = states[OWNERSHIP_FREE];
	pf->sriov.vfs_unknown = states[OWNERSHIP_UNKNOWN];
}

void vfs_count(struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (device->present & HAS_VFS_ENABLED)
			count_vfs_of(inventory, device);
}
