/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The source proxmox: Proxmox VE's file of reservations, and its VM configurations.
 *
 * A line of the file is "ADDRESS VMID pid:PID" for a running VM, or "ADDRESS VMID time:SECONDS" for
 * a starting VM, valid until then. Lines of VMs that have ended stay in the file. Source:
 * qemu-server's PVE/QemuServer/PCI.pm.
 *
 * A VM configuration reserves its devices. Of a mapping's devices, a VM gets whichever is available
 * when it starts: all of them are reserved for it until it has one, since offering the others could
 * leave it without any. For a mediated device only that is reserved, not its parent; its UUID
 * contains the VM's id. */
#include "probe/ownership/process.h"
#include "probe/ownership/pve.h"
#include "probe/ownership/pvefiles.h"
#include "probe/ownership/sources.h"
#include "probe/sysfs/textfile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RESERVATIONS "run/qemu-server/pci-id-reservations"
#define RESERVATIONS_SIZE_MAX (64u << 10)

/* Whether CMDLINE, the contents of /proc/<pid>/cmdline, has the arguments "-id" and VMID. */
static bool is_vm(const char *cmdline, size_t length, const char *vmid)
{
	const char *end = cmdline + length;

	for (; cmdline < end; cmdline += strlen(cmdline) + 1)
		if (strcmp(cmdline, "-id") == 0 && cmdline + 4 < end)
			return strcmp(cmdline + 4, vmid) == 0;
	return false;
}

/* Whether the command line is that of the VM, or is truncated. */
static bool may_be_vm(const struct sysdir *process, const char *vmid)
{
	char *cmdline = malloc(VMM_CMDLINE_MAX);
	ssize_t length;
	bool result;

	if (!cmdline)
		return true;
	length = process_read_cmdline(process, true, cmdline);
	if (length < 0)
		result = !process_is_gone((int)length);
	else
		result = is_vm(cmdline, (size_t)length, vmid) || length == VMM_CMDLINE_MAX - 1;
	free(cmdline);
	return result;
}

/* The pid may have been reused, even by a process that a user has disguised as the VM. A process
 * that cannot be inspected counts as the VM. */
static bool may_be_running(const struct owner_search *search, const char *vmid, pid_t pid)
{
	_cleanup_sysdir_ struct sysdir process = {.fd = -1};
	struct process_users users;
	char path[32];
	int result;

	snprintf(path, sizeof(path), "proc/%d", pid);
	result = sysdir_open(sysroot_dir(search->root), path, &process);
	if (result < 0)
		return !process_is_gone(result);
	process_users_read(search->root, &users);
	result = process_is_trusted(&process, &users);
	if (result == 0 || process_is_gone(result))
		return false;
	/* reading this command line, too, might block */
	if (search->holders->error == -ETIMEDOUT)
		return true;
	return may_be_vm(&process, vmid);
}

static int claim_line(const struct owner_search *search, const char *line)
{
	char address_text[ADDRESS_SIZE], vmid[11], kind[5];
	unsigned long long number;
	struct pci_address address;
	struct claim claim = {.source = OWNER_PROXMOX, .vmid = vmid};
	struct pci_device *device;
	int end = 0;

	if (sscanf(line, "%15s %10[0-9] %4[a-z]:%18llu%n", address_text, vmid, kind, &number,
		   &end) != 4 ||
	    line[end] || address_parse(address_text, &address) < 0)
		return 0;
	device = inventory_find(search->inventory, &address);
	if (!device || !device->selected)
		return 0;
	if (strcmp(kind, "pid") == 0 && number <= INT32_MAX) {
		const struct holder *holder = holders_find(search->holders, (pid_t)number);

		if (!may_be_running(search, vmid, (pid_t)number))
			return 0;
		if (holder)
			claim = holder_claim(holder, OWNER_PROXMOX);
		claim.pid = (pid_t)number;
		claim.vmid = vmid;
		return device_claim(device, &claim);
	}
	claim.reserves = true;
	if (strcmp(kind, "time") == 0 &&
	    (long long)number > (long long)search->inventory->time.tv_sec)
		return device_claim(device, &claim);
	return 0;
}

static bool is_vm_of(const struct owner *owner, const char *vmid)
{
	return owner->frontend && strcmp(owner->frontend, "proxmox") == 0 &&
	       strcmp(owner->frontend_id, vmid) == 0;
}

/* Whether the VM uses DEVICE, or is being started with it. */
static bool is_assigned(const struct pci_device *device, const char *vmid)
{
	for (size_t i = 0; device && i < device->owner_count; i++)
		if (is_vm_of(&device->owners[i], vmid))
			return true;
	return false;
}

/* Returns function FUNCTION of the device, or NULL if NAMED doesn't include it. */
static struct pci_device *find_function(const struct owner_search *search,
					const struct pve_device *named, unsigned function)
{
	struct pci_address address = named->address;

	if (!named->every_function && function != address.function)
		return NULL;
	address.function = function & 7u;
	return inventory_find(search->inventory, &address);
}

static bool has_alternative(const struct owner_search *search, const struct pve_vm *vm,
			    const char *vmid)
{
	for (size_t i = 0; i < vm->device_count; i++) {
		const struct pve_device *named = &vm->devices[i];

		if (!named->is_alternative)
			continue;
		for (unsigned function = 0; function < 8; function++)
			if (is_assigned(find_function(search, named, function), vmid))
				return true;
	}
	return false;
}

/* Sets UUID to that of the mediated device of DEVICE that the VM gets, or to "" if it gets DEVICE
 * itself. Returns false if the mediated device already exists, with another parent. */
static bool find_mdev(const struct owner_search *search, const struct pve_device *named,
		      const char *vmid, const struct pci_device *device, char uuid[static 37])
{
	char path[sizeof(MDEV_DIRECTORY) + 37];
	struct stat status;

	*uuid = '\0';
	if (!named->is_mdev || (named->is_nvidia && device->vgpu_type))
		return true;
	if (!pve_mdev_uuid(named->index, vmid, uuid))
		return true;
	snprintf(path, sizeof(path), MDEV_DIRECTORY "/%s", uuid);
	return sysdir_stat(sysroot_dir(search->root), path, &status) < 0 ||
	       mdev_find_parent(search->root, search->inventory, uuid) == device;
}

static int claim_vm(const struct owner_search *search, const struct pve_vm *vm, const char *vmid)
{
	struct claim claim = {
		.source = OWNER_PROXMOX,
		.reserves = true,
		.vmid = vmid,
		.name = *vm->name ? vm->name : NULL,
		.uuid = *vm->uuid ? vm->uuid : NULL,
	};
	bool skip = has_alternative(search, vm, vmid);

	for (size_t i = 0; i < vm->device_count; i++) {
		const struct pve_device *named = &vm->devices[i];

		for (unsigned function = 0; function < 8; function++) {
			struct pci_device *device = find_function(search, named, function);
			char uuid[37];
			int error;

			if (!device || !device->selected || device_is_bridge(device))
				continue;
			if (named->is_alternative && skip && !is_assigned(device, vmid))
				continue;
			if (!find_mdev(search, named, vmid, device, uuid))
				continue;
			claim.mdev = *uuid ? uuid : NULL;
			error = device_claim(device, &claim);
			if (error < 0)
				return error;
		}
	}
	return 0;
}

static void set_failed(struct source_report *report, const char *path, int error)
{
	report->state = SOURCE_FAILED;
	snprintf(report->why, sizeof(report->why), "/%s: %s", path, strerror(-error));
}

static int claim_files(const struct owner_search *search, const struct pve_files *files,
		       struct source_report *report)
{
	char node[PVE_NODE_SIZE] = ""; /* matches none */
	const char *mappings = "";

	pve_node_name(search->inventory->host, node);
	for (size_t i = 0; i < files->count; i++)
		if (strcmp(files->items[i].name, "pci.cfg") == 0)
			mappings = files->items[i].text;
	for (size_t i = 0; i < files->count; i++) {
		const struct pve_file *file = &files->items[i];
		struct pve_vm vm;
		char vmid[16];
		int error;

		if (file->text == mappings)
			continue;
		error = pve_parse(file->text, mappings, node, &vm);
		if (error < 0)
			return error;
		if (vm.incomplete || strlen(file->text) != file->length) {
			report->state = SOURCE_FAILED;
			snprintf(report->why, sizeof(report->why),
				 "/etc/pve/qemu-server/%s: invalid hostpci line or mapping",
				 file->name);
		}
		snprintf(vmid, sizeof(vmid), "%.*s", (int)strcspn(file->name, "."), file->name);
		error = claim_vm(search, &vm, vmid);
		pve_vm_free(&vm);
		if (error < 0)
			return error;
	}
	return 0;
}

/* Returns 0, -ENOENT if there are no VM configurations, or -ENOMEM. */
static int claim_configurations(const struct owner_search *search, struct source_report *report)
{
	struct pve_files files = {0};
	int error = pve_files_read(search->root, &files);

	if (error == -ENOENT || error == -ENOMEM)
		return error;
	if (error < 0) {
		set_failed(report, "etc/pve/qemu-server", error);
		return 0;
	}
	error = claim_files(search, &files, report);
	pve_files_free(&files);
	return error;
}

/* Returns 0, -ENOENT if there is no file of reservations, or -ENOMEM. */
static int claim_reservations(const struct owner_search *search, struct source_report *report)
{
	char *text, *rest, *line;
	int error = textfile_read(search->root, RESERVATIONS, RESERVATIONS_SIZE_MAX, &text);

	if (error == -ENOENT || error == -ENOMEM)
		return error;
	if (error < 0) {
		set_failed(report, RESERVATIONS, error);
		return 0;
	}
	rest = text;
	while (!error && (line = strsep(&rest, "\n")))
		error = claim_line(search, line);
	free(text);
	return error;
}

/* Whether the VM is known from libvirt or from the cgroup, not only from a command line, which the
 * user of the process has chosen. */
static bool has_certain_vm(const struct owner *owner)
{
	return (owner->sources & OWNER_LIBVIRT) || owner->pod;
}

/* A held mediated device belongs to the VM whose id is in its UUID, whatever program holds it and
 * whatever its command line says: only root can have created it. */
static int claim_mdevs(const struct owner_search *search)
{
	_cleanup_sysdir_ struct sysdir run = {.fd = -1};

	/* on other hosts such a UUID has no meaning */
	if (sysdir_open(sysroot_dir(search->root), "run", &run) < 0 ||
	    !sysdir_has(&run, "qemu-server"))
		return 0;
	inventory_foreach(search->inventory, device)
		for (size_t i = 0; i < device->owner_count; i++) {
			const struct owner *owner = &device->owners[i];
			char vmid[11];
			struct claim claim = {.source = OWNER_PROXMOX,
					      .pid = owner->pid,
					      .mdev = owner->mdev,
					      .vmid = vmid,
					      .is_other_vm = owner->frontend};
			int error;

			if (!owner->pid || !owner->mdev || has_certain_vm(owner) ||
			    !pve_mdev_vmid(owner->mdev, vmid) || is_vm_of(owner, vmid))
				continue;
			error = device_claim(device, &claim);
			if (error < 0)
				return error;
		}
	return 0;
}

int proxmox_claim(const struct owner_search *search, struct source_report *report)
{
	int reservations, configurations, error = claim_mdevs(search);

	if (error < 0)
		return error;
	reservations = claim_reservations(search, report);
	if (reservations == -ENOMEM)
		return reservations;
	configurations = claim_configurations(search, report);
	if (configurations == -ENOMEM)
		return configurations;
	if (reservations == -ENOENT && configurations == -ENOENT)
		report->state = SOURCE_ABSENT;
	return 0;
}
