/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind bind. */
#include "binder/commands/bind.h"

#include "binder/commands/commands.h"
#include "binder/commands/persist.h"
#include "binder/devices/driver-choice.h"
#include "binder/engine/devicenodes.h"
#include "binder/engine/execute.h"
#include "probe/driver.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool bind_is_done(const struct bind_options *options, const struct pci_device *device,
		  const struct driver_choice *choice)
{
	if (!device->driver)
		return false;
	return strcmp(options->driver, "auto") == 0 ? driver_is_vfio(device->driver)
						    : strcmp(device->driver, choice->driver) == 0;
}

bool bind_check_device(struct job *job, const struct pci_device *device,
		       const struct driver_choice *choice)
{
	bool done = bind_is_done(job->options, device, choice);

	if (done)
		hazards_find_group(&job->view, device, &job->findings);
	else
		hazards_find(&job->view, device, &job->findings);
	return done;
}

static int set_wanted(struct change *change, const struct driver_choice *choice)
{
	int error = binding_set(&change->wanted, choice->driver, choice->driver);

	return error ? error : binding_set_module(&change->wanted, choice->module);
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

/* Replaces CHANGES by the changes for TARGETS. Targets that are bound already need none. */
static int plan_targets(struct job *job, const struct targets *targets, struct changes *changes)
{
	int status = BIND_DONE;

	changes_free(changes);
	for (size_t i = 0; i < targets->count && status == BIND_DONE; i++)
		status = plan_target(job, targets->items[i], changes);
	return status;
}

/* ---- modules ---- */

static const struct change *find_without_driver(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].method == BIND_METHOD_NONE)
			return &changes->items[i];
	return NULL;
}

static int load_module(struct job *job, const struct change *change)
{
	int status = bind_status_of_errno(
		execute_step(job->kernel, change,
			     &(struct step){.kind = STEP_LOAD, .bytes = change->wanted.module}));

	return status == BIND_FAILED ? BIND_UNAVAILABLE : status;
}

/* Plans TARGETS again after loading the modules, because only then the names of their drivers are
 * known. */
static int load_drivers(struct job *job, const struct targets *targets, struct changes *changes)
{
	const struct change *missing;
	char address[ADDRESS_SIZE];
	int status = BIND_DONE;

	if (job->options->dry_run)
		return BIND_DONE;
	for (size_t i = 0; i < changes->count && status == BIND_DONE; i++)
		if (changes->items[i].method == BIND_METHOD_NONE)
			status = load_module(job, &changes->items[i]);
	if (status == BIND_DONE)
		status = plan_targets(job, targets, changes);
	missing = status == BIND_DONE ? find_without_driver(changes) : NULL;
	if (!missing)
		return status;
	log_error(job->log, "%s: module %s is loaded, but provides no driver %s",
		  address_format(&missing->address, address), missing->wanted.module,
		  missing->wanted.driver);
	return BIND_UNAVAILABLE;
}

/* ---- devices ---- */

static struct change *find_change(const struct changes *changes, const struct pci_device *device)
{
	return journal_find(changes, &device->address, false);
}

/* Of a device that is bound already, only whether a VM can use its group. */
static int check_targets(struct job *job, const struct changes *changes,
			 const struct targets *targets)
{
	size_t first = job->findings.count;

	job->view.open_disks = true;
	for (size_t i = 0; i < targets->count; i++)
		if (find_change(changes, targets->items[i]))
			hazards_find(&job->view, targets->items[i], &job->findings);
		else
			hazards_find_group(&job->view, targets->items[i], &job->findings);
	return job_report_findings(job, first);
}

/* Reports devices whose former driver a release will not restore. */
static int report_origins(struct job *job, const struct targets *targets, struct changes *changes)
{
	for (size_t i = 0; i < targets->count; i++) {
		const struct change *recorded = job_find_recorded(job, targets->items[i]);
		struct change *change = find_change(changes, targets->items[i]);

		if (!change)
			continue;
		if (change_set_origin(change, recorded) < 0) {
			log_error(job->log, "out of memory");
			return BIND_FAILED;
		}
		job_report_origin(job, change, recorded, "a release will return it");
	}
	return BIND_DONE;
}

static int chown_node(struct job *job, const char *path)
{
	const struct bind_options *options = job->options;
	char owner[32];
	int error;

	snprintf(owner, sizeof(owner), "%u:%u", options->user, options->user_group);
	error = plan_add(&job->plan, STEP_CHOWN, 0, path, owner);
	if (!error && !options->dry_run)
		error = job->kernel->chown(job->kernel, path, options->user, options->user_group);
	if (error == 0)
		return BIND_DONE;
	log_error(job->log, "%s/%s: cannot change owner: %s", sysroot_path(job->root), path,
		  strerror(-error));
	return BIND_INCOMPLETE;
}

/* In a dry run the nodes do not exist yet: that of the group is shown. */
static int chown_device_nodes(struct job *job, const struct pci_device *device)
{
	struct strings nodes = {0};
	char group[16], path[32], address[ADDRESS_SIZE];
	int status = BIND_DONE, error;

	snprintf(group, sizeof(group), "%u", device->iommu_group);
	snprintf(path, sizeof(path), "dev/vfio/%s", group);
	error = device_nodes_list(job->root, &device->address, group, &nodes);
	if (!error && !nodes.count)
		error = strings_add(&nodes, path);
	if (error < 0) {
		log_error(job->log, "%s: cannot list its nodes in %s/dev/vfio: %s",
			  address_format(&device->address, address), sysroot_path(job->root),
			  strerror(-error));
		status = BIND_INCOMPLETE;
	}
	for (size_t i = 0; i < nodes.count; i++)
		status = bind_status_worse(status, chown_node(job, nodes.items[i]));
	strings_free(&nodes);
	return status;
}

static int chown_nodes(struct job *job, const struct targets *targets)
{
	int status = BIND_DONE;

	for (size_t i = 0; i < targets->count && job->options->user != (uid_t)-1; i++)
		status = bind_status_worse(status, chown_device_nodes(job, targets->items[i]));
	return status;
}

int bind_targets(struct job *job, const struct targets *targets, struct bind_report *report)
{
	struct changes changes = {0};
	int status = plan_targets(job, targets, &changes);

	if (status == BIND_DONE)
		status = check_targets(job, &changes, targets);
	if (status == BIND_DONE)
		status = persist_check_targets(job, targets);
	if (status == BIND_DONE && find_without_driver(&changes))
		status = load_drivers(job, targets, &changes);
	if (status == BIND_DONE)
		status = report_origins(job, targets, &changes);
	if (status == BIND_DONE)
		status = job_change(job, &changes);
	if (status == BIND_DONE)
		status = bind_status_worse(persist_write_targets(job, targets, report),
					   chown_nodes(job, targets));
	for (size_t i = 0; i < targets->count; i++) {
		const struct change *change = find_change(&changes, targets->items[i]);

		bind_report_add(report, targets->items[i], change,
				job_outcome(job, change, status, OUTCOME_BOUND));
	}
	changes_free(&changes);
	return status;
}

static int bind_all(struct job *job, struct bind_report *report)
{
	int status = job_add_targets(job, job->options->arguments, job->options->argument_count);

	return status == BIND_DONE ? bind_targets(job, &job->targets, report) : status;
}

int run_bind(struct bind_options *options)
{
	return bind_report_run(options, true, bind_all);
}
