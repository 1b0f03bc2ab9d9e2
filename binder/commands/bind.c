/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind bind, and each device for itself: vfio-bind DEV..., vfio-bind apply. */
#include "binder/commands/bind.h"

#include "binder/commands/commands.h"
#include "binder/devices/driver-choice.h"
#include "binder/engine/execute.h"
#include "probe/driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Of itself vfio-bind takes no device from one VFIO driver to give it to another. */
bool bind_is_done(const struct bind_options *options, const struct pci_device *device,
		  const struct driver_choice *choice)
{
	if (!device->driver)
		return false;
	return strcmp(options->driver, "auto") == 0 ? driver_is_vfio(device->driver)
						    : strcmp(device->driver, choice->driver) == 0;
}

static int set_wanted(struct change *change, const struct driver_choice *choice)
{
	change->module = strdup(choice->module);
	return change->module ? binding_set(&change->wanted, choice->driver, choice->driver)
			      : -ENOMEM;
}

static int plan_target(struct job *job, const struct pci_device *device, struct changes *changes)
{
	struct driver_choice choice;
	struct change *change;
	int status = job_check_pending(job, device);

	if (status != BIND_DONE)
		return status;
	if (driver_choose(job->root, job->log, device, job->options->driver, &choice) < 0)
		return BIND_USAGE;
	if (bind_is_done(job->options, device, &choice))
		return BIND_DONE;
	change = changes_add(changes, device);
	if (!change || set_wanted(change, &choice) < 0) {
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	return job_read(job, change);
}

/* The changes that give TARGETS their drivers; those that have them already need none. */
static int plan_targets(struct job *job, const struct targets *targets, struct changes *changes)
{
	int status = BIND_DONE;

	changes_free(changes);
	for (size_t i = 0; i < targets->count && status == BIND_DONE; i++)
		status = plan_target(job, targets->items[i], changes);
	return status;
}

/* ---- the drivers ---- */

static const struct change *find_missing(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].method == BIND_METHOD_NONE)
			return &changes->items[i];
	return NULL;
}

static int status_of_load(int error)
{
	switch (error) {
	case 0:
		return BIND_DONE;
	case -ETIMEDOUT:
		return BIND_TIMEOUT;
	case -EACCES:
	case -EPERM:
		return BIND_PERMISSION;
	default:
		return BIND_UNAVAILABLE;
	}
}

/* Loads what TARGETS need. Only then is it certain what their drivers are called, so they are
 * planned again. */
static int load_drivers(struct job *job, const struct targets *targets, struct changes *changes)
{
	const struct change *missing;
	char address[ADDRESS_SIZE];
	int status = BIND_DONE;

	if (job->options->dry_run)
		return BIND_DONE;
	for (size_t i = 0; i < changes->count && status == BIND_DONE; i++)
		if (changes->items[i].method == BIND_METHOD_NONE)
			status = status_of_load(
				execute_step(job->kernel, &changes->items[i],
					     &(struct step){.kind = STEP_LOAD,
							    .bytes = changes->items[i].module}));
	if (status == BIND_DONE)
		status = plan_targets(job, targets, changes);
	missing = status == BIND_DONE ? find_missing(changes) : NULL;
	if (!missing)
		return status;
	log_error(job->log, "%s: the module %s is loaded, but there is no driver %s",
		  address_format(&missing->address, address), missing->module,
		  missing->wanted.driver);
	return BIND_UNAVAILABLE;
}

/* ---- the devices ---- */

static struct change *find_change(const struct changes *changes, const struct pci_device *device)
{
	return journal_find(changes, &device->address, false);
}

/* Devices that are bound already are left as they are, whatever there is about them. */
static int judge(struct job *job, const struct changes *changes, const struct targets *targets)
{
	size_t first = job->findings.count;

	job->view.open_disks = true;
	for (size_t i = 0; i < targets->count; i++)
		if (find_change(changes, targets->items[i]))
			hazards_find(&job->view, targets->items[i], &job->findings);
	return job_judge(job, first);
}

static int give_node(struct job *job, const struct pci_device *device)
{
	const struct bind_options *options = job->options;
	char path[64], to[32];
	int error;

	snprintf(path, sizeof(path), "dev/vfio/%u", device->iommu_group);
	snprintf(to, sizeof(to), "%u:%u", options->user, options->user_group);
	error = plan_add(&job->plan, STEP_GIVE, 0, path, to);
	if (!error && !options->dry_run)
		error = job->kernel->give(job->kernel, path, options->user, options->user_group);
	if (error == 0)
		return BIND_DONE;
	log_error(job->log, "%s/%s: could not be given to its owner: %s", sysroot_path(job->root),
		  path, strerror(-error));
	return BIND_INCOMPLETE;
}

static int give_nodes(struct job *job, const struct targets *targets)
{
	int status = BIND_DONE;

	for (size_t i = 0; i < targets->count && job->options->user != (uid_t)-1; i++)
		status = bind_status_worse(status, give_node(job, targets->items[i]));
	return status;
}

int bind_targets(struct job *job, const struct targets *targets, struct bind_report *report)
{
	struct changes changes = {0};
	int status = plan_targets(job, targets, &changes);

	if (status == BIND_DONE)
		status = judge(job, &changes, targets);
	if (status == BIND_DONE && find_missing(&changes))
		status = load_drivers(job, targets, &changes);
	if (status == BIND_DONE)
		status = job_change(job, &changes);
	if (status == BIND_DONE)
		status = give_nodes(job, targets);
	for (size_t i = 0; i < targets->count; i++) {
		const struct change *change = find_change(&changes, targets->items[i]);

		bind_report_add(report, targets->items[i], change,
				job_outcome(job, change, status, OUTCOME_BOUND));
	}
	changes_free(&changes);
	return status;
}

static int bind(struct job *job, struct bind_report *report)
{
	int status = job_find(job, job->options->arguments, job->options->argument_count);

	return status == BIND_DONE ? bind_targets(job, &job->targets, report) : status;
}

int run_bind(struct bind_options *options)
{
	return bind_report_run(options, true, bind);
}
