/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modprobe.d(5): ids for vfio-pci, and that it comes before the devices' own drivers. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/parts.h"
#include "probe/driver.h"

#include <errno.h>
#include <string.h>

static bool is_identical(const struct pci_device *a, const struct pci_device *b)
{
	return a->vendor == b->vendor && a->device == b->device;
}

/* A device that ids= would take along though nobody asked for it, or NULL. */
static const struct pci_device *find_bystander(const struct hostfile_job *job,
					       const struct pci_device *device)
{
	inventory_foreach(job->inventory, other) {
		bool asked_for = false;

		for (size_t i = 0; i < job->count; i++)
			asked_for = asked_for || job->devices[i].device == other;
		if (!asked_for && is_identical(device, other))
			return other;
	}
	return NULL;
}

static bool stood_before(const struct hostfile_job *job, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (is_identical(job->devices[i].device, job->devices[index].device))
			return true;
	return false;
}

/* Why a device can't be given by its ids, said in the file and to who asked. */
static void leave_out(const struct hostfile_job *job, const struct pci_device *device,
		      const char *why, FILE *out)
{
	fprintf(out, "# LEFT OUT: %04x:%04x, for %s. Use vfio-bind config udev for it.\n",
		device->vendor, device->device, why);
	log_warning(job->log,
		    "%04x:%04x is left out, for %s; 'vfio-bind config udev' goes by address",
		    device->vendor, device->device, why);
}

/* Whether the device can be given by its ids; otherwise it was left out. */
static bool check_device(const struct hostfile_job *job, const struct hostfile_device *device,
			 FILE *out)
{
	const struct pci_device *bystander = find_bystander(job, device->device);
	char why[ADDRESS_SIZE + 64], address[ADDRESS_SIZE];

	if (!module_name_equals(device->choice.module, "vfio_pci"))
		snprintf(why, sizeof(why), "only vfio-pci takes ids=");
	else if (bystander)
		snprintf(why, sizeof(why), "ids= would take %s too, which wasn't named",
			 address_format(&bystander->address, address));
	else
		return true;
	leave_out(job, device->device, why, out);
	return false;
}

static int write_ids(const struct hostfile_job *job, FILE *out)
{
	int status = BIND_DONE, error = 0;
	struct strings ids = {0};
	char id[10];

	for (size_t i = 0; i < job->count && !error; i++) {
		if (stood_before(job, i))
			continue;
		snprintf(id, sizeof(id), "%04x:%04x", job->devices[i].device->vendor,
			 job->devices[i].device->device);
		if (check_device(job, &job->devices[i], out))
			error = strings_add(&ids, id);
		else
			status = BIND_REFUSED;
	}
	for (size_t i = 0; i < ids.count && !error; i++)
		fprintf(out, "%s%s%s", i ? "," : "options vfio-pci ids=", ids.items[i],
			i + 1 < ids.count ? "" : "\n");
	strings_free(&ids);
	if (!error)
		return status;
	log_error(job->log, "out of memory");
	return BIND_FAILED;
}

/* Adds what puts the driver that DEVICE shall have before those that could take it. */
static int add_order(const struct hostfile_job *job, const struct hostfile_device *device,
		     struct strings *lines)
{
	struct strings natives = {0};
	char line[160];
	int error = device->device->modalias
			    ? kernelinfo_modules_for(job->kernel, device->device->modalias,
						     &natives)
			    : 0;

	for (size_t i = 0; i < natives.count && !error; i++) {
		snprintf(line, sizeof(line), "softdep %s pre: %s", natives.items[i],
			 device->choice.module);
		error = strings_has(lines, line) ? 0 : strings_add(lines, line);
	}
	strings_free(&natives);
	return error;
}

static int write_order(const struct hostfile_job *job, FILE *out)
{
	struct strings lines = {0};
	int error = 0;

	for (size_t i = 0; i < job->count && !error; i++)
		error = add_order(job, &job->devices[i], &lines);
	strings_sort(&lines);
	for (size_t i = 0; i < lines.count; i++)
		fprintf(out, "%s\n", lines.items[i]);
	strings_free(&lines);
	return error;
}

static void write_drivers(const struct hostfile_job *job, FILE *out)
{
	for (size_t i = 0; i < job->count; i++) {
		const char *driver = job->devices[i].device->driver;

		if (driver && !driver_is_vfio(driver) && !driver_is_stub(driver) &&
		    kernelinfo_module(job->kernel, driver) == MODULE_BUILTIN)
			fprintf(out,
				"# HAZARD: %s is built into the kernel: only vfio-bind apply moves that device.\n",
				driver);
	}
}

int write_modprobe(const struct hostfile_job *job, FILE *out)
{
	int status, error;

	fprintf(out,
		"# Put it there, then: %s, and reboot.\n"
		"# HAZARD: ids= takes every device of these ids, those that are plugged in later too.\n"
		"# By address: vfio-bind config udev.\n",
		initramfs_command(job->root));
	status = write_ids(job, out);
	write_drivers(job, out);
	error = write_order(job, out);
	if (error < 0) {
		log_error(
			job->log,
			"lib/modules/%s/modules.alias: %s: nobody can see which drivers could take the devices",
			job->kernel->release, strerror(-error));
		return BIND_FAILED;
	}
	return status;
}
