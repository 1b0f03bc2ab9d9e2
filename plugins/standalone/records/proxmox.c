/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Proxmox VE's VM configurations: those of this node, or copies with their names. */
#include "plugins/standalone/records/records.h"
#include "probe/ownership/pve.h"
#include "probe/ownership/pvefiles.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int add_device(struct records *records, const struct pve_vm *vm, const char *vmid,
		      const struct pve_device *device)
{
	char item[24], mdev[37];
	struct record record = {
		.has_address = true,
		.address = device->address,
		.every_function = device->every_function,
		.is_alternative = device->is_alternative,
		.use = RECORD_CONFIGURED,
		.vm_id = vmid,
		.vm_name = vm->name,
		.vm_uuid = vm->uuid,
		.item = item,
	};

	snprintf(item, sizeof(item), "hostpci%u", device->index);
	if (device->is_mdev && pve_mdev_uuid(device->index, vmid, mdev))
		record.mdev = mdev;
	return records_add(records, &record);
}

/* NAME is that of the file: "105.conf". */
static int add_vm(struct records *records, const struct log *log, const char *name,
		  const char *text, size_t length, const char *mappings, const char *node)
{
	size_t digits = strspn(name, "0123456789");
	char vmid[16];
	struct pve_vm vm;
	int error;

	if (!digits || digits > 10 || strcmp(name + digits, ".conf") != 0) {
		log_error(log, "%s: expected the name of a VM configuration, e.g. 105.conf", name);
		return -EINVAL;
	}
	snprintf(vmid, sizeof(vmid), "%.*s", (int)digits, name);
	error = pve_parse(text, mappings, node, &vm);
	if (error < 0)
		return error;
	if (vm.incomplete || strlen(text) != length) {
		records->invalid++;
		log_warning(log, "%s: invalid hostpci line or mapping", name);
	}
	for (size_t i = 0; i < vm.device_count && !error; i++)
		error = add_device(records, &vm, vmid, &vm.devices[i]);
	pve_vm_free(&vm);
	return error;
}

static void shorten(const char *host, char node[static 65])
{
	snprintf(node, 65, "%.*s", (int)strcspn(host, "."), host);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int proxmox_records_parse(struct records *records, const struct record_file *files, size_t count,
			  const char *host)
{
	const char *mappings = "";
	char node[65];

	shorten(host, node);
	for (size_t i = 0; i < count; i++)
		if (strcmp(base_name(files[i].file.path), "pci.cfg") == 0)
			mappings = files[i].text;
	for (size_t i = 0; i < count; i++) {
		const struct record_file *file = &files[i];
		int error;

		if (file->text == mappings)
			continue;
		error = add_vm(records, &file->file.log, base_name(file->file.path), file->text,
			       file->length, mappings, node);
		if (error == -ENOMEM || error == -EFBIG)
			log_error(&file->file.log, "%s: %s", file->file.path, strerror(-error));
		if (error < 0)
			return error;
	}
	return 0;
}

int proxmox_records_read(struct records *records, struct sysroot *root, const char *host,
			 const struct log *log)
{
	struct pve_files files = {0};
	const char *mappings = "";
	char node[65];
	int error = pve_files_read(root, &files);

	if (error < 0) {
		log_error(log, "%s/etc/pve/qemu-server: %s", sysroot_path(root), strerror(-error));
		return error;
	}
	shorten(host, node);
	for (size_t i = 0; i < files.count; i++)
		if (strcmp(files.items[i].name, "pci.cfg") == 0)
			mappings = files.items[i].text;
	for (size_t i = 0; i < files.count && !error; i++)
		if (files.items[i].text != mappings)
			error = add_vm(records, log, files.items[i].name, files.items[i].text,
				       files.items[i].length, mappings, node);
	pve_files_free(&files);
	if (error == -ENOMEM || error == -EFBIG)
		log_error(log, "%s", strerror(-error));
	return error;
}
