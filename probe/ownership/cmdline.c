/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source cmdline: devices on the command lines of virtual machine monitors. */
#include "probe/ownership/sources.h"

#include <stdio.h>

/* Whether the device itself is open, by its own node or by a device file whose fdinfo names it. */
static bool has_device(const struct holder *holder, const struct pci_address *address)
{
	for (size_t i = 0; i < holder->file_count; i++) {
		const struct vfio_file *file = &holder->files[i];
		const struct vfio_node *node = file->node;
		bool is_known = node ? node->kind == VFIO_NODE_DEVICE && node->has_address &&
						!node->mdev[0]
				     : file->has_address;

		if (is_known &&
		    address_compare(node ? &node->address : &file->address, address) == 0)
			return true;
	}
	return false;
}

/* If the source vfio is enabled, it has already chosen the owner among several holders. */
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

/* A device that the process holds is its own. For a device that it doesn't hold, only the command
 * line of a trusted user counts: the device is reserved if QEMU opens it later (of a failover pair,
 * when the guest has negotiated it), else it was unplugged. If the descriptors could not be
 * inspected, the device is held, unless the kernel reports it as not open. */
static bool is_credible(const struct owner_search *search, const struct holder *holder,
			const struct vmm_device *named, const struct pci_device *device,
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
	*reserves = named->failover && (holder->inspected || use == VFIO_USE_CLOSED);
	return *reserves ||
	       (!holder->inspected && use != VFIO_USE_CLOSED && device_is_assignable(device));
}

static int claim_named(const struct owner_search *search, const struct holder *holder,
		       const struct vmm_device *named)
{
	struct claim claim = holder_claim(holder, OWNER_CMDLINE);
	struct pci_device *device =
		named->is_mdev ? mdev_find_parent(search->root, search->inventory, named->mdev)
			       : inventory_find(search->inventory, &named->address);

	if (!device || !device->selected)
		return 0;
	if (named->is_mdev ? !holder_has_mdev(holder, search, named->mdev) &&
				     (holder->inspected || !holder->trusted)
			   : !is_credible(search, holder, named, device, &claim.reserves))
		return 0;
	claim.guest_address = named->guest_address;
	claim.mdev = named->is_mdev ? named->mdev : NULL;
	return device_claim(device, &claim);
}

int cmdline_claim(const struct owner_search *search, struct source_report *report)
{
	report->state = search->processes.state;
	snprintf(report->why, sizeof(report->why), "%s", search->processes.why);
	for (size_t i = 0; i < search->holders->count; i++) {
		const struct holder *holder = &search->holders->items[i];

		for (size_t j = 0; j < holder->vmm.device_count; j++) {
			int error = claim_named(search, holder, &holder->vmm.devices[j]);

			if (error < 0)
				return error;
		}
	}
	return 0;
}
