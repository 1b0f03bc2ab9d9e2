/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What virtual functions lose when they are removed: their drivers. */
#include "binder/hazards/hazard.h"
#include "probe/driver.h"

bool hazard_is_vf_of(const struct pci_device *device, const struct pci_device *pf)
{
	return (device->present & HAS_PF) && address_compare(&device->sriov.pf, &pf->address) == 0;
}

void hazards_find_vf_settings(struct hazard_view *view, const struct pci_device *pf,
			      struct hazard_findings *findings)
{
	inventory_foreach(view->inventory, vf)
		if (hazard_is_vf_of(vf, pf) && vf->driver && driver_is_for_vms(vf->driver))
			hazard_findings_add(findings, HAZARD_VF_SETTINGS, vf, "bound to %s",
					    vf->driver);
}
