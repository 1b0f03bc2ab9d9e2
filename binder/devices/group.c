/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/devices/group.h"

struct pci_device *group_find(const struct inventory *inventory, const char *name)
{
	struct pci_address address;

	return address_parse_full(name, &address) == 0 ? inventory_find(inventory, &address) : NULL;
}

int group_complete(struct targets *targets, const struct inventory *inventory)
{
	int error = 0;

	/* added devices have the same peers, so the loop ends */
	for (size_t i = 0; i < targets->count; i++) {
		const struct strings *peers = &targets->items[i]->group_peers;

		for (size_t p = 0; p < peers->count && !error; p++) {
			struct pci_device *peer = group_find(inventory, peers->items[p]);

			if (peer && !device_is_bridge(peer))
				error = targets_add_device(targets, peer);
		}
	}
	return error;
}
