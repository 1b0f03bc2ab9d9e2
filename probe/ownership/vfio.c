/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source vfio: processes that have a card's group, or its own node, open. */
#include "probe/details/kin.h"
#include "probe/driver.h"
#include "probe/ownership/sources.h"
#include "probe/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool holds_group(const struct holder *holder, unsigned group)
{
	for (size_t i = 0; i < holder->group_count; i++)
		if (holder->groups[i] == group)
			return true;
	return false;
}

/* /dev/vfio/devices/vfio<n> is the very card: /sys/class/vfio-dev/vfio<n> leads through it. */
static bool find_card_of_node(struct sysroot *root, unsigned node, struct pci_address *ret)
{
	struct pci_address addresses[64];
	char path[64], target[PATH_MAX];
	size_t count;

	snprintf(path, sizeof(path), "sys/class/vfio-dev/vfio%u", node);
	if (sysdir_readlink(sysroot_dir(root), path, target, sizeof(target)) < 0)
		return false;
	count = path_addresses(target, addresses, 64);
	if (!count || count > 64)
		return false;
	*ret = addresses[count - 1];
	return true;
}

static bool holds_node(const struct holder *holder, struct sysroot *root, const struct pci_address *address)
{
	struct pci_address card;

	for (size_t i = 0; i < holder->device_count; i++)
		if (find_card_of_node(root, holder->devices[i], &card) && address_compare(&card, address) == 0)
			return true;
	return false;
}

bool holder_has(const struct holder *holder, struct sysroot *root, const struct pci_device *device)
{
	return ((device->present & HAS_IOMMU_GROUP) && holds_group(holder, device->iommu_group)) ||
	       holds_node(holder, root, &device->address);
}

static bool find_group(struct sysroot *root, const struct pci_address *address, unsigned *ret)
{
	char text[ADDRESS_SIZE], path[96], name[16];

	snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s/iommu_group", address_format(address, text));
	if (sysdir_link_name(sysroot_dir(root), path, name, sizeof(name)) < 0)
		return false;
	*ret = (unsigned)strtoul(name, NULL, 10);
	return true;
}

static bool is_named(const struct vmm *vmm, const struct pci_address *address)
{
	for (size_t i = 0; i < vmm->device_count; i++)
		if (!vmm->devices[i].is_mdev && address_compare(&vmm->devices[i].address, address) == 0)
			return true;
	return false;
}

/* A card that is named need not be one that is selected, so its group is looked up. */
static bool names_card_of_group(struct sysroot *root, const struct vmm *vmm, unsigned group)
{
	unsigned other;

	for (size_t i = 0; i < vmm->device_count; i++)
		if (!vmm->devices[i].is_mdev && find_group(root, &vmm->devices[i].address, &other) && other == group)
			return true;
	return false;
}

static int claim_card(struct pci_device *device, const struct holder *holder)
{
	const struct claim claim = holder_claim(holder, OWNER_VFIO);

	return device_claim(device, &claim);
}

/* A group of which the command line names a card tells nothing of its other cards, but that nobody else can have them; any
 * other, plugged in later or held by a program that is no VMM, is held with all that is in it. */
static int claim_group(const struct search *search, const struct holder *holder, unsigned group)
{
	bool by_name = (search->wanted & OWNER_CMDLINE) && names_card_of_group(search->root, &holder->vmm, group);
	int error = 0;

	inventory_foreach(search->inventory, device) {
		if (!(device->present & HAS_IOMMU_GROUP) || device->iommu_group != group || error)
			continue;
		if (by_name ? is_named(&holder->vmm, &device->address) : device_is_givable(device))
			error = claim_card(device, holder);
		else
			device->group_held = true;
	}
	return error;
}

static int claim_node(const struct search *search, const struct holder *holder, unsigned node)
{
	struct pci_address address;
	bool has_group;
	unsigned group;
	int error = 0;

	if (!find_card_of_node(search->root, node, &address))
		return 0;
	has_group = find_group(search->root, &address, &group);
	inventory_foreach(search->inventory, device) {
		if (address_compare(&device->address, &address) == 0)
			error = claim_card(device, holder);
		else if (has_group && (device->present & HAS_IOMMU_GROUP) && device->iommu_group == group)
			device->group_held = true;
	}
	return error;
}

int vfio_claim(const struct search *search, struct source_report *report)
{
	int error = 0;

	report->state = search->processes.state;
	snprintf(report->why, sizeof(report->why), "%s", search->processes.why);
	for (size_t i = 0; i < search->holders->count && !error; i++) {
		const struct holder *holder = &search->holders->items[i];

		for (size_t j = 0; j < holder->group_count && !error; j++)
			error = claim_group(search, holder, holder->groups[j]);
		for (size_t j = 0; j < holder->device_count && !error; j++)
			error = claim_node(search, holder, holder->devices[j]);
	}
	return error;
}
