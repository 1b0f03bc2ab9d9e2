/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/job.h"

#include "binder/commands/commands.h"
#include "binder/devices/group.h"
#include "binder/engine/transaction.h"
#include "binder/hazards/ssh.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

int bind_status_worse(int a, int b)
{
	static const int order[] = {BIND_INCOMPLETE, BIND_TIMEOUT,   BIND_FAILED,
				    BIND_PERMISSION, BIND_LOCKED,    BIND_UNAVAILABLE,
				    BIND_REFUSED,    BIND_NO_DEVICE, BIND_USAGE};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return BIND_DONE;
}

/* ---- beginning and ending ---- */

static int status_of_journal(int error)
{
	switch (error) {
	case 0:
		return BIND_DONE;
	case -EAGAIN:
		return BIND_LOCKED;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return BIND_PERMISSION;
	default:
		return BIND_FAILED;
	}
}

static int open_root(struct job *job, struct bind_options *options)
{
	*job = (struct job){
		.options = options, .log = &options->log, .journal = {.directory = -1, .lock = -1}};
	if (bind_options_probe(options, JOB_DETAILS, &job->probe) < 0)
		return BIND_FAILED;
	job->root = probe_sysroot(job->probe);
	host_kernel_init(&job->host, job->root, job->log, options->timeout);
	job->kernel = options->kernel ? options->kernel : &job->host.kernel;
	job->kernel->root = job->root;
	job->kernel->log = job->log;
	job->kernel->inventory = NULL;
	return BIND_DONE;
}

static int open_journal(struct job *job)
{
	int status;

	if (!job->options->kernel && !sysroot_is_host(job->root)) {
		log_error(job->log, "--sysroot: of another root only --dry-run can be made");
		return BIND_USAGE;
	}
	status = status_of_journal(
		journal_open(job->root, job->log, job->options->timeout, &job->journal));
	job->host.lock = job->journal.lock;
	return status;
}

/* Devices that can't be put in order now are left alone by what follows: see job_check_pending. */
static int begin_changes(struct job *job)
{
	size_t count = 0;
	int status = open_journal(job);

	if (status != BIND_DONE)
		return status;
	status = bind_status_of_transaction(
		transaction_recover(job->kernel, &job->journal, 0, &count));
	if (count && status == BIND_DONE)
		log_warning(job->log, "recovered %zu device%s left by an interrupted run", count,
			    count == 1 ? "" : "s");
	else if (count)
		log_warning(
			job->log,
			"resuming after an interrupted run: not all of its %zu device%s could be recovered yet",
			count, count == 1 ? "" : "s");
	return BIND_DONE;
}

int job_begin_recovery(struct job *job, struct bind_options *options)
{
	int status = open_root(job, options);

	return status == BIND_DONE ? open_journal(job) : status;
}

static void find_ssh_connection(struct job *job)
{
	if (job->options->ssh_connection)
		job->ssh = strdup(job->options->ssh_connection);
	else if (sysroot_is_host(job->root))
		ssh_connection_find(job->root, getppid(), &job->ssh);
	job->view.ssh_connection = job->ssh;
}

int job_begin(struct job *job, struct bind_options *options, bool changes)
{
	int status = open_root(job, options);

	if (status != BIND_DONE)
		return status;
	if (changes && !options->dry_run)
		status = begin_changes(job);
	else if (journal_read(job->root, job->log, &job->journal.changes) < 0)
		status = BIND_FAILED;
	if (status == BIND_DONE && probe_read(job->probe, &job->inventory) < 0)
		status = BIND_FAILED;
	if (status != BIND_DONE)
		return status;
	find_ssh_connection(job);
	job->kernel->inventory = job->inventory;
	job->view.root = job->root;
	job->view.log = job->log;
	job->view.inventory = job->inventory;
	job->view.targets = &job->targets;
	return BIND_DONE;
}

void job_end(struct job *job)
{
	plan_free(&job->plan);
	hazard_findings_free(&job->findings);
	hazard_view_free(&job->view);
	targets_free(&job->targets);
	journal_close(&job->journal);
	inventory_free(job->inventory);
	probe_free(job->probe);
	free(job->ssh);
}

/* ---- the devices ---- */

int bind_status_of_transaction(enum transaction_result result)
{
	switch (result) {
	case TRANSACTION_DONE:
		return BIND_DONE;
	case TRANSACTION_FAILED:
		return BIND_FAILED;
	case TRANSACTION_PERMISSION:
		return BIND_PERMISSION;
	case TRANSACTION_TIMEOUT:
		return BIND_TIMEOUT;
	case TRANSACTION_INCOMPLETE:
		break;
	}
	return BIND_INCOMPLETE;
}

int bind_status_of_target(int error)
{
	switch (error) {
	case 0:
		return BIND_DONE;
	case -EINVAL:
	case -ENOTUNIQ:
		return BIND_USAGE;
	case -ENODEV:
		return BIND_NO_DEVICE;
	default:
		return BIND_FAILED;
	}
}

static int check_ids(const struct job *job, const struct pci_device *device)
{
	char address[ADDRESS_SIZE], ids[10];

	snprintf(ids, sizeof(ids), "%04x:%04x", device->vendor, device->device);
	if (!job->options->expect || strcasecmp(job->options->expect, ids) == 0)
		return BIND_DONE;
	log_error(job->log, "%s: is %s and not %s as expected; have the addresses shifted?",
		  address_format(&device->address, address), ids, job->options->expect);
	return BIND_REFUSED;
}

int job_find_word(struct job *job, const char *word)
{
	size_t first = job->targets.count;
	int status;

	if (target_is_alias(word) && bind_options_read_aliases(job->options, job->inventory) < 0)
		return BIND_FAILED;
	status = bind_status_of_target(
		targets_add(&job->targets, job->inventory, word, job->options->all, job->log));

	for (size_t i = first; i < job->targets.count && status == BIND_DONE; i++)
		status = check_ids(job, job->targets.items[i]);
	if (status != BIND_DONE)
		job->targets.count = first;
	return status;
}

int job_find(struct job *job, char **words, int count)
{
	int status = BIND_DONE;

	for (int i = 0; i < count && status == BIND_DONE; i++)
		status = job_find_word(job, words[i]);
	if (status == BIND_DONE && job->options->group &&
	    group_complete(&job->targets, job->inventory) < 0)
		status = BIND_FAILED;
	return status;
}

static bool has_pending_change(const struct job *job, const struct pci_device *device, bool vfs)
{
	const struct change *left = journal_find(&job->journal.changes, &device->address, vfs);

	return left && left->state != CHANGE_BOUND && left->inode == device->inode;
}

int job_check_pending(const struct job *job, const struct pci_device *device)
{
	char address[ADDRESS_SIZE];

	if (!has_pending_change(job, device, false) && !has_pending_change(job, device, true))
		return BIND_DONE;
	address_format(&device->address, address);
	if (job->kernel->is_busy(job->kernel, &device->address)) {
		log_error(
			job->log,
			"%s: the kernel has not finished what an earlier run began; run 'vfio-bind recover' later",
			address);
		return BIND_TIMEOUT;
	}
	log_error(job->log,
		  "%s: left half-way by an interrupted run; run 'vfio-bind recover' first",
		  address);
	return BIND_REFUSED;
}

int job_read(struct job *job, struct change *change)
{
	char address[ADDRESS_SIZE];
	int error = change_read(job->kernel, change);

	if (!error && !change->is_gone)
		return BIND_DONE;
	address_format(&change->address, address);
	switch (error) {
	case 0:
		log_error(job->log, "%s: was removed", address);
		return BIND_NO_DEVICE;
	case -ETIMEDOUT:
		log_error(
			job->log,
			"%s: state unreadable: another process is stuck in the kernel, binding or unbinding this device. "
			"Shut down its VM, then run 'vfio-bind recover'",
			address);
		return BIND_TIMEOUT;
	case -ENOENT:
		log_error(job->log, "%s: it has no %s", address,
			  change->is_vfs ? "sriov_numvfs" : "driver_override");
		return BIND_UNAVAILABLE;
	default:
		log_error(job->log, "%s: %s", address, strerror(-error));
		return error == -EACCES ? BIND_PERMISSION : BIND_FAILED;
	}
}

/* ---- what could go wrong ---- */

int job_judge(struct job *job, size_t first)
{
	int status = job->findings.no_memory ? BIND_FAILED : BIND_DONE;
	char address[ADDRESS_SIZE];

	for (size_t i = first; i < job->findings.count; i++) {
		const struct hazard_finding *finding = &job->findings.items[i];
		const struct hazard_row *row = &HAZARDS[finding->hazard];

		address_format(&finding->address, address);
		if (!hazard_is_blocking(finding, job->options->allowed)) {
			log_warning(job->log, "%s: %s: %s", address, row->name, finding->text);
			continue;
		}
		log_error(job->log, "%s: %s: %s. %c%s%s%s", address, row->name, finding->text,
			  row->help[0] & ~0x20, row->help + 1,
			  row->grade == GRADE_REFUSED ? "; or --allow " : "",
			  row->grade == GRADE_REFUSED ? row->name : "");
		if (status == BIND_DONE)
			status = finding->hazard == HAZARD_NO_IOMMU ? BIND_UNAVAILABLE
								    : BIND_REFUSED;
	}
	return status;
}

/* ---- changing ---- */

/* Keeps for show what is about to be done. *ret_any: whether there is anything. */
static int keep_plan(struct job *job, const struct changes *changes, bool *ret_any)
{
	struct plan plan = {0};
	int error = plan_make(changes, &plan);

	*ret_any = !error && plan.count;
	if (!error)
		error = plan_append(&job->plan, &plan);
	plan_free(&plan);
	if (!error)
		return BIND_DONE;
	log_error(job->log, "out of memory");
	return BIND_FAILED;
}

int job_change(struct job *job, struct changes *changes)
{
	bool any = false;
	int status = keep_plan(job, changes, &any);

	if (status != BIND_DONE || job->options->dry_run || !any)
		return status;
	status = bind_status_of_transaction(transaction_run(job->kernel, &job->journal, changes));
	/* what could not be changed is shown as it is now, as far as the kernel tells */
	for (size_t i = 0; i < changes->count && status != BIND_DONE; i++)
		change_read(job->kernel, &changes->items[i]);
	return status;
}

enum outcome job_outcome(const struct job *job, const struct change *change, int status,
			 enum outcome done)
{
	const struct change *left = change ? journal_find(&job->journal.changes, &change->address,
							  change->is_vfs)
					   : NULL;

	if (status == BIND_DONE)
		return !change ? OUTCOME_ALREADY : job->options->dry_run ? OUTCOME_PLANNED : done;
	if (left && left->state != CHANGE_BOUND)
		return OUTCOME_UNFINISHED;
	/* it can be so, and its node not given to its owner */
	return change && change->is_read && change_is_applied(change) ? done : OUTCOME_UNCHANGED;
}
