/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source cmdline: what a virtual machine monitor was started with. */
#include "probe/ownership/sources.h"

#include <stdio.h>

/* A card that the process doesn't hold (any more) isn't its own. Where that can't be seen its word is taken, but for a card
 * that has been given back to a native driver. */
static bool is_believed(const struct search *search, const struct holder *holder, const struct pci_device *device)
{
	if (device_is_bridge(device))
		return false;
	return holder->seen ? holder_has(holder, search->root, device) : device_is_givable(device);
}

static int claim_given(const struct search *search, const struct holder *holder, const struct vmm_device *given)
{
	struct claim claim = holder_claim(holder, OWNER_CMDLINE);
	struct pci_device *device = given->is_mdev ?
					    mdev_find_parent(search->root, search->inventory, given->mdev) :
					    inventory_find(search->inventory, &given->address);

	if (!device || !device->selected || (!given->is_mdev && !is_believed(search, holder, device)))
		return 0;
	claim.guest_address = given->guest_address;
	claim.mdev = given->is_mdev ? given->mdev : NULL;
	return device_claim(device, &claim);
}

int cmdline_claim(const struct search *search, struct source_report *report)
{
	int error = 0;

	report->state = search->processes.state;
	snprintf(report->why, sizeof(report->why), "%s", search->processes.why);
	for (size_t i = 0; i < search->holders->count && !error; i++) {
		const struct holder *holder = &search->holders->items[i];

		for (size_t j = 0; j < holder->vmm.device_count && !error; j++)
			error = claim_given(search, holder, &holder->vmm.devices[j]);
	}
	return error;
}
