/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/transaction.h"

#include "binder/engine/execute.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- the journal's side ---- */

/* What is left to remember of a device that has BINDING now: nothing, when that is what it had at
 * first. */
static int commit_change(struct journal *journal, struct change *change,
			 const struct binding *binding)
{
	struct binding origin = change->origin;

	if (change->is_gone || change->is_vfs || binding->any || binding_same(binding, &origin)) {
		journal_forget(journal, change);
		return 0;
	}
	change->state = CHANGE_BOUND;
	if (binding_copy(&change->before, binding) < 0 ||
	    binding_copy(&change->wanted, binding) < 0)
		return -ENOMEM;
	return journal_put(journal, change);
}

/* From here on it is known what the device had, whatever happens. */
static int set_state(struct journal *journal, struct change *change, enum change_state state)
{
	change->state = state;
	return journal_put(journal, change);
}

static int begin(struct journal *journal, struct changes *changes)
{
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++) {
		struct change *change = &changes->items[i];
		const struct change *known = journal_find(&journal->changes, &change->address,
							  change->is_vfs);
		bool is_known = known && known->inode == change->inode;

		change->vfs_before = change->vfs_now;
		error = binding_copy(&change->before, &change->now);
		if (!error)
			error = binding_copy(&change->origin,
					     is_known ? &known->origin : &change->now);
		if (!error)
			error = set_state(journal, change, CHANGE_DOING);
	}
	return error ? error : journal_save(journal);
}

/* ---- doing ---- */

/* Who is asked to end, ends when everything is in order again. */
static bool is_interrupted(void)
{
	sigset_t pending;

	sigemptyset(&pending);
	sigpending(&pending);
	return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) ||
	       sigismember(&pending, SIGHUP);
}

static void block_signals(sigset_t *ret_old)
{
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, ret_old);
}

static int apply(struct kernel *kernel, struct changes *changes)
{
	struct plan plan;
	int error = plan_make(changes, &plan);

	if (error < 0)
		return error;
	for (size_t i = 0; i < plan.count && !error; i++) {
		error = is_interrupted()
				? -EINTR
				: execute_step(kernel, &changes->items[plan.steps[i].change],
					       &plan.steps[i]);
		if (error == -EINTR)
			log_error(kernel->log, "asked to end");
	}
	plan_free(&plan);
	for (size_t i = 0; i < changes->count && !error; i++)
		error = execute_verify(kernel, &changes->items[i]);
	return error;
}

/* ---- undoing ---- */

/* As above, but what fails for one device is no reason to leave the others; FAILED has a bool for
 * each. */
static int apply_remaining(struct kernel *kernel, struct changes *changes, bool *failed)
{
	struct plan plan;
	int error = plan_make(changes, &plan);

	if (error < 0)
		return error;
	for (size_t i = 0; i < plan.count; i++) {
		size_t change = plan.steps[i].change;

		if (!failed[change] &&
		    execute_step(kernel, &changes->items[change], &plan.steps[i]) < 0)
			failed[change] = true;
	}
	plan_free(&plan);
	return 0;
}

/* The changes that can be undone now, last one first, as changes back to what was before. What the
 * kernel is still at is left alone. Returns 0 or -ENOMEM. */
static int plan_rollback(struct kernel *kernel, struct journal *journal,
			 const struct changes *changes, struct changes *ret)
{
	char address[ADDRESS_SIZE];

	for (size_t i = changes->count; i-- > 0;) {
		const struct change *change = &changes->items[i];
		struct change *back;
		int error;

		back = changes_add(ret, &(struct pci_device){.address = change->address});
		if (!back || change_copy(back, change) < 0 ||
		    binding_copy(&back->wanted, &change->before) < 0)
			return -ENOMEM;
		back->vfs_wanted = change->vfs_before;
		error = change_read(kernel, back);
		if (error == -ENOMEM)
			return error;
		if (!error && !back->is_gone)
			continue;
		changes_drop(ret, ret->count - 1);
		if (error == -ETIMEDOUT)
			continue; /* see log_pending */
		address_format(&change->address, address);
		if (error < 0) {
			log_error(kernel->log, "%s: %s", address, strerror(-error));
			continue;
		}
		log_warning(kernel->log, "%s: it was taken out: there is nothing to undo", address);
		journal_forget(journal, change);
	}
	return 0;
}

/* Returns how many of the devices in CHANGES are not as they were before. */
static size_t count_pending(const struct journal *journal, const struct changes *changes)
{
	size_t left = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = journal_find(
			&journal->changes, &changes->items[i].address, changes->items[i].is_vfs);

		left += change && change->state != CHANGE_BOUND;
	}
	return left;
}

static void log_pending(struct kernel *kernel, const struct journal *journal,
			const struct changes *changes, bool *ret_busy)
{
	char address[ADDRESS_SIZE];

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = journal_find(
			&journal->changes, &changes->items[i].address, changes->items[i].is_vfs);

		if (!change || change->state == CHANGE_BOUND)
			continue;
		address_format(&change->address, address);
		if (kernel->is_busy(kernel, &change->address)) {
			*ret_busy = true;
			log_error(kernel->log,
				  "%s: the kernel has not finished; run 'vfio-bind recover' later",
				  address);
		} else {
			log_error(
				kernel->log,
				"%s: could not restore %s; resolve the cause, then run 'vfio-bind recover'",
				address,
				change->is_vfs		? "its number of VFs"
				: change->before.driver ? change->before.driver
							: "no driver");
		}
	}
}

/* Returns TRANSACTION_DONE when everything is as it was before, TRANSACTION_TIMEOUT, or
 * TRANSACTION_INCOMPLETE. */
static enum transaction_result rollback(struct kernel *kernel, struct journal *journal,
					struct changes *changes)
{
	struct changes back = {0};
	bool *failed = calloc(changes->count ? changes->count : 1, sizeof(*failed)), busy = false;
	int error = failed ? 0 : -ENOMEM;

	for (size_t i = 0; i < changes->count && !error; i++)
		error = set_state(journal, &changes->items[i], CHANGE_UNDO);
	if (!error)
		error = journal_save(journal);
	if (!error)
		error = plan_rollback(kernel, journal, changes, &back);
	if (!error)
		error = apply_remaining(kernel, &back, failed);
	for (size_t i = 0; i < back.count && !error; i++)
		if (!failed[i] && execute_verify(kernel, &back.items[i]) == 0)
			error = commit_change(journal, &back.items[i], &back.items[i].wanted);
	if (!error)
		error = journal_save(journal);
	changes_free(&back);
	free(failed);
	if (error == -ENOMEM)
		log_error(kernel->log, "out of memory");
	if (error < 0)
		return TRANSACTION_INCOMPLETE;
	log_pending(kernel, journal, changes, &busy);
	return busy				 ? TRANSACTION_TIMEOUT
	       : count_pending(journal, changes) ? TRANSACTION_INCOMPLETE
						 : TRANSACTION_DONE;
}

/* ---- all of it ---- */

static int finish(struct journal *journal, struct changes *changes)
{
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++)
		error = commit_change(journal, &changes->items[i], &changes->items[i].wanted);
	return error ? error : journal_save(journal);
}

static enum transaction_result failure_result(int error, enum transaction_result undone)
{
	if (undone != TRANSACTION_DONE)
		return undone;
	switch (error) {
	case -ETIMEDOUT:
		return TRANSACTION_TIMEOUT;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return TRANSACTION_PERMISSION;
	default:
		return TRANSACTION_FAILED;
	}
}

enum transaction_result transaction_run(struct kernel *kernel, struct journal *journal,
					struct changes *changes)
{
	enum transaction_result result;
	sigset_t old;
	int error;

	block_signals(&old);
	error = begin(journal, changes);
	if (error < 0) {
		log_error(kernel->log, "no changes made");
		result = TRANSACTION_FAILED;
	} else if ((error = apply(kernel, changes)) < 0) {
		result = failure_result(error, rollback(kernel, journal, changes));
		if (result != TRANSACTION_INCOMPLETE && !count_pending(journal, changes))
			log_error(kernel->log, "rolled back");
	} else {
		error = finish(journal, changes);
		result = error < 0 ? TRANSACTION_INCOMPLETE : TRANSACTION_DONE;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return result;
}

/* ---- after an earlier run ---- */

static int collect(const struct journal *journal, struct changes *ret)
{
	for (size_t i = 0; i < journal->changes.count; i++) {
		const struct change *change = &journal->changes.items[i];
		struct change *copy;

		if (change->state == CHANGE_BOUND)
			continue;
		copy = changes_add(ret, &(struct pci_device){.address = change->address});
		if (!copy || change_copy(copy, change) < 0)
			return -ENOMEM;
	}
	return 0;
}

static void wait_for_kernel(struct kernel *kernel, const struct changes *changes, unsigned seconds)
{
	const unsigned quiet = KERNEL_QUIET_SECONDS * (1000 / 50);
	unsigned pauses = seconds * (1000 / 50), waited = 0;

	for (size_t i = 0; i < changes->count; i++)
		for (; waited < pauses && kernel->is_busy(kernel, &changes->items[i].address);
		     waited++) {
			if (waited == quiet)
				kernel_report_wait(kernel->log, &changes->items[i].address,
						   "what an earlier run has begun in the kernel",
						   seconds - KERNEL_QUIET_SECONDS,
						   "if a VM has the device, shut it down");
			kernel->pause(kernel, 50);
		}
}

/* Only a run that was ended from outside can have come to all that it wanted; one that was being
 * undone did not. */
static bool changes_completed(struct kernel *kernel, struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct change *change = &changes->items[i];

		if (change->state != CHANGE_DOING || kernel->is_busy(kernel, &change->address) ||
		    change_read(kernel, change) < 0 || !change_is_applied(change))
			return false;
		/* it may have been ended just before the kernel was to pick one */
		if (change->wanted.any && !change->now.driver)
			return false;
	}
	return true;
}

enum transaction_result transaction_recover(struct kernel *kernel, struct journal *journal,
					    unsigned seconds, size_t *ret_count)
{
	struct changes changes = {0};
	enum transaction_result result;
	sigset_t old;

	block_signals(&old);
	if (collect(journal, &changes) < 0) {
		log_error(kernel->log, "out of memory");
		result = TRANSACTION_INCOMPLETE;
	} else {
		wait_for_kernel(kernel, &changes, seconds);
		if (changes_completed(kernel, &changes))
			result = !changes.count || finish(journal, &changes) == 0
					 ? TRANSACTION_DONE
					 : TRANSACTION_INCOMPLETE;
		else
			result = rollback(kernel, journal, &changes);
	}
	*ret_count = changes.count;
	changes_free(&changes);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return result;
}
