/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/hazard.h"

#include "binder/devices/group.h"
#include "binder/engine/change.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct hazard_row HAZARDS[HAZARD_COUNT] = {
	[HAZARD_BRIDGE] = {"bridge", GRADE_NEVER,
			   "bridges cannot be bound: the devices below would be lost"},
	[HAZARD_NO_IOMMU] =
		{"no-iommu", GRADE_NEVER,
		 "not in an IOMMU group; enable the IOMMU in firmware and kernel (run 'vfio-bind check')"},
	[HAZARD_HELD] = {"held", GRADE_NEVER,
			 "in use: shut the VM down first; otherwise the unbind blocks in the "
			 "kernel and cannot be interrupted"},
	[HAZARD_UNKNOWN] =
		{"unknown", GRADE_NEVER,
		 "not everything could be inspected that must be; run as root, or try again"},
	[HAZARD_VFS] = {"vfs", GRADE_NEVER,
			"virtual functions are enabled; disable them with 'vfio-bind vfs PF 0'"},
	[HAZARD_SYSTEM_DISK] = {"system-disk", GRADE_NEVER, "the system is installed on it"},
	[HAZARD_GROUP] =
		{"group", GRADE_NEVER,
		 "the devices of an IOMMU group can only be assigned together; --group includes all of them"},
	[HAZARD_MOUNTED] = {"mounted", GRADE_REFUSED,
			    "a file system on it is mounted; unmount it first"},
	[HAZARD_SWAP] = {"swap", GRADE_REFUSED, "it is used as swap space; run swapoff first"},
	[HAZARD_HOLDERS] =
		{"holders", GRADE_REFUSED,
		 "a disk is in use by LVM, RAID, dm-crypt, ZFS or the like; remove it there first"},
	[HAZARD_NET_UP] = {"net-up", GRADE_REFUSED,
			   "a network interface is up; run 'ip link set DEV down' first"},
	[HAZARD_ROUTE] = {"route", GRADE_REFUSED, "the host has routes over it"},
	[HAZARD_DEFAULT_ROUTE] = {"default-route", GRADE_REFUSED, "the default route goes over it"},
	[HAZARD_SSH] = {"ssh", GRADE_REFUSED, "your own connection goes over it"},
	[HAZARD_BOOT_VGA] = {"boot-vga", GRADE_REFUSED,
			     "it is the boot display; the host's console would be lost"},
	[HAZARD_CONSOLE] = {"console", GRADE_REFUSED, "the kernel console is on it"},
	[HAZARD_OPEN] = {"open", GRADE_REFUSED, "programs have it open; stop them first"},
	[HAZARD_CONSUMER] = {"consumer", GRADE_REFUSED, "another device depends on it; name both"},
	[HAZARD_NET_HIDDEN] = {"net-hidden", GRADE_WARNING,
			       "use in other network namespaces cannot be seen"},
	[HAZARD_NO_RESET] = {"no-reset", GRADE_WARNING,
			     "no reset method: state may leak from one VM to the next"},
};

void hazard_findings_free(struct hazard_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->items[i].text);
	free(findings->items);
	*findings = (struct hazard_findings){0};
}

static bool is_known(const struct hazard_findings *findings, const struct hazard_finding *finding)
{
	for (size_t i = 0; i < findings->count; i++)
		if (findings->items[i].hazard == finding->hazard &&
		    strcmp(findings->items[i].text, finding->text) == 0 &&
		    address_compare(&findings->items[i].address, &finding->address) == 0)
			return true;
	return false;
}

void hazard_findings_add(struct hazard_findings *findings, enum hazard hazard,
			 const struct pci_device *device, const char *format, ...)
{
	struct hazard_finding finding = {.hazard = hazard, .address = device->address}, *more;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&finding.text, format, args);
	va_end(args);
	if (length < 0) {
		findings->no_memory = true;
		return;
	}
	more = is_known(findings, &finding)
		       ? NULL
		       : realloc(findings->items, (findings->count + 1) * sizeof(*more));
	if (more) {
		findings->items = more;
		more[findings->count++] = finding;
		return;
	}
	findings->no_memory |= !is_known(findings, &finding);
	free(finding.text);
}

void hazard_free_view(struct hazard_view *view)
{
	holders_free(&view->holders);
	strings_free(&view->node_paths);
	vfio_nodes_free(&view->nodes);
}

/* ---- what the inventory alone tells ---- */

static bool find_holder(const struct pci_device *device, const struct pci_device *member,
			struct hazard_findings *findings)
{
	char address[ADDRESS_SIZE];

	if (member->ownership == OWNERSHIP_HELD && member->owner_count) {
		const struct owner *owner = &member->owners[0];

		hazard_findings_add(findings, HAZARD_HELD, device,
				    "%s is held by process %d (%s%s%s)",
				    address_format(&member->address, address), owner->pid,
				    owner->program ? owner->program : "?", owner->name ? ", " : "",
				    owner->name ? owner->name : "");
		return true;
	}
	if (member->ownership != OWNERSHIP_UNKNOWN)
		return false;
	hazard_findings_add(findings, HAZARD_UNKNOWN, device, "who has %s could not be found out",
			    address_format(&member->address, address));
	return true;
}

static void find_vfs(const struct pci_device *device, struct hazard_findings *findings)
{
	if (device->present & HAS_VIRTFN)
		hazard_findings_add(findings, HAZARD_VFS, device, "it has %u virtual functions",
				    device->present & HAS_VFS_ENABLED ? device->sriov.vfs_enabled
								      : 1);
}

static void find_peers(const struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings)
{
	char address[ADDRESS_SIZE];

	for (size_t i = 0; i < device->nonviable_peers.count; i++) {
		const struct pci_device *peer = group_find(view->inventory,
							   device->nonviable_peers.items[i]);

		if (!peer || targets_have(view->targets, peer))
			continue;
		hazard_findings_add(findings, HAZARD_GROUP, device,
				    "%s, of the same IOMMU group %u, is with %s",
				    address_format(&peer->address, address), device->iommu_group,
				    peer->driver ? peer->driver : "a driver");
	}
}

/* A link between devices: a GPU's audio function can't do without the GPU. */
static void find_consumers(const struct hazard_view *view, const struct pci_device *device,
			   struct hazard_findings *findings)
{
	static const char prefix[] = "consumer:pci:";
	_cleanup_closedir_ DIR *list = NULL;
	char path[DEVICE_PATH_SIZE];
	struct dirent *entry;

	if (sysdir_list(sysroot_dir(view->root), device_path(&device->address, ".", path), &list) <
	    0)
		return;
	while ((entry = sysdir_next(list))) {
		const struct pci_device *consumer;

		if (strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		consumer = group_find(view->inventory, entry->d_name + strlen(prefix));
		if (consumer && consumer->driver && !targets_have(view->targets, consumer))
			hazard_findings_add(findings, HAZARD_CONSUMER, device,
					    "%s (%s) depends on it", entry->d_name + strlen(prefix),
					    consumer->driver);
	}
}

static void find_no_reset(const struct hazard_view *view, const struct pci_device *device,
			  struct hazard_findings *findings)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	char path[DEVICE_PATH_SIZE];

	if ((device->present & HAS_RESET_METHODS) && device->reset_methods.count)
		return;
	/* kernels before 5.15 have no reset_method; a file reset they have of a device that can be
	 * reset */
	if (!(device->present & HAS_RESET_METHODS) &&
	    sysdir_open(sysroot_dir(view->root), device_path(&device->address, ".", path),
			&directory) == 0 &&
	    sysdir_has(&directory, "reset"))
		return;
	hazard_findings_add(findings, HAZARD_NO_RESET, device,
			    "the kernel knows no way to reset it by itself");
}

/* What the host makes of it, by a driver of its own. */
static void find_use(struct hazard_view *view, const struct pci_device *device,
		     struct hazard_findings *findings)
{
	if (!device->driver || driver_is_for_vms(device->driver))
		return;
	find_disks(view, device, findings);
	find_network(view, device, findings);
	find_display(view, device, findings);
	find_open_nodes(view, device, findings);
}

/* ---- all of it ---- */

void hazards_find(struct hazard_view *view, const struct pci_device *device,
		  struct hazard_findings *findings)
{
	if (device_is_bridge(device)) {
		hazard_findings_add(findings, HAZARD_BRIDGE, device, "it is a bridge");
		return;
	}
	if (!(device->present & HAS_IOMMU_GROUP))
		hazard_findings_add(findings, HAZARD_NO_IOMMU, device, "it has no IOMMU group");
	find_holder(device, device, findings);
	find_vfs(device, findings);
	find_peers(view, device, findings);
	find_consumers(view, device, findings);
	find_no_reset(view, device, findings);
	find_use(view, device, findings);
}

void hazards_find_loss(struct hazard_view *view, const struct pci_device *device,
		       struct hazard_findings *findings)
{
	if (!find_holder(device, device, findings))
		find_use(view, device, findings);
}

/* With a peer in a VM the group is the VM's: kernels before 5.19 end in a BUG when a native driver
 * gets a part of it. */
void hazards_find_release(struct hazard_view *view, const struct pci_device *device,
			  struct hazard_findings *findings)
{
	if (find_holder(device, device, findings))
		return;
	for (size_t i = 0; i < device->group_peers.count; i++) {
		const struct pci_device *peer = group_find(view->inventory,
							   device->group_peers.items[i]);

		if (peer && find_holder(device, peer, findings))
			return;
	}
}

bool hazard_is_blocking(const struct hazard_finding *finding, unsigned allowed)
{
	switch (HAZARDS[finding->hazard].grade) {
	case GRADE_NEVER:
		return true;
	case GRADE_REFUSED:
		return !(allowed & 1u << finding->hazard);
	case GRADE_WARNING:
		break;
	}
	return false;
}

static int parse_name(const char *name, size_t length, const struct log *log, unsigned *ret)
{
	for (unsigned i = 0; i < HAZARD_COUNT; i++) {
		if (strlen(HAZARDS[i].name) != length ||
		    strncmp(HAZARDS[i].name, name, length) != 0)
			continue;
		if (HAZARDS[i].grade == GRADE_NEVER) {
			log_error(log, "--allow %s: that is never allowed: %s", HAZARDS[i].name,
				  HAZARDS[i].help);
			return -EINVAL;
		}
		*ret |= 1u << i;
		return 0;
	}
	log_error(log, "--allow: unknown check '%.*s'; '--allow help' lists them", (int)length,
		  name);
	return -EINVAL;
}

int hazards_parse(const char *text, const struct log *log, unsigned *ret)
{
	unsigned allowed = 0;
	size_t length;
	int error = 0;

	for (const char *p = text; !error; p += length + 1) {
		length = strcspn(p, ",");
		error = parse_name(p, length, log, &allowed);
		if (!p[length])
			break;
	}
	if (!error)
		*ret = allowed;
	return error;
}
