/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hazards/hazard.h"

#include "binder/devices/group.h"
#include "binder/engine/devicepath.h"
#include "probe/driver.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct hazard_row HAZARDS[HAZARD_COUNT] = {
	[HAZARD_BRIDGE] = {"bridge", GRADE_NEVER,
			   "bridges cannot be bound: the devices behind them would be lost"},
	[HAZARD_NO_IOMMU] = {"no-iommu", GRADE_NEVER,
			     "enable the IOMMU in firmware and kernel (run 'vfio-bind check')"},
	[HAZARD_HELD] =
		{"held", GRADE_NEVER,
		 "in use: shut the VM down first; otherwise the unbind blocks in the kernel and cannot be interrupted"},
	[HAZARD_UNKNOWN] = {"unknown", GRADE_NEVER, "a check could not be completed"},
	[HAZARD_VFS] = {"vfs", GRADE_NEVER,
			"disable its virtual functions first with 'vfio-bind vfs PF 0'"},
	[HAZARD_SYSTEM_DISK] = {"system-disk", GRADE_NEVER, "the system is installed on it"},
	[HAZARD_GROUP] =
		{"group", GRADE_NEVER,
		 "all devices of an IOMMU group must be bound together; use --group to include them"},
	[HAZARD_WATCHDOG] =
		{"watchdog", GRADE_NEVER,
		 "the host could reboot: stop the program that feeds the watchdog so that it is disarmed"},
	[HAZARD_CONSOLE] =
		{"console", GRADE_NEVER,
		 "write N to /sys/class/tty/TTY/console first, or boot without its console="},
	[HAZARD_MOUNTED] = {"mounted", GRADE_REFUSED, "unmount its file systems first"},
	[HAZARD_SWAP] = {"swap", GRADE_REFUSED, "run swapoff on it first"},
	[HAZARD_HOLDERS] = {"holders", GRADE_REFUSED,
			    "remove the disk from LVM, RAID, dm-crypt, ZFS or similar first"},
	[HAZARD_EXPORTED] = {"exported", GRADE_REFUSED, "end its export to other hosts first"},
	[HAZARD_DATA] = {"data", GRADE_REFUSED, "a virtual machine could change or delete it"},
	[HAZARD_NET_UP] = {"net-up", GRADE_REFUSED, "run 'ip link set DEV down' first"},
	[HAZARD_ROUTE] = {"route", GRADE_REFUSED, "remove the routes first"},
	[HAZARD_DEFAULT_ROUTE] = {"default-route", GRADE_REFUSED,
				  "the host would lose its default route"},
	[HAZARD_SSH] = {"ssh", GRADE_REFUSED, "your own SSH connection would be lost"},
	[HAZARD_NET_DISK] = {"net-disk", GRADE_REFUSED,
			     "log out of the iSCSI target or disconnect the NVMe controller first"},
	[HAZARD_BOOT_VGA] = {"boot-vga", GRADE_REFUSED,
			     "it is the boot display: the host's console would be lost"},
	[HAZARD_VTCONSOLE] = {"vtconsole", GRADE_REFUSED,
			      "the host's virtual consoles would be lost"},
	[HAZARD_OPEN] = {"open", GRADE_REFUSED, "stop the programs that have it open first"},
	[HAZARD_CONSUMER] = {"consumer", GRADE_REFUSED,
			     "bind the device that depends on it as well"},
	[HAZARD_VF_SETTINGS] =
		{"vf-settings", GRADE_REFUSED,
		 "a change of the number of virtual functions removes all of them; restore this afterwards"},
	[HAZARD_RESERVED_REGION] = {"reserved-region", GRADE_REFUSED,
				    "no VM can use it: disable its use by the firmware first"},
	[HAZARD_NET_HIDDEN] = {"net-hidden", GRADE_REFUSED,
			       "return its interface to the network namespace of the host first"},
	[HAZARD_NO_RESET] = {"no-reset", GRADE_WARNING,
			     "no reset method: state may leak from one VM to the next"},
	[HAZARD_VF_TOKEN] = {"vf-token", GRADE_WARNING,
			     "VMs need the VF token of the PF's program: vf-token=UUID"},
	[HAZARD_D3COLD] =
		{"d3cold", GRADE_WARNING,
		 "its power can be cut while it is unused; some devices do not come back"},
};

void hazard_findings_free(struct hazard_findings *findings)
{
	for (size_t i = 0; i < findings->count; i++)
		free(findings->items[i].text);
	free(findings->items);
	*findings = (struct hazard_findings){0};
}

static bool has_finding(const struct hazard_findings *findings,
			const struct hazard_finding *finding)
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
	struct hazard_finding finding = {.hazard = hazard, .address = device->address}, *grown;
	va_list args;
	int length;

	va_start(args, format);
	length = vasprintf(&finding.text, format, args);
	va_end(args);
	if (length < 0) {
		findings->no_memory = true;
		return;
	}
	if (has_finding(findings, &finding)) {
		free(finding.text);
		return;
	}
	grown = realloc(findings->items, (findings->count + 1) * sizeof(*grown));
	if (!grown) {
		findings->no_memory = true;
		free(finding.text);
		return;
	}
	findings->items = grown;
	grown[findings->count++] = finding;
}

void hazard_view_free(struct hazard_view *view)
{
	hidden_interfaces_free(&view->hidden);
	holders_free(&view->holders);
	vfio_nodes_free(&view->nodes);
	mounts_free(&view->mounts);
	descendants_free(&view->descendants);
}

/* ---- what is below a device ---- */

static void read_descendants(struct hazard_view *view)
{
	if (view->has_descendants)
		return;
	view->has_descendants = true;
	view->descendants_error = descendants_read(view->root, &view->descendants);
}

static int add_name(struct strings *list, const char *name)
{
	return strings_has(list, name) ? 0 : strings_add(list, name);
}

static int add_descendants(struct hazard_view *view, const struct pci_device *device,
			   enum descendant_kind kind, struct strings *ret)
{
	int error = 0;

	read_descendants(view);
	for (size_t i = 0; i < view->descendants.count && !error; i++) {
		const struct descendant *descendant = &view->descendants.items[i];

		if (descendant->kind == kind && descendant_is_below(descendant, &device->address))
			error = add_name(ret, descendant->name);
	}
	return error;
}

int hazard_list_interfaces(struct hazard_view *view, const struct pci_device *device,
			   struct strings *ret)
{
	int error = 0;

	for (size_t i = 0; i < device->interface_count && !error; i++)
		error = add_name(ret, device->interfaces[i].name);
	return error ? error : add_descendants(view, device, DESCENDANT_INTERFACE, ret);
}

int hazard_list_blocks(struct hazard_view *view, const struct pci_device *device,
		       struct strings *ret)
{
	int error = 0;

	for (size_t i = 0; i < device->blocks.count && !error; i++)
		error = add_name(ret, device->blocks.items[i]);
	if (!error)
		error = add_descendants(view, device, DESCENDANT_BLOCK, ret);
	return error ? error : hazard_list_network_blocks(view, device, ret);
}

static void check_descendants(struct hazard_view *view, const struct pci_device *device,
			      struct hazard_findings *findings)
{
	read_descendants(view);
	if (view->descendants_error)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "what is below it could not be listed: %s",
				    strerror(-view->descendants_error));
}

/* ---- checks that need no more than the inventory and the device's directory ---- */

/* Adds a finding for DEVICE if MEMBER, DEVICE itself or another device of its group, is or may be
 * held. Returns whether it did. */
static bool check_held(const struct pci_device *device, const struct pci_device *member,
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
	hazard_findings_add(findings, HAZARD_UNKNOWN, device,
			    "cannot determine whether %s is in use",
			    address_format(&member->address, address));
	return true;
}

static bool is_below(const struct pci_device *device, const struct pci_device *parent)
{
	for (size_t i = 0; i < device->ancestor_count; i++)
		if (address_compare(&device->ancestors[i], &parent->address) == 0)
			return true;
	return false;
}

/* VFs disappear with their PF, and the devices behind a VMD with that. While a VM holds one of
 * them, that blocks in the kernel. */
static void check_dependent(const struct hazard_view *view, const struct pci_device *device,
			    struct hazard_findings *findings)
{
	if (device->present & HAS_VIRTFN)
		hazard_findings_add(
			findings, HAZARD_VFS, device, "virtual functions are enabled: %u",
			device->present & HAS_VFS_ENABLED ? device->sriov.vfs_enabled : 1);
	inventory_foreach(view->inventory, other)
		if (((other->present & HAS_PF) &&
		     address_compare(&other->sriov.pf, &device->address) == 0) ||
		    is_below(other, device))
			check_held(device, other, findings);
}

/* The kernel generates a token when vfio-pci is bound to the PF, and the program that uses the PF
 * can set another one; without it, a VF that vfio-pci enabled cannot be opened (Linux 5.7,
 * drivers/vfio/pci/vfio_pci_core.c, vfio_pci_validate_vf_token). */
static void check_token(const struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings)
{
	const struct pci_device *pf = device->present & HAS_PF
					      ? inventory_find(view->inventory, &device->sriov.pf)
					      : NULL;
	char address[ADDRESS_SIZE], pf_address[ADDRESS_SIZE];

	if (!pf || !pf->driver || !driver_is_vfio(pf->driver))
		return;
	hazard_findings_add(
		findings, HAZARD_VF_TOKEN, device,
		"its PF %s is bound to %s: a VM can use it only with the VF token that the program with the PF has set (QEMU: -device vfio-pci,host=%s,vf-token=UUID)",
		address_format(&pf->address, pf_address), pf->driver,
		address_format(&device->address, address));
}

void hazards_find_group(const struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings)
{
	char address[ADDRESS_SIZE];

	check_token(view, device, findings);
	for (size_t i = 0; i < device->nonviable_peers.count; i++) {
		const struct pci_device *peer = group_find(view->inventory,
							   device->nonviable_peers.items[i]);

		if (!peer || targets_have(view->targets, peer))
			continue;
		hazard_findings_add(findings, HAZARD_GROUP, device,
				    "%s in the same IOMMU group (%u) is bound to %s",
				    address_format(&peer->address, address), device->iommu_group,
				    peer->driver ? peer->driver : "a driver");
	}
}

/* Device links: for example, a GPU's audio function depends on the GPU. */
static void check_consumers(const struct hazard_view *view, const struct pci_device *device,
			    struct hazard_findings *findings)
{
	static const char prefix[] = "consumer:pci:";
	_cleanup_closedir_ DIR *list = NULL;
	char path[DEVICE_PATH_SIZE];
	struct dirent *entry;
	int error = sysdir_list(sysroot_dir(view->root), device_path(&device->address, ".", path),
				&list);

	if (error < 0 && error != -ENOENT)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "the devices that depend on it could not be listed: %s",
				    strerror(-error));
	while (!error && (entry = sysdir_next(list))) {
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

static void check_reset(const struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings)
{
	_cleanup_sysdir_ struct sysdir directory = {.fd = -1};
	char path[DEVICE_PATH_SIZE];

	if ((device->present & HAS_RESET_METHODS) && device->reset_methods.count)
		return;
	/* Linux before 5.15 has no reset_method; there, a resettable device has a file "reset" */
	if (!(device->present & HAS_RESET_METHODS) &&
	    sysdir_open(sysroot_dir(view->root), device_path(&device->address, ".", path),
			&directory) == 0 &&
	    sysdir_has(&directory, "reset"))
		return;
	hazard_findings_add(findings, HAZARD_NO_RESET, device,
			    "the kernel has no method to reset it");
}

/* VFIO refuses to attach a device whose group has memory that the firmware requires to be mapped
 * one to one, as by RMRRs. "direct-relaxable" is not required
 * (Documentation/ABI/testing/sysfs-kernel-iommu_groups).
 */
static void check_reserved_regions(const struct hazard_view *view, const struct pci_device *device,
				   struct hazard_findings *findings)
{
	char path[64], text[ATTRIBUTE_SIZE], *rest = NULL;
	ssize_t length;

	if (!(device->present & HAS_IOMMU_GROUP))
		return;
	snprintf(path, sizeof(path), "sys/kernel/iommu_groups/%u/reserved_regions",
		 device->iommu_group);
	length = sysdir_read(sysroot_dir(view->root), path, text, sizeof(text));
	if (length < 0 && length != -ENOENT)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device, "/%s: %s", path,
				    strerror((int)-length));
	if (length < 0)
		return;
	for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char first[32], last[32], kind[32];

		if (sscanf(line, "%31s %31s %31s", first, last, kind) != 3 ||
		    strcmp(kind, "direct") != 0)
			continue;
		hazard_findings_add(findings, HAZARD_RESERVED_REGION, device,
				    "the firmware uses it for the memory %s-%s", first, last);
		return;
	}
}

static void check_ssh_error(const struct hazard_view *view, const struct pci_device *device,
			    struct hazard_findings *findings)
{
	if (view->ssh_error && (device->interface_count || device->class >> 8 == 0x02))
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "cannot determine your SSH connection: %s",
				    strerror(-view->ssh_error));
}

/* Use by the host, through a host driver; a display also without one, by simpledrm or efifb. */
static void check_host_use(struct hazard_view *view, const struct pci_device *device,
			   struct hazard_findings *findings)
{
	if (device->driver && driver_is_for_vms(device->driver))
		return;
	check_descendants(view, device, findings);
	hazard_find_display(view, device, findings);
	hazard_find_open_nodes(view, device, findings);
	if (!device->driver)
		return;
	check_ssh_error(view, device, findings);
	hazard_find_disks(view, device, findings);
	hazard_find_shared_folders(view, device, findings);
	hazard_find_network(view, device, findings);
}

/* The checks take what the inventory lacks for absent. */
static void check_incomplete(const struct pci_device *device, struct hazard_findings *findings)
{
	if (device->incomplete)
		hazard_findings_add(findings, HAZARD_UNKNOWN, device,
				    "not all of its attributes could be read");
}

void hazards_find(struct hazard_view *view, const struct pci_device *device,
		  struct hazard_findings *findings)
{
	if (device_is_bridge(device)) {
		hazard_findings_add(findings, HAZARD_BRIDGE, device, "device is a bridge");
		return;
	}
	if (!(device->present & HAS_IOMMU_GROUP))
		hazard_findings_add(findings, HAZARD_NO_IOMMU, device,
				    "device is not in an IOMMU group");
	check_incomplete(device, findings);
	check_held(device, device, findings);
	check_dependent(view, device, findings);
	hazards_find_group(view, device, findings);
	check_reserved_regions(view, device, findings);
	check_consumers(view, device, findings);
	check_reset(view, device, findings);
	hazard_find_power(view, device, findings);
	check_host_use(view, device, findings);
}

void hazards_find_removal(struct hazard_view *view, const struct pci_device *device,
			  struct hazard_findings *findings)
{
	check_incomplete(device, findings);
	if (!check_held(device, device, findings))
		check_host_use(view, device, findings);
}

/* A VM that is assigned the VF expects the settings that it has. */
void hazards_find_reset(struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings)
{
	char address[ADDRESS_SIZE];

	if (device->ownership == OWNERSHIP_RESERVED && device->owner_count)
		hazard_findings_add(findings, HAZARD_HELD, device, "%s is assigned to the VM '%s'",
				    address_format(&device->address, address),
				    device->owners[0].name ? device->owners[0].name : "?");
	hazards_find_removal(view, device, findings);
}

/* While a VM holds any device of the group, none may be bound to a host driver: Linux before 5.19
 * hits a BUG. */
void hazards_find_release(struct hazard_view *view, const struct pci_device *device,
			  struct hazard_findings *findings)
{
	check_dependent(view, device, findings);
	if (check_held(device, device, findings))
		return;
	for (size_t i = 0; i < device->group_peers.count; i++) {
		const struct pci_device *peer = group_find(view->inventory,
							   device->group_peers.items[i]);

		if (peer && check_held(device, peer, findings))
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
			log_error(log, "--allow %s: this check cannot be overridden: %s",
				  HAZARDS[i].name, HAZARDS[i].help);
			return -EINVAL;
		}
		*ret |= 1u << i;
		return 0;
	}
	log_error(log, "--allow: unknown check '%.*s'; '--allow help' lists them", (int)length,
		  name);
	return -EINVAL;
}

int hazards_parse(const char *list, const struct log *log, unsigned *ret)
{
	unsigned allowed = 0;
	size_t length;
	int error = 0;

	for (const char *p = list; !error; p += length + 1) {
		length = strcspn(p, ",");
		error = parse_name(p, length, log, &allowed);
		if (!p[length])
			break;
	}
	if (!error)
		*ret = allowed;
	return error;
}
