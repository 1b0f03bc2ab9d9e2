/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind status */
#include "binder/devices/group.h"
#include "binder/report.h"
#include "binder/commands/commands.h"

#include <errno.h>

static int add_all(struct job *job)
{
	int error = 0;

	inventory_foreach(job->inventory, device)
		if (!error && !device_is_bridge(device))
			error = targets_add_device(&job->targets, device);
	return error ? STATUS_FAILED : STATUS_DONE;
}

/* Where the kernel doesn't tell what it was asked, the rest is shown all the same. */
static int add_device(struct job *job, struct report *report, const struct pci_device *device)
{
	struct changes changes = {0};
	struct change *change = changes_add(&changes, device);
	int error = change ? change_read(job->kernel, change) : -ENOMEM;

	report_add(report, device, error || change->is_gone ? NULL : change, OUTCOME_NONE);
	changes_free(&changes);
	if (error != -ENOMEM && !report->no_memory && !job->concerns.no_memory)
		return STATUS_DONE;
	log_error(job->log, "out of memory");
	return STATUS_FAILED;
}

int run_status(struct options *options)
{
	struct job job;
	struct report report = {.job = &job};
	bool named = options->argument_count > 0;
	int status = job_begin(&job, options, false);

	if (status == STATUS_DONE)
		status = named ? job_find(&job, options->arguments, options->argument_count) : add_all(&job);
	for (size_t i = 0; status == STATUS_DONE && i < job.targets.count; i++) {
		if (named || options->json)
			hazards_find(&job.view, job.targets.items[i], &job.concerns);
		status = add_device(&job, &report, job.targets.items[i]);
	}
	if (job.inventory)
		report_print_status(&report, named);
	report_free(&report);
	job_end(&job);
	return status;
}
