/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/details/details.h"

#include "probe/details/attribute.h"
#include "probe/details/related.h"
#include "probe/sysfs/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_driver(struct card *card)
{
	char name[NAME_MAX + 1];

	/* in some recordings the uevent told it */
	if (!card->device->driver && card_link_name(card, "driver", name, sizeof(name)))
		card->device->driver = card_strdup(card, name);
}

static void read_iommu_group(struct card *card)
{
	char name[32], *end;
	unsigned long group;

	if (!card_link_name(card, "iommu_group", name, sizeof(name)))
		return;
	group = strtoul(name, &end, 10);
	if (end == name || *end || group > UINT_MAX) {
		card_failed(card, "iommu_group", "points to nothing that it can be");
		return;
	}
	card->device->iommu_group = (unsigned)group;
	card->device->present |= HAS_IOMMU_GROUP;
}

static void read_numa_node(struct card *card)
{
	unsigned long node;

	if (!card_number(card, "numa_node", 10, UINT_MAX, &node))
		return;
	card->device->numa_node = (unsigned)node;
	card->device->present |= HAS_NUMA_NODE;
}

static void read_revision(struct card *card)
{
	unsigned long revision;

	if (!card_number(card, "revision", 16, 0xff, &revision))
		return;
	card->device->revision = (uint8_t)revision;
	card->device->present |= HAS_REVISION;
}

static void read_modalias(struct card *card)
{
	if (!card->device->modalias)
		card->device->modalias = card_string(card, "modalias");
}

static void read_reset_methods(struct card *card)
{
	struct strings *methods = &card->device->reset_methods;
	char text[ATTRIBUTE_SIZE], *rest = NULL;

	if (!card_text(card, "reset_method", text))
		return;
	card->device->present |= HAS_RESET_METHODS;
	for (char *word = strtok_r(text, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest))
		if (strings_add(methods, word) < 0)
			card->no_memory = true;
}

static void read_power(struct card *card)
{
	card->device->power_state = card_string(card, "power_state");
}

static void read_runtime_status(struct card *card)
{
	card->device->runtime_status = card_string(card, "power/runtime_status");
}

static void read_label(struct card *card)
{
	card->device->label = card_string(card, "label");
}

/* In this order: the index and the PF's interface want to know that it is a VF, the interfaces the driver, the link whether the
 * card sleeps, virtual GPUs again whether it is a VF. */
static const struct {
	unsigned details;
	void (*read)(struct card *card);
} READERS[] = {
	{DETAIL_DRIVER | DETAIL_INTERFACES, read_driver},
	{DETAIL_IOMMU_GROUP | DETAIL_GROUP_PEERS, read_iommu_group},
	{DETAIL_NUMA_NODE, read_numa_node},
	{DETAIL_REVISION, read_revision},
	{DETAIL_MODALIAS, read_modalias},
	{DETAIL_SRIOV, read_sriov},
	{DETAIL_VF_INDEX, read_vf_index},
	{DETAIL_INTERFACES, read_interfaces},
	{DETAIL_PF_INTERFACE, read_pf_interface},
	{DETAIL_RESET_METHODS, read_reset_methods},
	{DETAIL_POWER, read_power},
	{DETAIL_POWER | DETAIL_LINK, read_runtime_status},
	{DETAIL_LINK, read_link},
	{DETAIL_AER, read_aer},
	{DETAIL_LABEL, read_label},
	{DETAIL_VGPU, read_vgpu},
};

static int set_ancestors(struct pci_device *device, const char *path)
{
	struct pci_address addresses[64];
	size_t count = path_addresses(path, addresses, 64);

	if (count < 2 || count > 64) /* the last one is the card */
		return 0;
	device->ancestors = malloc((count - 1) * sizeof(*addresses));
	if (!device->ancestors)
		return -ENOMEM;
	memcpy(device->ancestors, addresses, (count - 1) * sizeof(*addresses));
	device->ancestor_count = count - 1;
	return 0;
}

/* Returns 1, 0 when the card isn't there any more, or -ENOMEM. DEVICES is the directory of all cards. */
static int read_card(const struct sysdir *devices, const char *name, struct card *card, unsigned wanted)
{
	char path[PATH_MAX];
	ssize_t length;
	int error;

	error = sysdir_open(devices, name, &card->dir);
	if (error < 0 && !is_absent(error)) {
		card->dir = (struct sysdir){.root = devices->root, .fd = -1};
		card_failed(card, name, strerror(-error));
	}
	for (size_t i = 0; error == 0 && i < sizeof(READERS) / sizeof(*READERS); i++)
		if (wanted & READERS[i].details)
			READERS[i].read(card);
	sysdir_close(&card->dir);
	if (card->no_memory)
		return -ENOMEM;

	/* last: what has been "not there" above is not worth much when the card itself isn't */
	length = sysdir_readlink(devices, name, path, sizeof(path));
	if (length == -ENOENT)
		return 0;
	if (length >= 0 && (wanted & DETAIL_ANCESTORS))
		error = set_ancestors(card->device, path);
	return error == -ENOMEM ? error : 1;
}

static void drop(struct inventory *inventory, size_t index)
{
	struct pci_device *device = &inventory->devices[index];

	inventory->selected -= device->selected;
	device_free_members(device);
	memmove(device, device + 1, (inventory->count - index - 1) * sizeof(*device));
	inventory->count--;
}

static int read_cards(const struct sysdir *devices, const struct log *log, unsigned wanted, unsigned others,
		      struct inventory *inventory)
{
	struct card card = {.log = log, .mdev_bus = {.fd = -1}};
	unsigned others_of_bridges = others & (DETAIL_DRIVER | DETAIL_IOMMU_GROUP);
	char name[ADDRESS_SIZE];
	int found = 0;

	if (wanted & DETAIL_VGPU)
		sysdir_open(sysroot_dir(devices->root), "sys/class/mdev_bus", &card.mdev_bus);

	for (size_t i = 0; i < inventory->count;) {
		unsigned details;

		card.device = &inventory->devices[i];
		details = card.device->selected ? wanted | others : others;
		if (!card.device->selected && !device_is_bridge(card.device))
			details &= ~others_of_bridges;
		if (details) {
			address_format(&card.device->address, name);
			found = read_card(devices, name, &card, details);
			if (found < 0)
				break;
			if (!found) {
				log_debug(log, "%s: taken away while it was read", name);
				drop(inventory, i);
				continue;
			}
			inventory->incomplete += card.device->incomplete;
		}
		i++;
	}
	device_free_members(&card.pf);
	sysdir_close(&card.mdev_bus);
	return found < 0 ? found : 0;
}

int details_read(struct sysroot *root, const struct log *log, unsigned wanted, unsigned others, struct inventory *inventory)
{
	_cleanup_sysdir_ struct sysdir devices = {.fd = -1};
	int error;

	others &= DETAIL_SRIOV | DETAIL_INTERFACES | DETAIL_DRIVER | DETAIL_IOMMU_GROUP;
	if (!others && (!inventory->selected || !(wanted & ~(unsigned)DETAIL_ANY_NAME)))
		return 0;
	error = sysdir_open(sysroot_dir(root), SCAN_DIRECTORY, &devices);
	if (error == 0)
		error = read_cards(&devices, log, wanted, others, inventory);
	if (error == 0 && (wanted & DETAIL_BLOCKS))
		error = read_blocks(root, log, inventory);
	if (error == 0 && (wanted & DETAIL_DRM))
		error = read_drm(root, log, inventory);
	if (error == 0 && (wanted & DETAIL_MDEVS))
		error = read_mdevs(root, log, inventory);
	if (error == 0 && (wanted & DETAIL_GROUP_PEERS))
		error = read_group_peers(root, log, inventory);
	if (error == 0 && (wanted & DETAIL_SLOT))
		error = read_slots(root, log, inventory);
	return error;
}
