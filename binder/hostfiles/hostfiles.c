/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hostfiles/hostfiles.h"

#include "binder/hostfiles/parts.h"
#include "common/text.h"

#include <errno.h>
#include <string.h>

const struct hostfile HOSTFILES[] = {
	{"udev", UDEV_RULES, "rules that give the devices to VFIO, by address, when they appear",
	 "", write_udev},
	{"initramfs", "/etc/initramfs-tools/hooks/vfio-bind",
	 "hook that puts VFIO and those rules into the initramfs (Debian, Ubuntu)", "#!/bin/sh\n",
	 write_initramfs},
	{"dracut", "/etc/dracut.conf.d/vfio-bind.conf", "the same for dracut (Fedora, RHEL, SUSE)",
	 "", write_dracut},
	{"modprobe", "/etc/modprobe.d/vfio-bind.conf",
	 "options that give devices to vfio-pci by their ids, and the order of loading", "",
	 write_modprobe},
	{"kernel", "/etc/default/grub.d/vfio-bind.cfg", "parameters of the kernel, for GRUB", "",
	 write_kernel},
	{"qemu", "/etc/libvirt/qemu.conf", "lines that let libvirt's VMs open the devices' groups",
	 "", write_qemu},
};
const size_t HOSTFILE_COUNT = sizeof(HOSTFILES) / sizeof(*HOSTFILES);

const struct hostfile *hostfile_find(const char *name)
{
	for (size_t i = 0; i < HOSTFILE_COUNT; i++)
		if (strcmp(HOSTFILES[i].name, name) == 0)
			return &HOSTFILES[i];
	return NULL;
}

static bool has_directory(struct sysroot *root, const char *path)
{
	struct sysdir dir;

	if (sysdir_open(sysroot_dir(root), path, &dir) < 0)
		return false;
	sysdir_close(&dir);
	return true;
}

const char *initramfs_command(struct sysroot *root)
{
	if (has_directory(root, "etc/initramfs-tools"))
		return "update-initramfs -u";
	if (has_directory(root, "etc/dracut.conf.d"))
		return "dracut -f";
	if (has_directory(root, "etc/mkinitcpio.d"))
		return "mkinitcpio -P";
	return "update-initramfs -u, dracut -f or what else makes this host's initramfs";
}

static bool is_module(const struct kernelinfo *kernel, const char *name)
{
	enum module_state state = kernelinfo_module(kernel, name);

	if (strcmp(name, "vfio_virqfd") == 0) /* a part of vfio since 6.2 */
		return state == MODULE_AVAILABLE || state == MODULE_LOADED ||
		       (state == MODULE_UNKNOWN && !kernelinfo_is_at_least(kernel, 6, 2));
	return state != MODULE_BUILTIN;
}

int hostfile_modules(const struct hostfile_job *job, struct strings *ret)
{
	static const char *const modules[] = {"vfio", "vfio_iommu_type1", "vfio_virqfd"};
	int error = 0;

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules) && !error; i++)
		if (is_module(job->kernel, modules[i]))
			error = strings_add(ret, modules[i]);
	for (size_t i = 0; i < job->count && !error; i++) {
		const char *module = job->devices[i].choice.module;

		if (is_module(job->kernel, module) && !strings_has(ret, module))
			error = strings_add(ret, module);
	}
	return error;
}

/* The name stands in the middle, because a backslash at the end of a line would join the next to it
 * in modprobe.d. */
static void write_device(const struct pci_device *device, FILE *out)
{
	char address[ADDRESS_SIZE];

	fprintf(out, "# %s %04x:%04x ", address_format(&device->address, address), device->vendor,
		device->device);
	text_write_plain(out, device->device_name ? device->device_name : "unknown device");
	fputs(", driver ", out);
	text_write_plain(out, device->driver ? device->driver : "none");
	if (device->present & HAS_IOMMU_GROUP)
		fprintf(out, ", IOMMU group %u\n", device->iommu_group);
	else
		fputs(", no IOMMU group\n", out);
}

static bool is_asked_for(const struct hostfile_job *job, const char *address)
{
	char text[ADDRESS_SIZE];

	for (size_t i = 0; i < job->count; i++)
		if (strcmp(address_format(&job->devices[i].device->address, text), address) == 0)
			return true;
	return false;
}

/* Devices that must go with it. Those that are bridges or on vfio drivers already don't stand in
 * its way. */
static void write_peers(const struct hostfile_job *job, const struct pci_device *device, FILE *out)
{
	for (size_t i = 0; i < device->nonviable_peers.count; i++)
		if (!is_asked_for(job, device->nonviable_peers.items[i]))
			fprintf(out,
				"#   HAZARD: %s is in the same group, on a native driver. A VM has both or none: name it too.\n",
				device->nonviable_peers.items[i]);
}

int hostfile_write(const struct hostfile *file, const struct hostfile_job *job, FILE *out)
{
	char address[ADDRESS_SIZE];

	fprintf(out, "%s# %s\n# Made for this host and kernel %s by: vfio-bind config %s",
		file->first, file->path,
		*job->kernel->release ? job->kernel->release : "of unknown version", file->name);
	for (size_t i = 0; i < job->count; i++)
		fprintf(out, " %s", address_format(&job->devices[i].device->address, address));
	fputs("\n# Addresses can shift when hardware is added or taken out: make it anew then.\n#\n",
	      out);
	for (size_t i = 0; i < job->count; i++) {
		write_device(job->devices[i].device, out);
		write_peers(job, job->devices[i].device, out);
	}
	fputs("#\n", out);
	return file->write(job, out);
}
