/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind check */
#include "binder/commands/bind.h"
#include "binder/commands/commands.h"

static enum outcome verdict(const struct job *job, size_t first)
{
	for (size_t i = first; i < job->concerns.count; i++)
		if (concern_refuses(&job->concerns.items[i], job->options->allowed))
			return OUTCOME_REFUSED;
	return OUTCOME_POSSIBLE;
}

static int check_target(struct job *job, const struct pci_device *device, struct report *report)
{
	size_t first = job->concerns.count;
	struct choice choice;

	if (choice_make(job->root, job->log, device, job->options->driver, &choice) < 0)
		return STATUS_USAGE;
	if (bind_is_done(job->options, device, &choice)) {
		report_add(report, device, NULL, OUTCOME_ALREADY);
		return STATUS_DONE;
	}
	hazards_find(&job->view, device, &job->concerns);
	report_add(report, device, NULL, verdict(job, first));
	return job_judge(job, first);
}

static int check_devices(struct job *job, struct report *report)
{
	int status = job_find(job, job->options->arguments, job->options->argument_count);

	job->view.ask_disks = true;
	for (size_t i = 0; status != STATUS_USAGE && i < job->targets.count; i++)
		status = status_worse(status, check_target(job, job->targets.items[i], report));
	return status;
}

int run_check(struct options *options)
{
	return options->argument_count ? report_run(options, false, check_devices) : run_check_host(options);
}
