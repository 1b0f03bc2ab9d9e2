/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source vfio: processes that have a device, its node or its group open. */
#include "probe/ownership/references.h"
#include "probe/ownership/sources.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool find_group(struct sysroot *root, const struct pci_address *address, unsigned *ret)
{
	char text[ADDRESS_SIZE];

	return vfio_find_group(root, SCAN_DIRECTORY, address_format(address, text), ret);
}

static bool names_device(const struct vmm *vmm, const struct pci_address *address)
{
	for (size_t i = 0; i < vmm->device_count; i++)
		if (!vmm->devices[i].is_mdev &&
		    address_compare(&vmm->devices[i].address, address) == 0)
			return true;
	return false;
}

/* The group is read from sysfs, since a device on the command line need not be selected. */
static bool names_group(struct sysroot *root, const struct vmm *vmm, unsigned group)
{
	unsigned other;

	for (size_t i = 0; i < vmm->device_count; i++)
		if (!vmm->devices[i].is_mdev &&
		    find_group(root, &vmm->devices[i].address, &other) && other == group)
			return true;
	return false;
}

const struct holder *holders_choose(const struct holder *one, const struct holder *other)
{
	if (!one || !other)
		return one ? one : other;
	if (one->vmm.is_vmm != other->vmm.is_vmm)
		return one->vmm.is_vmm ? one : other;
	if (!one->vmm.device_count != !other->vmm.device_count)
		return one->vmm.device_count ? one : other;
	return other->started < one->started ? other : one;
}

static const struct holder *find_holder(const struct holders *holders, const struct vfio_node *node)
{
	const struct holder *found = NULL;

	for (size_t i = 0; i < holders->count; i++)
		if (holder_has_node(&holders->items[i], node))
			found = holders_choose(found, &holders->items[i]);
	return found;
}

static int claim(struct pci_device *device, const struct holder *holder)
{
	const struct claim claim = holder_claim(holder, OWNER_VFIO);

	return device_claim(device, &claim);
}

/* Whether the holder of an open group holds DEVICE. If a device of the group is open, the kernel's
 * state decides; else the command line, if it names devices of the group (BY_NAME). Without either,
 * for a hot-plugged device or a program that is not a VM monitor, all assignable devices of the
 * group are held. */
static bool holds_device(const struct owner_search *search, const struct pci_device *device,
			 bool any_open, bool by_name, const struct vmm *vmm)
{
	enum vfio_use use = vfio_device_use(search->root, &device->address, device->driver);

	if (device_is_bridge(device))
		return false;
	if (any_open && (use == VFIO_USE_OPEN || use == VFIO_USE_CLOSED))
		return use == VFIO_USE_OPEN;
	if (by_name)
		return names_device(vmm, &device->address);
	return device_is_assignable(device) ||
	       vfio_nodes_have_device(search->nodes, &device->address);
}

static int claim_group(const struct owner_search *search, const struct holder *holder,
		       unsigned group)
{
	int any_open = vfio_group_has_open(search->root, group);
	bool by_name = (search->wanted & OWNER_CMDLINE) &&
		       names_group(search->root, &holder->vmm, group);
	int error;

	if (any_open < 0)
		return any_open;
	inventory_foreach(search->inventory, device) {
		if (!(device->present & HAS_IOMMU_GROUP) || device->iommu_group != group)
			continue;
		if (!holds_device(search, device, any_open, by_name, &holder->vmm)) {
			device->group_held = true;
			continue;
		}
		error = claim(device, holder);
		if (error < 0)
			return error;
	}
	return 0;
}

static int claim_device(const struct owner_search *search, const struct holder *holder,
			const struct pci_address *address)
{
	unsigned group;
	bool has_group = find_group(search->root, address, &group);
	int error;

	inventory_foreach(search->inventory, device) {
		if (address_compare(&device->address, address) == 0) {
			error = claim(device, holder);
			if (error < 0)
				return error;
		} else if (has_group && (device->present & HAS_IOMMU_GROUP) &&
			   device->iommu_group == group) {
			device->group_held = true;
		}
	}
	return 0;
}

static int claim_node(const struct owner_search *search, const struct vfio_node *node)
{
	const struct holder *holder = find_holder(search->holders, node);

	if (!holder)
		return 0;
	if (node->kind == VFIO_NODE_GROUP)
		return claim_group(search, holder, node->group);
	if (node->kind != VFIO_NODE_DEVICE || !node->has_address || node->mdev[0])
		return 0;
	return claim_device(search, holder, &node->address);
}

/* ---- device files without an open group: it was closed, or the file passed on over a socket ----
 */

static bool has_group_or_node(const struct holder *holder)
{
	for (size_t i = 0; i < holder->file_count; i++) {
		const struct vfio_node *node = holder->files[i].node;

		if (node && (node->kind == VFIO_NODE_GROUP || node->kind == VFIO_NODE_DEVICE))
			return true;
	}
	return false;
}

/* A device file that the kernel doesn't name the device of. */
static bool is_unlocated(const struct vfio_file *file)
{
	return !file->node && !file->has_address;
}

static size_t count_unlocated(const struct holder *holder)
{
	size_t count = 0;

	for (size_t i = 0; i < holder->file_count; i++)
		count += is_unlocated(&holder->files[i]);
	return count;
}

/* Whether the holder has more unlocated files than devices in its open groups. */
static bool has_file_without_group(const struct owner_search *search, const struct holder *holder)
{
	size_t files = count_unlocated(holder);

	for (size_t i = 0; i < holder->file_count && files; i++) {
		const struct vfio_node *node = holder->files[i].node;
		size_t devices;

		if (!node || node->kind != VFIO_NODE_GROUP)
			continue;
		devices = vfio_group_size(search->root, node->group);
		files -= devices < files ? devices : files;
	}
	return files;
}

static bool is_claimed(const struct owner_search *search, const struct vfio_node *node)
{
	const struct pci_device *device = inventory_find(search->inventory, &node->address);
	unsigned group;

	if (device && device->owner_count)
		return true;
	/* it isn't selected, but the holder of its group or node was found */
	if (!find_group(search->root, &node->address, &group))
		return false;
	for (size_t i = 0; i < search->holders->count; i++)
		if (holder_has_group(&search->holders->items[i], group) ||
		    holder_has_node(&search->holders->items[i], node))
			return true;
	return false;
}

/* Returns the only open device without a known holder, or NULL if there are none or several, or if
 * it could be a mediated device. */
static const struct vfio_node *find_only_unclaimed(const struct owner_search *search)
{
	const struct vfio_node *found = NULL;

	for (size_t i = 0; i < search->nodes->count; i++) {
		const struct vfio_node *node = &search->nodes->items[i];

		if (node->kind != VFIO_NODE_DEVICE)
			continue;
		if (!node->has_address || node->mdev[0])
			return NULL;
		if (vfio_address_use(search->root, &node->address) == VFIO_USE_CLOSED ||
		    is_claimed(search, node))
			continue;
		if (found)
			return NULL;
		found = node;
	}
	return found;
}

static int claim_device_files(const struct owner_search *search, const struct holder *holder)
{
	int error;

	for (size_t i = 0; i < holder->file_count; i++) {
		const struct vfio_file *file = &holder->files[i];

		if (file->node || !file->has_address || file->mdev[0])
			continue;
		error = claim_device(search, holder, &file->address);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Whether the same file is open in a process that also has a group or node open, which identifies
 * the device. Returns 1, 0, or a negative errno if kcmp(2) fails. */
static int is_shared_with_group(const struct owner_search *search, const struct vfio_file *file)
{
	int result, error = 0;

	for (size_t i = 0; i < search->holders->count; i++) {
		const struct holder *holder = &search->holders->items[i];

		if (!has_group_or_node(holder))
			continue;
		for (size_t j = 0; j < holder->file_count; j++) {
			if (!is_unlocated(&holder->files[j]))
				continue;
			result = references_compare_files(search->root, &holder->files[j], file);
			if (result > 0)
				return result;
			error = result < 0 ? result : error;
		}
	}
	return error;
}

/* Returns the owner of the only unlocated device file, which several processes can share. Returns
 * NULL if there is none, or there may be several; then it sets the inventory's "unlocated". */
static const struct holder *find_only_unlocated(const struct owner_search *search)
{
	const struct holder *found = NULL;
	const struct vfio_file *only = NULL;

	for (size_t i = 0; i < search->holders->count; i++) {
		const struct holder *holder = &search->holders->items[i];

		for (size_t j = 0; j < holder->file_count && !has_group_or_node(holder); j++) {
			const struct vfio_file *file = &holder->files[j];
			int shared = is_unlocated(file) ? is_shared_with_group(search, file) : 1;

			if (shared > 0)
				continue;
			if (shared < 0 ||
			    (only && references_compare_files(search->root, only, file) <= 0)) {
				search->inventory->unlocated = true;
				return NULL;
			}
			only = file;
			found = holders_choose(found, holder);
		}
	}
	return found;
}

static int claim_without_groups(const struct owner_search *search)
{
	const struct vfio_node *node;
	const struct holder *holder;
	int error;

	for (size_t i = 0; i < search->holders->count; i++) {
		holder = &search->holders->items[i];
		error = claim_device_files(search, holder);
		if (error < 0)
			return error;
		if (has_group_or_node(holder) && has_file_without_group(search, holder))
			search->inventory->unlocated = true;
	}
	holder = find_only_unlocated(search);
	if (!holder)
		return 0;
	node = find_only_unclaimed(search);
	if (node)
		return claim_device(search, holder, &node->address);
	search->inventory->unlocated = true;
	return 0;
}

int vfio_claim(const struct owner_search *search, struct source_report *report)
{
	int error;

	report->state = search->processes.state;
	snprintf(report->why, sizeof(report->why), "%s", search->processes.why);
	for (size_t i = 0; i < search->nodes->count; i++) {
		error = claim_node(search, &search->nodes->items[i]);
		if (error == -ENOMEM)
			return error;
		if (error == 0)
			continue;
		report->state = SOURCE_PARTLY;
		snprintf(report->why, sizeof(report->why), "/sys/kernel/iommu_groups: %s",
			 strerror(-error));
	}
	return claim_without_groups(search);
}
