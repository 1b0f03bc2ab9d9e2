/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/commands/persist.h"

#include "binder/commands/bind.h"
#include "binder/hostfiles/persist.h"
#include "binder/status.h"
#include "probe/driver.h"

#include <errno.h>

/* The driver that the device had as a device of the host; NULL: none or unknown. */
static const char *find_host_driver(const struct job *job, const struct pci_device *device)
{
	const struct change *recorded = journal_find(&job->journal.changes, &device->address,
						     false);

	if (device->driver && !driver_is_for_vms(device->driver))
		return device->driver;
	return recorded && recorded->inode == device->inode ? recorded->origin.driver : NULL;
}

/* A driver that is built in binds the device before udev can set an override. */
static int check_host_driver(const struct job *job, const struct kernelinfo *kernel,
			     const struct pci_device *device)
{
	const char *driver = find_host_driver(job, device);
	char address[ADDRESS_SIZE];

	if (!driver || kernelinfo_module_state(kernel, driver) != MODULE_BUILTIN)
		return BIND_DONE;
	log_error(
		job->log,
		"%s: --persist is not possible: %s is built into the kernel and binds the device before udev runs; list the device in /etc/default/vfio-bind instead (see 'vfio-bind config service')",
		address_format(&device->address, address), driver);
	return BIND_REFUSED;
}

/* VFs appear later than other devices, often when their host driver is loaded. */
static void warn_of_vf(const struct job *job, const struct pci_device *device)
{
	char address[ADDRESS_SIZE], pf[ADDRESS_SIZE];

	if (!(device->present & HAS_PF))
		return;
	log_warning(
		job->log,
		"%s: is a virtual function: its host driver binds it first if it is loaded when the VFs are enabled; write 0 to /sys/bus/pci/devices/%s/sriov_drivers_autoprobe before",
		address_format(&device->address, address), address_format(&device->sriov.pf, pf));
}

static int check_host_drivers(const struct job *job, const struct targets *targets)
{
	struct kernelinfo kernel;
	int status = BIND_DONE;

	if (kernelinfo_read(job->root, &kernel) < 0) {
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	for (size_t i = 0; i < targets->count; i++)
		status = bind_status_worse(status,
					   check_host_driver(job, &kernel, targets->items[i]));
	for (size_t i = 0; i < targets->count && status == BIND_DONE; i++)
		warn_of_vf(job, targets->items[i]);
	kernelinfo_free(&kernel);
	return status;
}

static int status_of_error(int error)
{
	return error == -EEXIST ? BIND_REFUSED : bind_status_of_errno(error);
}

int persist_check_targets(struct job *job, const struct targets *targets)
{
	int status = BIND_DONE;

	if (!job->options->persist && !job->options->forget)
		return BIND_DONE;
	for (size_t i = 0; i < targets->count; i++)
		status = bind_status_worse(
			status, status_of_error(persist_check(job->root, job->log,
							      &targets->items[i]->address)));
	if (job->options->persist)
		status = bind_status_worse(status, check_host_drivers(job, targets));
	return status;
}

/* The driver that the device is bound to is bound at boot as well, not one that --driver auto would
 * choose now. */
static int write_target(struct job *job, const struct kernelinfo *kernel,
			const struct pci_device *device, struct bind_report *report)
{
	struct hostfile_target target = {.device = device};
	const struct hostfile_job file_job = {.root = job->root,
					      .log = job->log,
					      .kernel = kernel,
					      .inventory = job->inventory,
					      .targets = &target,
					      .target_count = 1,
					      .findings = &job->findings,
					      .allowed = job->options->allowed};
	const char *name = job->options->driver;
	char address[ADDRESS_SIZE];

	if (driver_choose(job->root, job->log, device, name, &target.choice) < 0)
		return BIND_USAGE;
	if (bind_is_done(job->options, device, &target.choice) &&
	    driver_choose(job->root, job->log, device, device->driver, &target.choice) < 0)
		return BIND_INCOMPLETE;
	if (persist_write(&file_job, job->options->dry_run, &report->files_written) == 0)
		return BIND_DONE;
	log_error(
		job->log,
		"%s: bound now, but the host driver may bind it at the next boot; repeat 'vfio-bind bind --persist'",
		address_format(&device->address, address));
	return BIND_INCOMPLETE;
}

int persist_write_targets(struct job *job, const struct targets *targets,
			  struct bind_report *report)
{
	struct kernelinfo kernel;
	int status = BIND_DONE;

	if (!job->options->persist)
		return BIND_DONE;
	if (kernelinfo_read(job->root, &kernel) < 0) {
		log_error(job->log, "out of memory");
		return BIND_INCOMPLETE;
	}
	for (size_t i = 0; i < targets->count; i++)
		status = bind_status_worse(status,
					   write_target(job, &kernel, targets->items[i], report));
	kernelinfo_free(&kernel);
	if (persist_concerns_initramfs(&report->files_written))
		report->initramfs_command = hostfile_initramfs_command(job->root);
	else if (status == BIND_DONE)
		log_warning(
			job->log,
			"this host has neither initramfs-tools nor dracut: if its initramfs contains a host driver of the devices, add the udev rules to it");
	return status;
}

static int remove_target(struct job *job, const struct pci_device *device,
			 struct bind_report *report)
{
	char address[ADDRESS_SIZE];

	if (persist_remove(job->root, job->log, &device->address, job->options->dry_run,
			   &report->files_removed) == 0)
		return BIND_DONE;
	log_error(job->log, "%s: released now, but may be bound to VFIO again at the next boot",
		  address_format(&device->address, address));
	return BIND_INCOMPLETE;
}

int persist_remove_targets(struct job *job, const struct targets *targets, int status,
			   struct bind_report *report)
{
	bool released = status == BIND_DONE;
	char address[ADDRESS_SIZE], path[PERSIST_PATH_SIZE];

	for (size_t i = 0; i < targets->count; i++) {
		const struct pci_device *device = targets->items[i];

		if (released && job->options->forget) {
			status = bind_status_worse(status, remove_target(job, device, report));
			continue;
		}
		if ((!released && !job->options->forget) || persist_is_set(job->root, device) != 1)
			continue;
		address_format(&device->address, address);
		log_warning(job->log,
			    released ? "%s: will be bound to VFIO again at the next boot by %s; "
				       "'vfio-bind release --forget' removes it"
				     : "%s: was not released, so %s is kept",
			    address, persist_rules_path(&device->address, path));
	}
	if (persist_concerns_initramfs(&report->files_removed))
		report->initramfs_command = hostfile_initramfs_command(job->root);
	return status;
}
