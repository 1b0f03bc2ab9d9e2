/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/transaction.h"

#include "binder/engine/execute.h"
#include "binder/commands/commands.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* ---- the journal's side ---- */

/* What is left to remember of a device that has BINDING now: nothing, when that is what it had at first. */
static int settle(struct journal *journal, struct change *change, const struct binding *binding)
{
	struct binding origin = change->origin;

	if (change->is_gone || change->is_vfs || binding->any || binding_same(binding, &origin)) {
		journal_forget(journal, change);
		return 0;
	}
	change->state = CHANGE_BOUND;
	if (binding_copy(&change->before, binding) < 0 || binding_copy(&change->wanted, binding) < 0)
		return -ENOMEM;
	return journal_put(journal, change);
}

/* From here on it is known what the device had, whatever happens. */
static int note(struct journal *journal, struct change *change, enum change_state state)
{
	change->state = state;
	return journal_put(journal, change);
}

static int begin(struct journal *journal, struct changes *changes)
{
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++) {
		struct change *change = &changes->items[i];
		const struct change *known = journal_find(&journal->changes, &change->address, change->is_vfs);
		bool is_known = known && known->inode == change->inode;

		change->vfs_before = change->vfs_now;
		error = binding_copy(&change->before, &change->now);
		if (!error)
			error = binding_copy(&change->origin, is_known ? &known->origin : &change->now);
		if (!error)
			error = note(journal, change, CHANGE_DOING);
	}
	return error ? error : journal_save(journal);
}

/* ---- doing ---- */

/* Who is asked to end, ends when everything is in order again. */
static bool was_asked_to_end(void)
{
	sigset_t pending;

	sigemptyset(&pending);
	sigpending(&pending);
	return sigismember(&pending, SIGINT) || sigismember(&pending, SIGTERM) || sigismember(&pending, SIGHUP);
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
		error = was_asked_to_end() ? -EINTR : apply_step(kernel, &changes->items[plan.steps[i].change], &plan.steps[i]);
		if (error == -EINTR)
			log_error(kernel->log, "asked to end");
	}
	plan_free(&plan);
	for (size_t i = 0; i < changes->count && !error; i++)
		error = apply_verify(kernel, &changes->items[i]);
	return error;
}

/* ---- undoing ---- */

/* As above, but what fails for one device is no reason to leave the others; FAILED has a bool for each. */
static int apply_rest(struct kernel *kernel, struct changes *changes, bool *failed)
{
	struct plan plan;
	int error = plan_make(changes, &plan);

	if (error < 0)
		return error;
	for (size_t i = 0; i < plan.count; i++) {
		size_t change = plan.steps[i].change;

		if (!failed[change] && apply_step(kernel, &changes->items[change], &plan.steps[i]) < 0)
			failed[change] = true;
	}
	plan_free(&plan);
	return 0;
}

/* The changes that can be undone now, last one first, as changes back to what was before. What the kernel is still at is left
 * alone. Returns 0 or -ENOMEM. */
static int turn_back(struct kernel *kernel, struct journal *journal, const struct changes *changes, struct changes *ret)
{
	char address[ADDRESS_SIZE];

	for (size_t i = changes->count; i-- > 0;) {
		const struct change *change = &changes->items[i];
		struct change *back;
		int error;

		back = changes_add(ret, &(struct pci_device){.address = change->address});
		if (!back || change_copy(back, change) < 0 || binding_copy(&back->wanted, &change->before) < 0)
			return -ENOMEM;
		back->vfs_wanted = change->vfs_before;
		error = change_read(kernel, back);
		if (error == -ENOMEM)
			return error;
		if (!error && !back->is_gone)
			continue;
		changes_drop(ret, ret->count - 1);
		if (error == -ETIMEDOUT)
			continue; /* see tell_left */
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
static size_t count_left(const struct journal *journal, const struct changes *changes)
{
	size_t left = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = journal_find(&journal->changes, &changes->items[i].address, changes->items[i].is_vfs);

		left += change && change->state != CHANGE_BOUND;
	}
	return left;
}

static void tell_left(struct kernel *kernel, const struct journal *journal, const struct changes *changes, bool *ret_busy)
{
	char address[ADDRESS_SIZE];

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = journal_find(&journal->changes, &changes->items[i].address, changes->items[i].is_vfs);

		if (!change || change->state == CHANGE_BOUND)
			continue;
		address_format(&change->address, address);
		if (kernel->is_busy(kernel, &change->address)) {
			*ret_busy = true;
			log_error(kernel->log, "%s: the kernel has not finished; run 'vfio-bind recover' later", address);
		} else {
			log_error(kernel->log, "%s: could not restore %s; resolve the cause, then run 'vfio-bind recover'",
				  address, change->is_vfs ? "its number of VFs" : change->before.driver ? change->before.driver : "no driver");
		}
	}
}

/* Returns STATUS_DONE when everything is as it was before, STATUS_TIMEOUT, or STATUS_INCOMPLETE. */
static int undo(struct kernel *kernel, struct journal *journal, struct changes *changes)
{
	struct changes back = {0};
	bool *failed = calloc(changes->count ? changes->count : 1, sizeof(*failed)), busy = false;
	int error = failed ? 0 : -ENOMEM;

	for (size_t i = 0; i < changes->count && !error; i++)
		error = note(journal, &changes->items[i], CHANGE_UNDO);
	if (!error)
		error = journal_save(journal);
	if (!error)
		error = turn_back(kernel, journal, changes, &back);
	if (!error)
		error = apply_rest(kernel, &back, failed);
	for (size_t i = 0; i < back.count && !error; i++)
		if (!failed[i] && apply_verify(kernel, &back.items[i]) == 0)
			error = settle(journal, &back.items[i], &back.items[i].wanted);
	if (!error)
		error = journal_save(journal);
	changes_free(&back);
	free(failed);
	if (error == -ENOMEM)
		log_error(kernel->log, "out of memory");
	if (error < 0)
		return STATUS_INCOMPLETE;
	tell_left(kernel, journal, changes, &busy);
	return busy ? STATUS_TIMEOUT : count_left(journal, changes) ? STATUS_INCOMPLETE : STATUS_DONE;
}

/* ---- all of it ---- */

static int finish(struct journal *journal, struct changes *changes)
{
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++)
		error = settle(journal, &changes->items[i], &changes->items[i].wanted);
	return error ? error : journal_save(journal);
}

static int status_of_failure(int error, int undone)
{
	if (undone != STATUS_DONE)
		return undone;
	switch (error) {
	case -ETIMEDOUT:
		return STATUS_TIMEOUT;
	case -EACCES:
	case -EPERM:
	case -EROFS:
		return STATUS_PERMISSION;
	default:
		return STATUS_FAILED;
	}
}

int transaction_run(struct kernel *kernel, struct journal *journal, struct changes *changes)
{
	sigset_t old;
	int error, status;

	block_signals(&old);
	error = begin(journal, changes);
	if (error < 0) {
		log_error(kernel->log, "no changes made");
		status = STATUS_FAILED;
	} else if ((error = apply(kernel, changes)) < 0) {
		status = status_of_failure(error, undo(kernel, journal, changes));
		if (status != STATUS_INCOMPLETE && !count_left(journal, changes))
			log_error(kernel->log, "rolled back");
	} else {
		error = finish(journal, changes);
		status = error < 0 ? STATUS_INCOMPLETE : STATUS_DONE;
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return status;
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
		for (; waited < pauses && kernel->is_busy(kernel, &changes->items[i].address); waited++) {
			if (waited == quiet)
				kernel_report_wait(kernel->log, &changes->items[i].address,
						   "what an earlier run has begun in the kernel", seconds - KERNEL_QUIET_SECONDS,
						   "if a VM has the device, shut it down");
			kernel->pause(kernel, 50);
		}
}

/* Only a run that was ended from outside can have come to all that it wanted; one that was being undone did not. */
static bool has_come_to_its_end(struct kernel *kernel, struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct change *change = &changes->items[i];

		if (change->state != CHANGE_DOING || kernel->is_busy(kernel, &change->address) ||
		    change_read(kernel, change) < 0 || !change_is_reached(change))
			return false;
		/* it may have been ended just before the kernel was to pick one */
		if (change->wanted.any && !change->now.driver)
			return false;
	}
	return true;
}

int transaction_recover(struct kernel *kernel, struct journal *journal, unsigned seconds, size_t *ret_count)
{
	struct changes changes = {0};
	sigset_t old;
	int status;

	block_signals(&old);
	if (collect(journal, &changes) < 0) {
		log_error(kernel->log, "out of memory");
		status = STATUS_INCOMPLETE;
	} else {
		wait_for_kernel(kernel, &changes, seconds);
		if (has_come_to_its_end(kernel, &changes))
			status = !changes.count || finish(journal, &changes) == 0 ? STATUS_DONE : STATUS_INCOMPLETE;
		else
			status = undo(kernel, journal, &changes);
	}
	*ret_count = changes.count;
	changes_free(&changes);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return status;
}
