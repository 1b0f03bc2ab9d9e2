/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/transaction.h"

#include "binder/engine/devicepath.h"
#include "binder/engine/execute.h"
#include "binder/engine/state.h"
#include "binder/engine/vfsettings.h"
#include "probe/ownership/vfiostate.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 50

/* ---- the journal ---- */

/* Records that the device has BINDING. A device that is back at its origin needs no record. The
 * change keeps the binding before it, which is reported. */
static int commit_change(struct journal *journal, struct change *change,
			 const struct binding *binding)
{
	struct change record = {0};
	int error;

	if (change->is_gone || change->is_vfs || binding->autoprobe ||
	    binding_equal(binding, &change->origin)) {
		journal_remove(journal, change);
		return 0;
	}
	change->state = CHANGE_BOUND;
	error = change_copy(&record, change);
	if (!error)
		error = binding_copy(&record.before, binding);
	if (!error)
		error = binding_copy(&record.wanted, binding);
	if (!error)
		error = journal_put(journal, &record);
	change_free_members(&record);
	return error;
}

static int set_state(struct journal *journal, struct change *change, enum change_state state)
{
	change->state = state;
	return journal_put(journal, change);
}

static void log_unsaved(const struct kernel *kernel)
{
	log_error(
		kernel->log,
		"the journal does not have the current state of the devices; resolve the cause, then run 'vfio-bind recover'");
}

/* Without its record, a later run would roll back, or forget, what is done now. */
static int save_result(struct kernel *kernel, struct journal *journal)
{
	int error = journal_save(journal);

	if (error < 0)
		log_unsaved(kernel);
	return error;
}

/* Whatever was not saved is not recorded: the next run will not see it either. */
static void forget_unsaved(struct journal *journal)
{
	struct changes saved;

	if (journal_read(journal->root, journal->log, &saved) < 0)
		return;
	changes_free(&journal->changes);
	journal->changes = saved;
	journal_remove_markers(journal);
}

static int set_before(const struct journal *journal, struct change *change)
{
	const struct change *recorded = journal_find(&journal->changes, &change->address,
						     change->is_vfs);
	int error;

	change->state = CHANGE_APPLYING;
	change->vfs_before = change->vfs_now;
	change->vf_before = change->vf_now;
	error = binding_copy(&change->before, &change->now);
	return error ? error : change_set_origin(change, recorded);
}

/* Records the current state of all devices before the first write. */
static int begin(struct journal *journal, struct changes *changes)
{
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++)
		error = set_before(journal, &changes->items[i]);
	if (!error)
		error = journal_reserve(journal, changes);
	for (size_t i = 0; i < changes->count && !error; i++)
		error = set_state(journal, &changes->items[i], CHANGE_APPLYING);
	if (!error)
		error = journal_save(journal);
	if (error < 0)
		forget_unsaved(journal);
	return error;
}

/* ---- applying ---- */

/* Signals are blocked until the changes are applied or rolled back. */
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
			log_error(kernel->log, "interrupted");
	}
	plan_free(&plan);
	for (size_t i = 0; i < changes->count && !error; i++)
		error = execute_verify(kernel, &changes->items[i]);
	return error;
}

/* Whether a VM has the VF INDEX open in VFIO, or that cannot be determined. */
static bool may_be_open(const struct kernel *kernel, const struct pci_address *pf, unsigned index)
{
	char name[32], path[DEVICE_PATH_SIZE], link[ADDRESS_SIZE];
	struct pci_address vf;
	enum vfio_use use;
	int error;

	snprintf(name, sizeof(name), "virtfn%u", index);
	error = sysdir_link_name(sysroot_dir(kernel->root), device_path(pf, name, path), link,
				 sizeof(link));
	if (error < 0 || address_parse_full(link, &vf) < 0)
		return error != -ENOENT;
	use = vfio_address_use(kernel->root, &vf);
	return use == VFIO_USE_OPEN || use == VFIO_USE_FAILED;
}

/* Removes from the settings of CHANGE the VFs that a VM has by now: no VM has a VF when it is
 * created, but a killed run is recovered only later. */
static void skip_open_vfs(const struct kernel *kernel, struct change *change)
{
	char address[ADDRESS_SIZE];
	size_t kept = 0;

	for (size_t i = 0; i < change->settings.count; i++) {
		const struct vf_entry *entry = &change->settings.items[i];

		if (entry->vf.index >= change->vfs_wanted ||
		    !may_be_open(kernel, &change->address, entry->vf.index)) {
			change->settings.items[kept++] = *entry;
			continue;
		}
		change->has_lost = true;
		log_error(
			kernel->log,
			"%s: virtual function %u: settings not restored, because a VM may be using it; check with 'ip link show dev %s'",
			address_format(&change->address, address), entry->vf.index, entry->name);
	}
	change->settings.count = kept;
}

/* Sets the settings of the VFs of CHANGE again if these were created again. It has been verified.
 * Returns 0, also if the driver refuses some; or, if a later run may set them, -ENOMEM, -ETIMEDOUT
 * or -EPERM. */
static int restore_settings(struct kernel *kernel, struct change *change)
{
	struct vf_outcome outcome;
	int error;

	if (!change->is_vfs || !change->settings.count || change->vf_now == change->vf_before)
		return 0;
	skip_open_vfs(kernel, change);
	error = vf_list_apply(kernel, &change->address, &change->settings, change->vfs_wanted,
			      &outcome);
	if (error < 0 || outcome.is_denied)
		return error ? error : -EPERM;
	change->has_lost = change->has_lost || outcome.failed;
	return 0;
}

static int restore_all_settings(struct kernel *kernel, struct changes *changes)
{
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++)
		error = restore_settings(kernel, &changes->items[i]);
	return error;
}

/* ---- rolling back ---- */

/* Continues with the other devices when one fails; FAILED has an element for each change. */
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

/* Makes the changes back to the state before, in reverse order, for the devices that can be read
 * now; others stay in the journal. Returns 0 or -ENOMEM. */
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
		log_warning(kernel->log, "%s: removed; nothing to roll back", address);
		journal_remove(journal, change);
	}
	return 0;
}

/* Returns how many of CHANGES have not been rolled back. */
static size_t count_pending(const struct journal *journal, const struct changes *changes)
{
	size_t count = 0;

	for (size_t i = 0; i < changes->count; i++) {
		const struct change *change = journal_find(
			&journal->changes, &changes->items[i].address, changes->items[i].is_vfs);

		count += change && change->state != CHANGE_BOUND;
	}
	return count;
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
				change->is_vfs		? "its number of VFs or their settings"
				: change->before.driver ? change->before.driver
							: "no driver");
		}
	}
}

/* A rollback of the number of VFs may have created them again. BACK has been verified. */
static void report_lost(const struct kernel *kernel, const struct change *back,
			struct changes *changes)
{
	struct change *change = journal_find(changes, &back->address, true);
	char address[ADDRESS_SIZE];

	if (!back->is_vfs || !change)
		return;
	change->has_lost = back->has_lost;
	if (!back->vfs_lost || back->vf_now == back->vf_before)
		return;
	change->has_lost = true;
	log_error(kernel->log,
		  "%s: its virtual functions were removed and created again; not restored: %s",
		  address_format(&back->address, address), back->vfs_lost);
}

static bool has_lost(const struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		if (changes->items[i].has_lost)
			return true;
	return false;
}

/* Also verifies a device of which a step failed: it may have been restored nevertheless, for
 * example by another program. CHANGES are those that are rolled back. */
static int verify_rollback(struct kernel *kernel, struct journal *journal, struct changes *back,
			   struct changes *changes)
{
	int error = 0;

	for (size_t i = 0; i < back->count && !error; i++) {
		struct change *change = &back->items[i];

		if (kernel->is_busy(kernel, &change->address) || execute_verify(kernel, change) < 0)
			continue;
		error = restore_settings(kernel, change);
		if (error == -ETIMEDOUT || error == -EPERM) {
			error = 0; /* it stays in the journal */
			continue;
		}
		if (error < 0)
			break;
		report_lost(kernel, change, changes);
		error = commit_change(journal, change, &change->wanted);
	}
	return error;
}

/* BACK gets the changes to the former state; the caller frees it. If the journal cannot be saved,
 * the devices are restored anyway: what was saved before the first change is enough to
 * recover them. Returns 0 or a negative errno. */
static int roll_back_changes(struct kernel *kernel, struct journal *journal,
			     struct changes *changes, struct changes *back, bool *failed)
{
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++)
		error = set_state(journal, &changes->items[i], CHANGE_ROLLING_BACK);
	if (error < 0)
		return error;
	journal_save(journal);
	error = plan_rollback(kernel, journal, changes, back);
	if (error < 0)
		return error;
	error = apply_remaining(kernel, back, failed);
	if (!error)
		error = verify_rollback(kernel, journal, back, changes);
	return error ? error : save_result(kernel, journal);
}

/* Returns TRANSACTION_DONE if everything was rolled back, else TRANSACTION_TIMEOUT or
 * TRANSACTION_INCOMPLETE. */
static enum transaction_result rollback(struct kernel *kernel, struct journal *journal,
					struct changes *changes)
{
	struct changes back = {0};
	bool *failed = calloc(changes->count ? changes->count : 1, sizeof(*failed)), busy = false;
	int error = failed ? roll_back_changes(kernel, journal, changes, &back, failed) : -ENOMEM;

	changes_free(&back);
	free(failed);
	if (error == -ENOMEM)
		log_error(kernel->log, "out of memory");
	log_pending(kernel, journal, changes, &busy);
	if (error < 0)
		return TRANSACTION_INCOMPLETE;
	if (busy)
		return TRANSACTION_TIMEOUT;
	return count_pending(journal, changes) || has_lost(changes) ? TRANSACTION_INCOMPLETE
								    : TRANSACTION_DONE;
}

/* ---- transactions ---- */

static int commit_all(struct kernel *kernel, struct journal *journal, struct changes *changes)
{
	int error = 0;

	for (size_t i = 0; i < changes->count && !error; i++)
		error = commit_change(journal, &changes->items[i], &changes->items[i].wanted);
	if (!error)
		return save_result(kernel, journal);
	log_error(kernel->log, "out of memory");
	log_unsaved(kernel);
	return error;
}

/* All CHANGES have been applied and verified. */
static enum transaction_result commit(struct kernel *kernel, struct journal *journal,
				      struct changes *changes)
{
	int error = restore_all_settings(kernel, changes);

	if (error < 0) {
		log_error(
			kernel->log,
			"%s; not all settings of virtual functions are restored; resolve the cause, then run 'vfio-bind recover'",
			error == -ETIMEDOUT ? "timed out" : strerror(-error));
		return error == -ETIMEDOUT ? TRANSACTION_TIMEOUT : TRANSACTION_INCOMPLETE;
	}
	error = commit_all(kernel, journal, changes);
	return error < 0 || has_lost(changes) ? TRANSACTION_INCOMPLETE : TRANSACTION_DONE;
}

enum transaction_result transaction_result_of_errno(int error)
{
	switch (error) {
	case 0:
		return TRANSACTION_DONE;
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
		log_error(kernel->log, "no changes made%s",
			  count_pending(journal, changes)
				  ? ", although the journal has them; run 'vfio-bind recover'"
				  : "");
		result = TRANSACTION_FAILED;
	} else if ((error = apply(kernel, changes)) < 0) {
		result = rollback(kernel, journal, changes);
		if (result == TRANSACTION_DONE)
			result = transaction_result_of_errno(error);
		if (!count_pending(journal, changes) && !has_lost(changes))
			log_error(kernel->log, "rolled back");
	} else {
		result = commit(kernel, journal, changes);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return result;
}

/* ---- recovery ---- */

int transaction_pending(const struct journal *journal, struct changes *ret)
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
	const unsigned quiet = KERNEL_QUIET_SECONDS * (1000 / PAUSE_MS);
	unsigned pauses = seconds * (1000 / PAUSE_MS), waited = 0;

	for (size_t i = 0; i < changes->count; i++)
		for (; waited < pauses && kernel->is_busy(kernel, &changes->items[i].address);
		     waited++) {
			if (waited == quiet)
				kernel_report_wait(
					kernel->log, &changes->items[i].address,
					"the kernel to finish an operation of an earlier run",
					seconds - KERNEL_QUIET_SECONDS,
					"if a VM uses the device, shut it down");
			kernel->pause(kernel, PAUSE_MS);
		}
}

/* Whether all changes were applied before the run was interrupted. */
static bool changes_completed(struct kernel *kernel, struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++) {
		struct change *change = &changes->items[i];

		if (change->state != CHANGE_APPLYING || kernel->is_busy(kernel, &change->address) ||
		    change_read(kernel, change) < 0 || !change_is_applied(change))
			return false;
		/* interrupted before drivers_probe */
		if (change->wanted.autoprobe && !change->now.driver)
			return false;
	}
	return true;
}

static enum transaction_result recover_changes(struct kernel *kernel, struct journal *journal,
					       struct changes *changes, unsigned seconds)
{
	if (!changes->count)
		return TRANSACTION_DONE;
	wait_for_kernel(kernel, changes, seconds);
	if (!changes_completed(kernel, changes))
		return rollback(kernel, journal, changes);
	return commit(kernel, journal, changes);
}

enum transaction_result transaction_recover(struct kernel *kernel, struct journal *journal,
					    unsigned seconds, size_t *ret_count)
{
	struct changes changes = {0};
	enum transaction_result result;
	sigset_t old;

	block_signals(&old);
	if (transaction_pending(journal, &changes) < 0) {
		log_error(kernel->log, "out of memory");
		result = TRANSACTION_INCOMPLETE;
	} else {
		result = recover_changes(kernel, journal, &changes, seconds);
	}
	*ret_count = changes.count;
	changes_free(&changes);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return result;
}
