/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vfio-bind recover. */
#include "binder/commands/commands.h"
#include "binder/engine/state.h"
#include "binder/report.h"

#include <stdio.h>
#include <stdlib.h>

static enum outcome recovered_outcome(struct job *job, struct change *change)
{
	const struct change *recorded = journal_find(&job->journal.changes, &change->address,
						     change->is_vfs);

	if (recorded && recorded->state != CHANGE_BOUND)
		return OUTCOME_UNFINISHED;
	if (change_read(job->kernel, change) < 0)
		return OUTCOME_NONE;
	return change->is_gone		   ? OUTCOME_REMOVED
	       : change_is_applied(change) ? OUTCOME_COMPLETED
					   : OUTCOME_ROLLED_BACK;
}

/* Adds the devices of CHANGES, which had not finished. ABSENT are devices with only the address and
 * ids of each, for those that the inventory lacks. */
static void add_results(struct job *job, struct changes *changes, struct pci_device *absent,
			struct bind_report *report)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct change *change = &changes->items[i];
		enum outcome outcome = recovered_outcome(job, change);
		const struct pci_device *device =
			job->inventory ? inventory_find(job->inventory, &change->address) : NULL;

		absent[i] = (struct pci_device){.address = change->address,
						.vendor = change->vendor,
						.device = change->device,
						.inode = change->inode};
		if (!device || device->inode != change->inode)
			device = &absent[i];
		bind_report_add(report, device, change, outcome);
	}
}

static void print_summary(const struct bind_options *options, int status, size_t count)
{
	if (options->quiet || options->json || status != BIND_DONE)
		return;
	if (count)
		printf("recovered %zu device%s\n", count, count == 1 ? "" : "s");
	else
		printf("nothing to recover\n");
}

static int recover(struct job *job, struct changes *changes)
{
	struct bind_report report = {.job = job};
	struct pci_device *absent = calloc(changes->count ? changes->count : 1, sizeof(*absent));
	size_t count = 0;
	int status = bind_status_of_transaction(
		transaction_recover(job->kernel, &job->journal, job->options->timeout, &count));

	/* read only now, so that nothing can prevent the recovery */
	if (changes->count)
		probe_read(job->probe, &job->inventory);
	if (absent)
		add_results(job, changes, absent, &report);
	else
		report.no_memory = true;
	status = bind_report_print(&report, status);
	print_summary(job->options, status, count);
	bind_report_free(&report);
	free(absent);
	return status;
}

int run_recover(struct bind_options *options)
{
	struct job job;
	struct changes changes = {0};
	int status = job_begin_recovery(&job, options);

	if (status == BIND_DONE && transaction_pending(&job.journal, &changes) < 0) {
		log_error(job.log, "out of memory");
		status = BIND_FAILED;
	}
	if (status == BIND_DONE)
		status = recover(&job, &changes);
	changes_free(&changes);
	job_end(&job);
	return status;
}
