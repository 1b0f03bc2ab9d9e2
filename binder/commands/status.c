/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind status. */
#include "binder/commands/commands.h"
#include "binder/engine/state.h"
#include "binder/report.h"

#include <errno.h>

static int add_all(struct job *job)
{
	int error = 0;

	inventory_foreach(job->inventory, device)
		if (!error && !device_is_bridge(device))
			error = targets_add_device(&job->targets, device);
	if (!error)
		return BIND_DONE;
	log_error(job->log, "out of memory");
	return BIND_FAILED;
}

/* A device whose state cannot be read is shown as it is in the inventory. */
static void add_device(struct job *job, struct bind_report *report, const struct pci_device *device)
{
	struct changes changes = {0};
	struct change *change = changes_add(&changes, device);
	int error = change ? change_read(job->kernel, change) : -ENOMEM;

	bind_report_add(report, device, error || change->is_gone ? NULL : change, OUTCOME_NONE);
	report->no_memory |= error == -ENOMEM || job->findings.no_memory;
	changes_free(&changes);
}

int run_status(struct bind_options *options)
{
	struct job job;
	struct bind_report report = {.job = &job};
	bool named = options->argument_count > 0;
	int status = job_begin(&job, options, false);

	if (status == BIND_DONE)
		status = named ? job_add_targets(&job, options->arguments, options->argument_count)
			       : add_all(&job);
	for (size_t i = 0; status == BIND_DONE && i < job.targets.count; i++) {
		if (named || options->json)
			hazards_find(&job.view, job.targets.items[i], &job.findings);
		add_device(&job, &report, job.targets.items[i]);
	}
	status = bind_status_worse(status, job.journal_status);
	if (job.inventory)
		status = bind_report_print_status(&report, named, status);
	bind_report_free(&report);
	job_end(&job);
	return status;
}
