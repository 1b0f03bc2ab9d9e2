/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind release. */
#include "binder/commands/commands.h"
#include "binder/commands/persist.h"
#include "binder/report.h"

/* The former binding in the journal, else the driver that the kernel chooses. Returns 0 or -ENOMEM.
 */
static int set_wanted(const struct job *job, struct change *change, const struct change *recorded)
{
	static const struct binding autoprobe = {.autoprobe = true};
	int error;

	if (!recorded)
		return binding_copy(&change->wanted, &autoprobe);
	error = change_set_origin(change, recorded);
	if (error < 0)
		return error;
	job_report_origin(job, change, recorded, "it is returned");
	return binding_copy(&change->wanted, &change->origin);
}

/* There is nothing to do for a device that another program has returned to the host. */
static int forget(struct job *job, const struct change *change)
{
	if (job->options->dry_run)
		return BIND_DONE;
	journal_remove(&job->journal, change);
	return bind_status_of_errno(journal_save(&job->journal));
}

static int plan_target(struct job *job, const struct pci_device *device, struct changes *changes)
{
	const struct change *recorded = job_find_recorded(job, device);
	struct change *change;
	int status = job_check_pending(job, device);

	if (status != BIND_DONE)
		return status;
	change = changes_add(changes, device);
	status = change ? job_read(job, change) : BIND_DONE;
	if (status != BIND_DONE)
		return status;
	if (!change || set_wanted(job, change, recorded) < 0) {
		log_error(job->log, "out of memory");
		return BIND_FAILED;
	}
	status = job_read(job, change); /* how the wanted driver can be bound */
	if (status != BIND_DONE || !change_is_applied(change))
		return status;
	status = recorded ? forget(job, change) : BIND_DONE;
	changes_drop(changes, changes->count - 1);
	return status;
}

static int release_targets(struct job *job, struct changes *changes)
{
	int status = BIND_DONE;

	for (size_t i = 0; i < job->targets.count && status == BIND_DONE; i++)
		status = plan_target(job, job->targets.items[i], changes);
	for (size_t i = 0; i < job->targets.count && status == BIND_DONE; i++)
		if (journal_find(changes, &job->targets.items[i]->address, false))
			hazards_find_release(&job->view, job->targets.items[i], &job->findings);
	if (status == BIND_DONE)
		status = job_report_findings(job, 0);
	if (status == BIND_DONE)
		status = persist_check_targets(job, &job->targets);
	return status == BIND_DONE ? job_change(job, changes) : status;
}

static int release(struct job *job, struct bind_report *report)
{
	struct changes changes = {0};
	int status = job_add_targets(job, job->options->arguments, job->options->argument_count);

	if (status != BIND_DONE)
		return status;
	status = release_targets(job, &changes);
	for (size_t i = 0; i < job->targets.count; i++) {
		const struct change *change = journal_find(&changes,
							   &job->targets.items[i]->address, false);

		bind_report_add(report, job->targets.items[i], change,
				job_outcome(job, change, status, OUTCOME_RELEASED));
	}
	status = persist_remove_targets(job, &job->targets, status, report);
	changes_free(&changes);
	return status;
}

int run_release(struct bind_options *options)
{
	return bind_report_run(options, true, release);
}
