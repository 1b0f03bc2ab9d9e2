/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source cmdline: what a virtual machine monitor was started with. */
#include "probe/ownership/sources.h"

#include <stdio.h>

/* The device itself, by its own node or where the kernel tells which one a file is of. */
static bool has_device(const struct holder *holder, const struct pci_address *address)
{
	for (size_t i = 0; i < holder->file_count; i++) {
		const struct vfio_file *file = &holder->files[i];
		const struct vfio_node *node = file->node;
		bool is_known = node ? node->has_address && !node->mdev[0] : file->has_address;

		if (is_known &&
		    address_compare(node ? &node->address : &file->address, address) == 0)
			return true;
	}
	return false;
}

/* Where the source vfio is asked it has chosen which of several holders is the owner. */
static bool holds(const struct owner_search *search, const struct holder *holder,
		  const struct pci_device *device)
{
	if (!(search->wanted & OWNER_VFIO))
		return has_device(holder, &device->address) ||
		       ((device->present & HAS_IOMMU_GROUP) &&
			holder_has_group(holder, device->iommu_group));
	for (size_t i = 0; i < device->owner_count; i++)
		if (device->owners[i].pid == holder->pid && !device->owners[i].mdev)
			return true;
	return false;
}

static bool is_held(const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++)
		if (!device->owners[i].mdev && (device->owners[i].sources & OWNER_VFIO))
			return true;
	return false;
}

/* What the process holds is its own. Of what it doesn't hold, only the command line of a user who
 * may assign devices counts: it is reserved where QEMU opens it later (one of a failover pair, once
 * the guest has agreed), and not its own any more otherwise. Where descriptors can't be inspected
 * it is held, unless the kernel says that it isn't open. */
static bool is_believed(const struct owner_search *search, const struct holder *holder,
			const struct vmm_device *given, const struct pci_device *device,
			bool *reserves)
{
	enum vfio_use use;

	*reserves = false;
	if (device_is_bridge(device))
		return false;
	if (holds(search, holder, device))
		return true;
	if (!holder->trusted || is_held(device))
		return false;
	use = vfio_device_use(search->root, &device->address, device->driver);
	*reserves = given->failover && (holder->seen || use == VFIO_USE_CLOSED);
	return *reserves ||
	       (!holder->seen && use != VFIO_USE_CLOSED && device_is_assignable(device));
}

static int claim_given(const struct owner_search *search, const struct holder *holder,
		       const struct vmm_device *given)
{
	struct claim claim = holder_claim(holder, OWNER_CMDLINE);
	struct pci_device *device =
		given->is_mdev ? mdev_find_parent(search->root, search->inventory, given->mdev)
			       : inventory_find(search->inventory, &given->address);

	if (!device || !device->selected)
		return 0;
	if (given->is_mdev ? !holder_has_mdev(holder, search, given->mdev) &&
				     (holder->seen || !holder->trusted)
			   : !is_believed(search, holder, given, device, &claim.reserves))
		return 0;
	claim.guest_address = given->guest_address;
	claim.mdev = given->is_mdev ? given->mdev : NULL;
	return device_claim(device, &claim);
}

int cmdline_claim(const struct owner_search *search, struct source_report *report)
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
