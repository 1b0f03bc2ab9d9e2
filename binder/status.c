/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind status */
#include "binder/verbs.h"
#include "probe/details.h"
#include "probe/ownership/ownership.h"

#include <stdio.h>

static void print_card(const struct pci_device *device)
{
	char address[ADDRESS_SIZE], group[16] = "-";

	if (device->present & HAS_IOMMU_GROUP)
		snprintf(group, sizeof(group), "%u", device->iommu_group);
	printf("%s %04x:%04x %-16s %4s %s\n", address_format(&device->address, address), device->vendor, device->device,
	       device->driver ? device->driver : "-", group, ownership_name(device->ownership));
}

int run_status(struct options *options)
{
	struct inventory *inventory = NULL;
	struct probe *probe = NULL;
	int status = STATUS_FAILED;

	if (options_probe(options, DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_OWNERSHIP, &probe) == 0 &&
	    probe_read(probe, &inventory) == 0) {
		inventory_foreach(inventory, device)
			print_card(device);
		status = STATUS_DONE;
	}
	inventory_free(inventory);
	probe_free(probe);
	return status;
}
