/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source libvirt: claims of its domains. */
#include "probe/ownership/claim.h"
#include "probe/ownership/libvirt.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Only for running domains: libvirt itself reports a missing device when a domain is started. */
static void log_missing(const struct owner_search *search, const struct domain_device *used)
{
	char address[ADDRESS_SIZE];

	if (used->runs && !used->device.is_mdev &&
	    !inventory_find(search->inventory, &used->device.address))
		log_warning(search->log,
			    "%s: no such device (in use by the running libvirt domain '%s')",
			    address_format(&used->device.address, address),
			    used->name ? used->name : "");
}

/* With iommufd, libvirt's daemon opens the devices of a starting domain and passes the descriptors
 * to QEMU; until then the daemon holds them for the domain. Once QEMU has them, it is the owner,
 * since VM monitors are preferred among several holders. */
static const struct holder *find_daemon(const struct owner_search *search,
					const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++) {
		const struct holder *holder = holders_find(search->holders, device->owners[i].pid);
		const char *program = holder && holder->trusted ? holder->vmm.program : NULL;

		if (!program)
			continue;
		if (strcmp(program, "virtqemud") == 0 || strcmp(program, "libvirtd") == 0)
			return holder;
	}
	return NULL;
}

static int claim_device(const struct owner_search *search, const struct domain_device *used)
{
	const struct holder *daemon;
	struct claim claim = {
		.source = OWNER_LIBVIRT,
		.reserves = !used->runs,
		.name = used->name,
		.uuid = used->uuid,
		.frontend = used->frontend,
		.frontend_id = used->frontend_id,
		.guest_address = used->device.guest_address,
		.mdev = used->device.is_mdev ? used->device.mdev : NULL,
		/* those of the next start are not made yet */
		.mac = used->runs ? used->mac : NULL,
		.has_vlan = used->runs && used->has_vlan,
		.vlan = used->vlan,
	};
	struct pci_device *device =
		used->device.is_mdev
			? mdev_find_parent(search->root, search->inventory, used->device.mdev)
			: inventory_find(search->inventory, &used->device.address);

	if (!device)
		log_missing(search, used);
	if (!device || !device->selected)
		return 0;
	daemon = used->runs ? find_daemon(search, device) : NULL;
	claim.pid = daemon ? daemon->pid : 0;
	return device_claim(device, &claim);
}

int libvirt_claim(const struct owner_search *search, struct source_report *report)
{
	_Static_assert(sizeof(report->why) >= LIBVIRT_WHY_SIZE, "size of reasons");
	struct domain_devices devices = {0};
	int error = libvirt_read(search->root, search->libvirt_helper, &devices, report->why);

	if (error == -ENOENT)
		report->state = SOURCE_ABSENT;
	else if (!search->libvirt_helper) /* built without libvirt */
		report->state = SOURCE_OFF;
	else if (error < 0)
		report->state = SOURCE_FAILED;
	else if (devices.unread)
		report->state = SOURCE_PARTLY;
	for (size_t i = 0; i < devices.count && error >= 0; i++)
		error = claim_device(search, &devices.items[i]);
	domain_devices_free(&devices);
	return error == -ENOMEM ? error : 0;
}
