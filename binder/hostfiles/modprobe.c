/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modprobe.d(5): ids= of vfio-pci, and softdeps that load it before the host drivers. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/writers.h"
#include "probe/driver.h"

#include <errno.h>
#include <string.h>

static bool same_ids(const struct pci_device *a, const struct pci_device *b)
{
	return a->vendor == b->vendor && a->device == b->device;
}

/* Returns a device with the ids of DEVICE that is not a target, or NULL. */
static const struct pci_device *find_other_match(const struct hostfile_job *job,
						 const struct pci_device *device)
{
	inventory_foreach(job->inventory, other) {
		bool is_target = false;

		for (size_t i = 0; i < job->target_count; i++)
			is_target = is_target || job->targets[i].device == other;
		if (!is_target && same_ids(device, other))
			return other;
	}
	return NULL;
}

/* Whether a target before INDEX has the same ids. */
static bool is_duplicate(const struct hostfile_job *job, size_t index)
{
	for (size_t i = 0; i < index; i++)
		if (same_ids(job->targets[i].device, job->targets[index].device))
			return true;
	return false;
}

/* Notes in the file and logs that DEVICE cannot be selected by its ids. */
static void skip_device(const struct hostfile_job *job, const struct pci_device *device,
			const char *reason, FILE *out)
{
	fprintf(out, "# SKIPPED: %04x:%04x: %s. Use 'vfio-bind config udev' for it.\n",
		device->vendor, device->device, reason);
	log_warning(job->log, "%04x:%04x skipped: %s; 'vfio-bind config udev' selects by address",
		    device->vendor, device->device, reason);
}

/* Whether TARGET can be selected by its ids. If not, it is skipped. */
static bool check_ids(const struct hostfile_job *job, const struct hostfile_target *target,
		      FILE *out)
{
	const struct pci_device *other = find_other_match(job, target->device);
	char reason[ADDRESS_SIZE + 64], address[ADDRESS_SIZE];

	if (!module_name_equals(target->choice.module, "vfio_pci"))
		snprintf(reason, sizeof(reason), "only vfio-pci supports ids=");
	else if (other)
		snprintf(reason, sizeof(reason), "ids= would also bind %s, which was not named",
			 address_format(&other->address, address));
	else
		return true;
	skip_device(job, target->device, reason, out);
	return false;
}

static int write_ids(const struct hostfile_job *job, FILE *out)
{
	int status = BIND_DONE, error = 0;
	struct strings ids = {0};
	char id[10];

	for (size_t i = 0; i < job->target_count && !error; i++) {
		if (is_duplicate(job, i))
			continue;
		snprintf(id, sizeof(id), "%04x:%04x", job->targets[i].device->vendor,
			 job->targets[i].device->device);
		if (check_ids(job, &job->targets[i], out))
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

/* Adds softdeps that load the target driver before every host driver of TARGET. */
static int add_softdeps(const struct hostfile_job *job, const struct hostfile_target *target,
			struct strings *lines)
{
	struct strings host_drivers = {0};
	char line[160];
	int error = target->device->modalias
			    ? kernelinfo_modules_by_alias(job->kernel, target->device->modalias,
							  &host_drivers)
			    : 0;

	for (size_t i = 0; i < host_drivers.count && !error; i++) {
		snprintf(line, sizeof(line), "softdep %s pre: %s", host_drivers.items[i],
			 target->choice.module);
		error = strings_has(lines, line) ? 0 : strings_add(lines, line);
	}
	strings_free(&host_drivers);
	return error;
}

static int write_softdeps(const struct hostfile_job *job, FILE *out)
{
	struct strings lines = {0};
	int error = 0;

	for (size_t i = 0; i < job->target_count && !error; i++)
		error = add_softdeps(job, &job->targets[i], &lines);
	strings_sort(&lines);
	if (lines.count)
		fputs("# Load the VFIO drivers before the host drivers of these devices.\n", out);
	for (size_t i = 0; i < lines.count; i++)
		fprintf(out, "%s\n", lines.items[i]);
	strings_free(&lines);
	return error;
}

static void write_builtin_drivers(const struct hostfile_job *job, FILE *out)
{
	for (size_t i = 0; i < job->target_count; i++) {
		const char *driver = job->targets[i].device->driver;

		if (driver && !driver_is_vfio(driver) && !driver_is_stub(driver) &&
		    kernelinfo_module_state(job->kernel, driver) == MODULE_BUILTIN)
			fprintf(out,
				"# WARNING: %s is built into the kernel and binds its device first; use 'vfio-bind apply' for it.\n",
				driver);
	}
}

int hostfile_write_modprobe(const struct hostfile_job *job, FILE *out)
{
	int status, error;

	fprintf(out,
		"# Install this file under the path above, run %s, and reboot.\n"
		"# WARNING: ids= binds every device with these ids, including devices added later.\n"
		"# 'vfio-bind config udev' selects devices by address instead.\n",
		hostfile_initramfs_command(job->root));
	status = write_ids(job, out);
	write_builtin_drivers(job, out);
	error = write_softdeps(job, out);
	if (error < 0) {
		log_error(
			job->log,
			"lib/modules/%s/modules.alias: %s: cannot determine the host drivers of the devices",
			job->kernel->release, strerror(-error));
		return BIND_FAILED;
	}
	return status;
}
