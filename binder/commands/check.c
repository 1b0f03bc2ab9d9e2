/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind check. */
#include "binder/commands/bind.h"
#include "binder/commands/commands.h"

static enum outcome verdict(const struct job *job, size_t first)
{
	if (job->findings.no_memory)
		return OUTCOME_NONE;
	for (size_t i = first; i < job->findings.count; i++)
		if (hazard_is_blocking(&job->findings.items[i], job->options->allowed))
			return OUTCOME_REFUSED;
	return OUTCOME_POSSIBLE;
}

static int check_target(struct job *job, const struct pci_device *device,
			struct bind_report *report)
{
	size_t first = job->findings.count;
	struct driver_choice choice;

	if (driver_choose(job->root, job->log, device, job->options->driver, &choice) < 0)
		return BIND_USAGE;
	if (!bind_check_device(job, device, &choice))
		bind_report_add(report, device, NULL, verdict(job, first));
	else
		bind_report_add(report, device, NULL,
				job->findings.count > first ? OUTCOME_REFUSED : OUTCOME_ALREADY);
	return job_report_findings(job, first);
}

static int check_devices(struct job *job, struct bind_report *report)
{
	int status = job_add_targets(job, job->options->arguments, job->options->argument_count);

	job->view.open_disks = true;
	for (size_t i = 0; status != BIND_USAGE && i < job->targets.count; i++)
		status = bind_status_worse(status,
					   check_target(job, job->targets.items[i], report));
	/* without the journal a bind would fail */
	return bind_status_worse(status, job->journal_status);
}

int run_check(struct bind_options *options)
{
	return options->argument_count ? bind_report_run(options, false, check_devices)
				       : run_check_host(options);
}
