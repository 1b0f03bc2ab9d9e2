/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/job.h"

#include "binder/devices/group.h"
#include "binder/engine/state.h"
#include "binder/engine/transaction.h"
#include "binder/hazards/ssh.h"
#include "binder/status.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- start and end ---- */

static void report_netlink_wait(const void *log, unsigned left)
{
	kernel_report_wait(log, NULL, "the kernel to report network interfaces", left,
			   "a driver may hold the RTNL lock");
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
	host_netlink_init(&job->netlink, options->timeout);
	job->netlink.report = report_netlink_wait;
	job->netlink.data = job->log;
	job->netlink.quiet = KERNEL_QUIET_SECONDS;
	job->kernel->netlink = options->netlink ? options->netlink : &job->netlink.netlink;
	return BIND_DONE;
}

static int open_journal(struct job *job)
{
	int error;

	if (!job->options->kernel && !sysroot_is_host(job->root)) {
		log_error(job->log, "--sysroot: changes are possible only with --dry-run");
		return BIND_USAGE;
	}
	error = journal_open(job->root, job->log, job->options->timeout, &job->journal);
	return error == -EAGAIN ? BIND_LOCKED : bind_status_of_errno(error);
}

static size_t count_pending(const struct changes *changes)
{
	size_t count = 0;

	for (size_t i = 0; i < changes->count; i++)
		count += changes->items[i].state != CHANGE_BOUND;
	return count;
}

/* A failed recovery does not end the job: job_check_pending rejects these devices. */
static int begin_changes(struct job *job)
{
	size_t count = 0, pending;
	int status = open_journal(job);

	if (status != BIND_DONE)
		return status;
	transaction_recover(job->kernel, &job->journal, 0, &count);
	pending = count_pending(&job->journal.changes);
	if (count && !pending)
		log_warning(job->log, "recovered %zu device%s left by an interrupted run", count,
			    count == 1 ? "" : "s");
	else if (count)
		log_warning(job->log, "an interrupted run is still pending for %zu of %zu device%s",
			    pending, count, count == 1 ? "" : "s");
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
		job->view.ssh_error = ssh_connection_find(job->root, getppid(), &job->ssh);
	job->view.ssh_connection = job->ssh;
}

int job_begin(struct job *job, struct bind_options *options, bool changes)
{
	int status = open_root(job, options);

	if (status != BIND_DONE)
		return status;
	if (changes && !options->dry_run)
		status = begin_changes(job);
	else
		job->journal_status = bind_status_of_errno(
			journal_read(job->root, job->log, &job->journal.changes));
	if (changes)
		status = bind_status_worse(status, job->journal_status);
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
	job->view.netlink = options->netlink || sysroot_is_host(job->root) ? job->kernel->netlink
									   : NULL;
	job->view.timeout = options->timeout;
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

/* ---- targets ---- */

int job_add_target(struct job *job, const char *argument)
{
	size_t first = job->targets.count;
	int status, error;

	if (target_is_alias(argument) &&
	    bind_options_read_aliases(job->options, job->inventory) < 0)
		return BIND_FAILED;
	error = targets_add(&job->targets, job->inventory, argument, job->options->all, job->log);
	if (error == -ENOMEM)
		log_error(job->log, "out of memory");
	status = bind_status_of_target(error);
	for (size_t i = first; i < job->targets.count && status == BIND_DONE; i++)
		status = bind_status_of_target(target_check_ids(
			job->targets.items[i], job->options->expect, job->inventory, job->log));
	if (status != BIND_DONE)
		job->targets.count = first;
	return status;
}

int job_complete_groups(struct job *job)
{
	if (!job->options->group || group_complete(&job->targets, job->inventory) == 0)
		return BIND_DONE;
	log_error(job->log, "out of memory");
	return BIND_FAILED;
}

int job_add_targets(struct job *job, char **arguments, int count)
{
	int status = BIND_DONE;

	for (int i = 0; i < count && status == BIND_DONE; i++)
		status = job_add_target(job, arguments[i]);
	return status == BIND_DONE ? job_complete_groups(job) : status;
}

static bool has_pending_change(const struct job *job, const struct pci_device *device, bool vfs)
{
	const struct change *change = journal_find(&job->journal.changes, &device->address, vfs);

	return change && change->state != CHANGE_BOUND && change->inode == device->inode;
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
			"%s: the kernel has not finished an operation of an earlier run; run 'vfio-bind recover' later",
			address);
		return BIND_TIMEOUT;
	}
	log_error(job->log,
		  "%s: change unfinished after an interrupted run; run 'vfio-bind recover' first",
		  address);
	return BIND_REFUSED;
}

const struct change *job_find_recorded(const struct job *job, const struct pci_device *device)
{
	const struct change *change = journal_find(&job->journal.changes, &device->address, false);

	return change && change->state == CHANGE_BOUND && change->inode == device->inode ? change
											 : NULL;
}

static const char *name_of_driver(const struct binding *binding)
{
	return binding->autoprobe ? "its default driver"
	       : binding->driver  ? binding->driver
				  : "no driver";
}

void job_report_origin(const struct job *job, const struct change *change,
		       const struct change *recorded, const char *what)
{
	char address[ADDRESS_SIZE];

	if (!recorded || change_is_intact(recorded, &change->now))
		return;
	log_warning(
		job->log,
		"%s: another program has changed its driver or driver_override since vfio-bind bound it to %s; %s to %s, not to %s",
		address_format(&change->address, address), name_of_driver(&recorded->before), what,
		name_of_driver(&change->origin), name_of_driver(&recorded->origin));
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
		log_error(job->log, "%s: removed", address);
		return BIND_NO_DEVICE;
	case -ETIMEDOUT:
		log_error(
			job->log,
			"%s: state unreadable: another process is stuck in the kernel, binding or unbinding this device. Shut down its VM, then run 'vfio-bind recover'",
			address);
		return BIND_TIMEOUT;
	case -ENOENT:
		log_error(job->log, "%s: no %s", address,
			  change->is_vfs ? "sriov_numvfs" : "driver_override");
		return BIND_UNAVAILABLE;
	default:
		log_error(job->log, "%s: %s", address, strerror(-error));
		return bind_status_of_errno(error);
	}
}

/* ---- safety checks ---- */

int job_report_findings(struct job *job, size_t first)
{
	int status = job->findings.no_memory ? BIND_FAILED : BIND_DONE;
	char address[ADDRESS_SIZE];

	if (job->findings.no_memory)
		log_error(job->log, "out of memory; not all checks could be made");
	for (size_t i = first; i < job->findings.count; i++) {
		const struct hazard_finding *finding = &job->findings.items[i];
		const struct hazard_row *row = &HAZARDS[finding->hazard];

		address_format(&finding->address, address);
		if (!hazard_is_blocking(finding, job->options->allowed)) {
			log_warning(job->log, "%s: %s: %s", address, row->name, finding->text);
			continue;
		}
		if (row->grade == GRADE_REFUSED)
			log_error(job->log, "%s: %s: %s; %s (--allow %s overrides this)", address,
				  row->name, finding->text, row->help, row->name);
		else
			log_error(job->log, "%s: %s: %s; %s%s", address, row->name, finding->text,
				  row->help,
				  finding->hazard == HAZARD_UNKNOWN && geteuid() != 0
					  ? "; run as root"
					  : "");
		if (status == BIND_DONE)
			status = finding->hazard == HAZARD_NO_IOMMU ? BIND_UNAVAILABLE
								    : BIND_REFUSED;
	}
	return status;
}

/* ---- changes ---- */

static int add_steps(struct job *job, const struct changes *changes, bool *ret_empty)
{
	struct plan plan = {0};
	int error = plan_make(changes, &plan);

	*ret_empty = !plan.count;
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
	bool empty = true;
	int status = add_steps(job, changes, &empty);

	if (status != BIND_DONE || job->options->dry_run || empty)
		return status;
	status = bind_status_of_transaction(transaction_run(job->kernel, &job->journal, changes));
	/* for the report; devices that cannot be read are reported as they were */
	for (size_t i = 0; i < changes->count && status != BIND_DONE; i++)
		change_read(job->kernel, &changes->items[i]);
	return status;
}

enum outcome job_outcome(const struct job *job, const struct change *change, int status,
			 enum outcome done)
{
	const struct change *recorded = change ? journal_find(&job->journal.changes,
							      &change->address, change->is_vfs)
					       : NULL;

	if (status == BIND_DONE)
		return !change ? OUTCOME_ALREADY : job->options->dry_run ? OUTCOME_PLANNED : done;
	if (recorded && recorded->state != CHANGE_BOUND)
		return OUTCOME_UNFINISHED;
	if (change && change->has_lost)
		return change_is_applied(change) ? OUTCOME_SET_PARTLY : OUTCOME_INCOMPLETE;
	/* it may be bound although the owner of its node could not be set */
	return change && change->is_read && change_is_applied(change) ? done : OUTCOME_UNCHANGED;
}
