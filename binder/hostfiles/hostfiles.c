/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/hostfiles/hostfiles.h"

#include "binder/hostfiles/persist.h"
#include "binder/hostfiles/writers.h"
#include "common/text.h"

#include <errno.h>
#include <string.h>

const struct hostfile HOSTFILES[] = {
	{"service", "/etc/default/vfio-bind",
	 "the devices that vfio-bind.service binds at boot, by path and ids", "", true,
	 hostfile_write_service},
	{"udev", UDEV_RULES,
	 "udev rules that bind the devices to VFIO, by address, when they appear", "", true,
	 hostfile_write_udev},
	{"initramfs", "/etc/initramfs-tools/hooks/vfio-bind",
	 "hook that adds VFIO and the udev rules to the initramfs (Debian, Ubuntu)", "#!/bin/sh\n",
	 true, hostfile_write_initramfs},
	{"dracut", "/etc/dracut.conf.d/vfio-bind.conf", "the same for dracut (Fedora, RHEL, SUSE)",
	 "", true, hostfile_write_dracut},
	{"modprobe", "/etc/modprobe.d/vfio-bind.conf",
	 "module options that bind devices to vfio-pci by ids, and the load order", "", true,
	 hostfile_write_modprobe},
	{"kernel", "/etc/default/grub.d/vfio-bind.cfg",
	 "kernel parameters that enable the IOMMU, for GRUB", "", false, hostfile_write_kernel},
	{"qemu", "/etc/libvirt/qemu.conf",
	 "setting that lets VMs of libvirt open the devices' IOMMU groups", "", false,
	 hostfile_write_qemu},
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

const char *hostfile_initramfs_command(struct sysroot *root)
{
	if (has_directory(root, "etc/initramfs-tools"))
		return "update-initramfs -u";
	if (has_directory(root, "etc/dracut.conf.d"))
		return "dracut -f";
	if (has_directory(root, "etc/mkinitcpio.d"))
		return "mkinitcpio -P";
	return "update-initramfs -u, dracut -f or the equivalent of this distribution";
}

/* Whether NAME has to be loaded as a module. */
static bool needs_loading(const struct kernelinfo *kernel, const char *name)
{
	enum module_state state = kernelinfo_module_state(kernel, name);

	if (strcmp(name, "vfio_virqfd") == 0) /* part of vfio since Linux 6.2 */
		return state == MODULE_AVAILABLE || state == MODULE_LOADED ||
		       (state == MODULE_UNKNOWN && !kernelinfo_is_at_least(kernel, 6, 2));
	return state != MODULE_BUILTIN;
}

int hostfile_modules(const struct hostfile_job *job, struct strings *ret)
{
	static const char *const modules[] = {"vfio", "vfio_iommu_type1", "vfio_virqfd"};
	int error = 0;

	for (size_t i = 0; i < sizeof(modules) / sizeof(*modules) && !error; i++)
		if (needs_loading(job->kernel, modules[i]))
			error = strings_add(ret, modules[i]);
	for (size_t i = 0; i < job->target_count && !error; i++) {
		const char *module = job->targets[i].choice.module;

		if (needs_loading(job->kernel, module) && !strings_has(ret, module))
			error = strings_add(ret, module);
	}
	return error;
}

/* The name must not end the line: in modprobe.d a backslash there would join the next line. */
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

/* The name of the check ends the line: see write_device. */
static void write_finding(const struct hostfile_job *job, const struct hazard_finding *finding,
			  FILE *out)
{
	const struct hazard_row *row = &HAZARDS[finding->hazard];

	fputs(hazard_is_blocking(finding, job->allowed)
		      ? "#   WARNING: 'vfio-bind bind' refuses this device: "
		      : "#   WARNING: ",
	      out);
	text_write_plain(out, finding->text);
	fprintf(out, "; %s (%s)\n", row->help, row->name);
}

static void write_findings(const struct hostfile_job *job, const struct pci_device *device,
			   FILE *out)
{
	for (size_t i = 0; job->findings && i < job->findings->count; i++)
		if (address_compare(&job->findings->items[i].address, &device->address) == 0)
			write_finding(job, &job->findings->items[i], out);
}

const char *hostfile_rules(const struct hostfile_job *job)
{
	return job->rules_path ? job->rules_path : UDEV_RULES;
}

int hostfile_write(const struct hostfile *file, const struct hostfile_job *job, FILE *out)
{
	char address[ADDRESS_SIZE];

	fprintf(out, "%s# %s\n", file->first_line, job->path ? job->path : file->path);
	if (job->path)
		fputs(PERSIST_MARK "\n", out);
	fprintf(out, "# Generated for kernel %s by: vfio-bind %s%s",
		*job->kernel->release ? job->kernel->release : "(unknown version)",
		job->path ? "bind --persist" : "config ", job->path ? "" : file->name);
	for (size_t i = 0; i < job->target_count; i++)
		fprintf(out, " %s", address_format(&job->targets[i].device->address, address));
	fputs("\n", out);
	if (file->write != hostfile_write_service) /* it has paths instead */
		fputs("# Addresses can change when hardware is added or removed: regenerate this file then.\n",
		      out);
	fputs("#\n", out);
	for (size_t i = 0; i < job->target_count; i++) {
		write_device(job->targets[i].device, out);
		write_findings(job, job->targets[i].device, out);
	}
	fputs("#\n", out);
	return file->write(job, out);
}
