/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/ownership.h"

#include "probe/details/kin.h"
#include "probe/driver.h"
#include "probe/ownership/frontend.h"
#include "probe/ownership/holders.h"
#include "probe/scan.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *ownership_name(enum ownership ownership)
{
	static const char *const names[] = {
		[OWNERSHIP_UNKNOWN] = "unknown",
		[OWNERSHIP_FREE] = "free",
		[OWNERSHIP_HOST] = "host",
		[OWNERSHIP_HELD] = "held",
	};

	return names[ownership];
}

/* A VM could have it: nothing native does, and it is no bridge. */
static bool is_givable(const struct pci_device *device)
{
	if (device->class >> 8 == 0x06)
		return false;
	return !device->driver || driver_is_vfio(device->driver) || driver_is_stub(device->driver);
}

static bool group_has_node(struct sysroot *root, unsigned group)
{
	_cleanup_sysdir_ struct sysdir dev = {.fd = -1};
	char name[16];

	snprintf(name, sizeof(name), "%u", group);
	return sysdir_open(sysroot_dir(root), "dev/vfio", &dev) == 0 && sysdir_has(&dev, name);
}

/* Only such a card can be a VM's. One that was pulled out while a VM has it loses its driver, but not yet its group. */
static bool can_be_held(struct sysroot *root, const struct pci_device *device)
{
	if (device->driver)
		return driver_is_vfio(device->driver);
	return (device->present & HAS_IOMMU_GROUP) && group_has_node(root, device->iommu_group);
}

static bool has_mdevs(struct sysroot *root)
{
	_cleanup_closedir_ DIR *list = NULL;

	return sysdir_list(sysroot_dir(root), "sys/bus/mdev/devices", &list) == 0 && sysdir_next(list);
}

/* A host that gives no card to a VM is spared the walk through its processes. */
static bool must_look(struct sysroot *root, const struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (can_be_held(root, device))
			return true;
	return has_mdevs(root);
}

static char *copy(const char *text)
{
	return text && *text ? strdup(text) : NULL;
}

static bool is_claimed_by(const struct pci_device *device, const struct holder *holder)
{
	for (size_t i = 0; i < device->owner_count; i++)
		if (device->owners[i].pid == holder->pid)
			return true;
	return false;
}

static int add_owner(struct pci_device *device, const struct holder *holder, const struct vmm_device *given)
{
	const struct vmm *vmm = &holder->vmm;
	struct owner *more, *owner;

	if (is_claimed_by(device, holder))
		return 0;
	more = realloc(device->owners, (device->owner_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	device->owners = more;
	owner = &more[device->owner_count++];
	*owner = (struct owner){
		.source = holder->seen ? "vfio" : "cmdline",
		.pid = holder->pid,
		.started = holder->started,
		.program = copy(vmm->program),
		.name = copy(vmm->name),
		.uuid = copy(vmm->uuid),
		.guest_address = given ? copy(given->guest_address) : NULL,
		.mdev = given && given->is_mdev ? copy(given->mdev) : NULL,
	};
	owner->frontend = frontend_find(vmm->name, vmm->uuid, vmm->vmid, &owner->frontend_id);
	return 0;
}

/* The card that a mediated device is a part of: /sys/bus/mdev/devices/<uuid> leads through it. */
static struct pci_device *find_parent(struct sysroot *root, const struct inventory *inventory, const char *uuid)
{
	struct pci_address addresses[64];
	char path[64], target[PATH_MAX];
	size_t count;

	snprintf(path, sizeof(path), "sys/bus/mdev/devices/%s", uuid);
	if (strpbrk(uuid, "/.") || sysdir_readlink(sysroot_dir(root), path, target, sizeof(target)) < 0)
		return NULL;
	count = path_addresses(target, addresses, 64);
	return count && count <= 64 ? inventory_find(inventory, &addresses[count - 1]) : NULL;
}

static bool holds_group(const struct holder *holder, const struct pci_device *device)
{
	for (size_t i = 0; i < holder->group_count; i++)
		if ((device->present & HAS_IOMMU_GROUP) && holder->groups[i] == device->iommu_group)
			return true;
	return false;
}

/* Cards that the command line names. One that the process doesn't hold (any more) isn't its own, if that could be seen. */
static int claim_named(struct sysroot *root, const struct inventory *inventory, const struct holder *holder)
{
	int error = 0;

	for (size_t i = 0; i < holder->vmm.device_count && !error; i++) {
		const struct vmm_device *given = &holder->vmm.devices[i];
		struct pci_device *device = given->is_mdev ? find_parent(root, inventory, given->mdev) :
							     inventory_find(inventory, &given->address);

		if (!device || !device->selected || (!given->is_mdev && !is_givable(device)))
			continue;
		if (!given->is_mdev && holder->seen && !holder->device_count && !holds_group(holder, device))
			continue;
		error = add_owner(device, holder, given);
	}
	return error;
}

/* The card named need not be one that is selected, so its group is looked up. */
static bool names_card_of_group(struct sysroot *root, const struct vmm *vmm, unsigned group)
{
	char address[ADDRESS_SIZE], path[96], name[16];

	for (size_t i = 0; i < vmm->device_count; i++) {
		if (vmm->devices[i].is_mdev)
			continue;
		snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s/iommu_group",
			 address_format(&vmm->devices[i].address, address));
		if (sysdir_link_name(sysroot_dir(root), path, name, sizeof(name)) == 0 && strtoul(name, NULL, 10) == group)
			return true;
	}
	return false;
}

/* A group of which the command line names a card tells nothing of its other cards; any other, plugged in later or held by a
 * program that is no VMM, is held with all that is in it. */
static int claim_groups(struct sysroot *root, const struct inventory *inventory, const struct holder *holder)
{
	for (size_t i = 0; i < holder->group_count; i++) {
		if (names_card_of_group(root, &holder->vmm, holder->groups[i]))
			continue;
		inventory_foreach(inventory, device)
			if ((device->present & HAS_IOMMU_GROUP) && device->iommu_group == holder->groups[i] &&
			    is_givable(device) && add_owner(device, holder, NULL) < 0)
				return -ENOMEM;
	}
	return 0;
}

/* /dev/vfio/devices/vfio<n> is the very card: its directory has a vfio-dev/vfio<n>. */
static int claim_nodes(struct sysroot *root, const struct inventory *inventory, const struct holder *holder)
{
	char address[ADDRESS_SIZE], path[96];
	struct sysdir node;

	for (size_t i = 0; i < holder->device_count; i++)
		inventory_foreach(inventory, device) {
			if (!device->driver || !driver_is_vfio(device->driver))
				continue;
			snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s/vfio-dev/vfio%u",
				 address_format(&device->address, address), holder->devices[i]);
			if (sysdir_open(sysroot_dir(root), path, &node) < 0)
				continue;
			sysdir_close(&node);
			if (add_owner(device, holder, NULL) < 0)
				return -ENOMEM;
		}
	return 0;
}

enum sight {
	SAW_ALL,
	SAW_SOME,    /* what no VM can have is free all the same */
	SAW_NOTHING, /* a recording, which has no processes */
};

static void weigh(struct sysroot *root, struct inventory *inventory, enum sight sight)
{
	inventory_foreach(inventory, device) {
		device->present |= HAS_OWNERSHIP;
		if (device->owner_count)
			device->ownership = OWNERSHIP_HELD;
		else if (!is_givable(device))
			device->ownership = OWNERSHIP_HOST;
		else if (sight == SAW_ALL || (sight == SAW_SOME && !can_be_held(root, device)))
			device->ownership = OWNERSHIP_FREE;
		else
			device->ownership = OWNERSHIP_UNKNOWN;
	}
}

static bool is_recording(struct sysroot *root)
{
	struct sysdir first;

	if (sysroot_is_host(root))
		return false;
	if (sysdir_open(sysroot_dir(root), "proc/1", &first) < 0)
		return true;
	sysdir_close(&first);
	return false;
}

static int claim(struct sysroot *root, const struct inventory *inventory, const struct holders *holders)
{
	int error = 0;

	for (size_t i = 0; i < holders->count && !error; i++) {
		error = claim_named(root, inventory, &holders->items[i]);
		if (!error)
			error = claim_groups(root, inventory, &holders->items[i]);
		if (!error)
			error = claim_nodes(root, inventory, &holders->items[i]);
	}
	return error;
}

int ownership_read(struct sysroot *root, const struct log *log, struct inventory *inventory)
{
	struct holders holders = {0};
	int error;

	if (is_recording(root)) {
		weigh(root, inventory, SAW_NOTHING);
		return 0;
	}
	if (!must_look(root, inventory)) {
		weigh(root, inventory, SAW_ALL);
		return 0;
	}
	error = holders_read(root, &holders);
	if (!error) {
		inventory->unseen = holders.unseen;
		error = claim(root, inventory, &holders);
		holders_free(&holders);
	} else if (error != -ENOMEM) {
		log_warning(log, "%s/proc: %s; whether a VM has a card is not known", sysroot_path(root),
			    strerror(-error));
		weigh(root, inventory, SAW_SOME);
		return 0;
	}
	if (error < 0)
		return error;
	weigh(root, inventory, inventory->unseen ? SAW_SOME : SAW_ALL);
	return 0;
}
