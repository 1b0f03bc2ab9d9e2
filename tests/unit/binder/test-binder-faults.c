/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fault model: every fault at every step of every plan. Whatever happens, a device ends as it
 * was before the run or as it is after it, or it is reported as unfinished; success is reported
 * only if it is one. */
#include "tests/unit/binder/bindfixture.h"

#include "binder/engine/journal.h"
#include "config.h"
#include "tests/unit/binder/smalldisk.h"

#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- plans ---- */

struct plan_case {
	const char *name;
	void (*prepare)(void);
	int (*subcommand)(struct bind_options *);
	const char *arguments[4];
	bool group;
};

enum { BIND_GROUP, RELEASE_ONE, VFS_2_TO_4, OTHER_PLANS };

static const struct plan_case PLANS[] = {
	[BIND_GROUP] = {"bind --group", prepare_nothing, run_bind, {PAIR1}, true},
	[RELEASE_ONE] = {"release", prepare_bound, run_release, {NIC}, false},
	[VFS_2_TO_4] = {"vfs 2 to 4", prepare_vfs, run_vfs, {NIC, "4"}, false},
	[OTHER_PLANS] = {"bind", prepare_module, run_bind, {NIC}, false},
	{"bind three", prepare_nothing, run_bind, {PAIR0, PAIR1, NIC}, false},
	{"release three", prepare_bound, run_release, {NIC, PAIR0, PAIR1}, false},
	{"release --group", prepare_bound, run_release, {PAIR0}, true},
	{"release of another program's", prepare_foreign, run_release, {NIC, PAIR0}, false},
	{"vfs 0 to 2", prepare_pf, run_vfs, {NIC, "2"}, false},
	{"vfs 2 to 0", prepare_vfs, run_vfs, {NIC, "0"}, false},
};

#define STATE_SIZE 2048

/* Of each device, each VF, and the number of VFs. */
static char *all_states(char ret[static STATE_SIZE])
{
	char line[256], vf[64], *end = states(ret);
	struct sysroot *root;

	end += strlen(ret);
	for (int i = 0; i < 4; i++) {
		snprintf(vf, sizeof(vf), "0000:01:10.%d", i);
		end += snprintf(end, 300, "%s\n", fakekernel_state(&kernel, vf, line));
	}
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	if (sysdir_read(sysroot_dir(root), "sys/bus/pci/devices/" NIC "/sriov_numvfs", line,
			sizeof(line)) > 0)
		snprintf(end, 300, "%s\n", line);
	sysroot_free(root);
	return ret;
}

static int teardown_disk(void **state)
{
	smalldisk_unmount(fake, "run");
	return teardown(state);
}

/* DISK: the journal is on a disk that can be filled. */
static void begin(const struct plan_case *plan, bool disk)
{
	void *state = NULL;

	teardown_disk(&state);
	setup(&state);
	fakesys_directory(fake, "run");
	if (disk)
		assert_true(smalldisk_mount(fake, "run"));
	captured = (struct log_capture){0};
	fakekernel_driver(&kernel, "other-driver");
	plan->prepare();
	kernel.writes = 0;
	kernel.pauses = 0;
}

static int run_plan(const struct plan_case *plan)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, plan->arguments);

	options.group = plan->group;
	return plan->subcommand(&options);
}

static const struct plan_case RECOVER_PLAN = {
	"recover", prepare_nothing, run_recover, {NULL}, false};

/* ---- faults ---- */

static void fill_disk(void)
{
	smalldisk_fill(fake, "run");
}

static void unblock(void)
{
	static const char *const devices[] = {NIC, PAIR0, PAIR1};

	for (size_t i = 0; i < COUNT(devices); i++)
		fakekernel_unblock(&kernel, devices[i]);
}

static bool kills(enum fault fault)
{
	return fault == FAULT_KILL_BEFORE || fault == FAULT_KILL_AFTER ||
	       fault == FAULT_KILL_LATER || fault == FAULT_TERM;
}

static bool has_disk; /* that can be filled */

static bool is_about_driver(enum fault fault)
{
	return fault == FAULT_OTHER_DRIVER || fault == FAULT_OTHER_UNBIND ||
	       fault == FAULT_OTHER_OVERRIDE || fault == FAULT_OTHER_OVERRIDE_BEFORE ||
	       fault == FAULT_NO_OVERRIDE || fault == FAULT_TRUNCATE;
}

/* Whether FAULT can hit what PLAN changes. */
static bool is_possible(const struct plan_case *plan, enum fault fault)
{
	if (fault == FAULT_FULL && !has_disk)
		return false;
	if (fault == FAULT_OTHER_VFS)
		return plan->subcommand == run_vfs;
	return !is_about_driver(fault) || plan->subcommand != run_vfs;
}

/* Of a removed device there is no state to compare. Nor is there of one that another program
 * unbinds after the kernel was asked to choose a driver: there may be none for it. */
static bool is_removed(const struct plan_case *plan, enum fault fault)
{
	return fault == FAULT_REMOVE ||
	       (fault == FAULT_OTHER_UNBIND && plan->prepare == prepare_foreign);
}

static const struct fault_case {
	enum fault fault;
	int error;
	unsigned
		unblock_at; /* pauses until a late call has its effect; 0: after a first recovery */
} FAULTS[] = {
	{FAULT_ERROR, -EBUSY, 0},     {FAULT_ERROR, -ENODEV, 0},
	{FAULT_ERROR_DONE, -EIO, 0},  {FAULT_KILL_BEFORE, 0, 0},
	{FAULT_KILL_AFTER, 0, 0},     {FAULT_KILL_LATER, 0, 1},
	{FAULT_KILL_LATER, 0, 19},    {FAULT_KILL_LATER, 0, 0},
	{FAULT_TERM, 0, 0},	      {FAULT_HANG, 0, 0},
	{FAULT_HANG_DONE, 0, 0},      {FAULT_HANG_LATER, 0, 1},
	{FAULT_HANG_LATER, 0, 0},     {FAULT_FULL, 0, 0},
	{FAULT_TRUNCATE, 0, 0},	      {FAULT_OTHER_DRIVER, 0, 0},
	{FAULT_OTHER_UNBIND, 0, 0},   {FAULT_OTHER_OVERRIDE_BEFORE, 0, 0},
	{FAULT_OTHER_OVERRIDE, 0, 0}, {FAULT_NO_OVERRIDE, 0, 0},
	{FAULT_OTHER_VFS, 0, 0},      {FAULT_REMOVE, 0, 0},
};

static unsigned fault_count;

static void set_faults(const struct fault_case *first, unsigned at, const struct fault_case *second,
		       unsigned second_at)
{
	kernel.fault = first->fault;
	kernel.fault_at = at;
	kernel.error = first->error;
	kernel.second = second ? second->fault : FAULT_NONE;
	kernel.second_at = second_at;
	kernel.full_disk = fill_disk;
	if (second && second->error)
		kernel.error = second->error;
}

static void clear_faults(void)
{
	kernel.fault = kernel.second = FAULT_NONE;
	kernel.full_disk = NULL;
}

#define KILLED (-1)

/* A fault may kill the process, so a child runs the plan. Returns its exit status, or KILLED. The
 * number of writes and the log are not those of the child. */
static int run_in_child(const struct plan_case *plan)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(run_plan(plan));
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : KILLED;
}

static int run_with_faults(const struct plan_case *plan, const struct fault_case *first,
			   unsigned at, const struct fault_case *second, unsigned second_at)
{
	int status;

	fault_count++;
	set_faults(first, at, second, second_at);
	status = kills(first->fault) || (second && kills(second->fault)) ? run_in_child(plan)
									 : run_plan(plan);
	clear_faults();
	return status;
}

/* ---- what must be true ---- */

struct expected {
	const struct plan_case *plan;
	char before[STATE_SIZE], after[STATE_SIZE];
	unsigned steps;
};

static void fail_with(const struct expected *expected, const char *what, const char *now)
{
	print_error("%s: %s\n--- before:\n%s--- after:\n%s--- now:\n%s--- log:\n%s",
		    expected->plan->name, what, expected->before, expected->after, now,
		    captured.text);
	fail();
}

static bool is_explained(const struct expected *expected, const char *now)
{
	return strcmp(now, expected->before) == 0 || strcmp(now, expected->after) == 0;
}

static size_t pending_count(void)
{
	struct changes changes = {0};
	struct sysroot *root;
	size_t count = 0;

	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(journal_read(root, NULL, &changes), 0);
	for (size_t i = 0; i < changes.count; i++)
		count += changes.items[i].state != CHANGE_BOUND;
	changes_free(&changes);
	sysroot_free(root);
	return count;
}

/* The status of a run or recovery. REMOVED: a device is, so that no state is as before. */
static void check_status(const struct expected *expected, int status, bool removed)
{
	char now[STATE_SIZE];

	all_states(now);
	switch (status) {
	case KILLED:
		return;
	case BIND_DONE:
		if (!is_explained(expected, now) && !removed)
			fail_with(expected, "false success", now);
		break;
	case BIND_TIMEOUT:
	case BIND_INCOMPLETE:
		/* modules are loaded before the first change */
		if (!pending_count() && !(expected->plan->prepare == prepare_module &&
					  strcmp(now, expected->before) == 0))
			fail_with(expected, "unfinished, but not in the journal", now);
		return;
	default:
		if (strcmp(now, expected->before) != 0 && !removed)
			fail_with(expected, "failed, but not rolled back", now);
	}
	if (pending_count())
		fail_with(expected, "not reported as unfinished", now);
}

/* Also the exact result of a run without an interruption. */
static void check_run(const struct expected *expected, int status, bool removed)
{
	char now[STATE_SIZE];

	if (status == BIND_DONE && !removed && strcmp(all_states(now), expected->after) != 0)
		fail_with(expected, "false success", now);
	check_status(expected, status, removed);
}

/* Recovers, with blocked calls that return meanwhile, or else after that. */
static void check_recovery(const struct expected *expected, unsigned unblock_at, bool removed)
{
	char now[STATE_SIZE];
	int status;

	kernel.pauses = 0;
	kernel.unblock_at = unblock_at;
	status = RECOVER();
	check_status(expected, status, removed);
	/* success means that nothing is still to come */
	if (status == BIND_DONE) {
		unblock();
		check_status(expected, BIND_DONE, removed);
		return;
	}
	unblock();
	status = RECOVER();
	check_status(expected, status, removed);
	if (status != BIND_DONE)
		fail_with(expected, "not recovered", all_states(now));
}

static void run_without_fault(const struct plan_case *plan, struct expected *ret)
{
	ret->plan = plan;
	begin(plan, false);
	all_states(ret->before);
	assert_int_equal(run_plan(plan), BIND_DONE);
	all_states(ret->after);
	assert_string_not_equal(ret->before, ret->after);
	ret->steps = kernel.writes;
}

/* Runs the plan with one or two faults, and recovers. Returns the number of steps if it was not
 * killed. */
static unsigned check_faults(const struct expected *expected, const struct fault_case *first,
			     unsigned at, const struct fault_case *second, unsigned second_at)
{
	const struct plan_case *plan = expected->plan;
	bool disk = first->fault == FAULT_FULL || (second && second->fault == FAULT_FULL);
	bool removed = is_removed(plan, first->fault) ||
		       (second && is_removed(plan, second->fault));
	unsigned steps;

	begin(plan, disk);
	check_run(expected, run_with_faults(plan, first, at, second, second_at), removed);
	steps = kernel.writes;
	check_recovery(expected, second ? second->unblock_at : first->unblock_at, removed);
	return steps;
}

/* With sanitizers, which take several times as long, each step gets a fifth of the
 * faults, and each fault every fifth step; the other builds try all. */
static bool is_sampled(unsigned at, size_t fault)
{
#ifdef WITH_SANITIZERS
	return (at + fault) % 5 == 0;
#else
	(void)at;
	(void)fault;
	return true;
#endif
}

/* ---- tests ---- */

static void every_fault_at_every_step_of_every_plan(void **state)
{
	static struct expected expected;
	unsigned steps = 0;

	(void)state;
	fault_count = 0;
	for (size_t p = 0; p < COUNT(PLANS); p++) {
		run_without_fault(&PLANS[p], &expected);
		steps += expected.steps;
		for (unsigned at = 1; at <= expected.steps; at++)
			for (size_t f = 0; f < COUNT(FAULTS); f++)
				if (is_possible(&PLANS[p], FAULTS[f].fault) && is_sampled(at, f))
					check_faults(&expected, &FAULTS[f], at, NULL, 0);
	}
	print_message("# %u faults at %u steps of %zu plans\n", fault_count, steps, COUNT(PLANS));
}

/* Plans of each kind, with at most two devices. */
static const size_t SHORT_PLANS[] = {BIND_GROUP, RELEASE_ONE, VFS_2_TO_4};

/* The first fault is an error, which starts a rollback, or a full disk. */
static void every_second_fault_at_every_later_step(void **state)
{
	static const struct fault_case firsts[] = {{FAULT_ERROR, -EBUSY, 0}, {FAULT_FULL, 0, 0}};
	static struct expected expected;
	unsigned pairs = 0;

	(void)state;
	fault_count = 0;
	for (size_t p = 0; p < COUNT(SHORT_PLANS); p++) {
		run_without_fault(&PLANS[SHORT_PLANS[p]], &expected);
		for (size_t i = 0; i < COUNT(firsts); i++)
			for (unsigned at = 1; at <= expected.steps; at++) {
				unsigned steps, second;

				if (!is_possible(expected.plan, firsts[i].fault))
					continue;
				steps = check_faults(&expected, &firsts[i], at, NULL, 0);
				for (second = at + 1; second <= steps; second++)
					for (size_t f = 0; f < COUNT(FAULTS); f++)
						if (is_possible(expected.plan, FAULTS[f].fault) &&
						    is_sampled(second, f) && ++pairs)
							check_faults(&expected, &firsts[i], at,
								     &FAULTS[f], second);
			}
	}
	print_message("# %u runs with one or both of %u pairs of faults in %zu plans\n",
		      fault_count, pairs, COUNT(SHORT_PLANS));
}

/* Kills a run after its step AT, which must not be the last one. */
static void begin_recovery(const struct plan_case *plan, unsigned at, bool disk)
{
	static const struct fault_case killed = {FAULT_KILL_AFTER, 0, 0};

	begin(plan, disk);
	assert_int_equal(run_with_faults(plan, &killed, at, NULL, 0), KILLED);
	fault_count--;
	kernel.writes = 0;
}

static void check_faulty_recovery(const struct expected *expected, unsigned killed_at,
				  const struct fault_case *fault, unsigned at)
{
	bool removed = is_removed(expected->plan, fault->fault);

	begin_recovery(expected->plan, killed_at, fault->fault == FAULT_FULL);
	check_status(expected, run_with_faults(&RECOVER_PLAN, fault, at, NULL, 0), removed);
	check_recovery(expected, fault->unblock_at, removed);
}

static void every_fault_at_every_step_of_every_recovery(void **state)
{
	static struct expected expected;

	(void)state;
	fault_count = 0;
	for (size_t p = 0; p < COUNT(SHORT_PLANS); p++) {
		run_without_fault(&PLANS[SHORT_PLANS[p]], &expected);
		for (unsigned killed = 1; killed < expected.steps; killed++) {
			unsigned steps;

			begin_recovery(expected.plan, killed, false);
			assert_int_equal(RECOVER(), BIND_DONE);
			steps = kernel.writes;
			for (unsigned at = 1; at <= steps; at++)
				for (size_t f = 0; f < COUNT(FAULTS); f++)
					if (is_possible(expected.plan, FAULTS[f].fault) &&
					    is_sampled(at, f))
						check_faulty_recovery(&expected, killed, &FAULTS[f],
								      at);
		}
	}
	print_message("# %u faults in recoveries of %zu plans\n", fault_count, COUNT(SHORT_PLANS));
}

/* Whether a traced process is about to make one of the calls by which the journal is saved. */
static bool is_saving(pid_t pid)
{
	struct __ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info), &info) <= 0 ||
	    info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return false;
	return info.entry.nr == SYS_fsync || info.entry.nr == SYS_renameat2 ||
	       info.entry.nr == SYS_renameat || info.entry.nr == SYS_unlinkat ||
	       info.entry.nr == SYS_ftruncate;
}

/* Kills the plan before its call number AT of these. Returns whether it makes as many. */
static bool kill_while_saving(const struct plan_case *plan, unsigned at)
{
	pid_t child = fork();
	unsigned calls = 0;
	int status;

	if (child == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(0);
		raise(SIGSTOP);
		_exit(run_plan(plan));
	}
	for (;;) {
		assert_int_equal(waitpid(child, &status, 0), child);
		if (!WIFSTOPPED(status))
			return false; /* or ptrace(2) is not permitted */
		ptrace(PTRACE_SETOPTIONS, child, NULL, PTRACE_O_TRACESYSGOOD);
		if (is_saving(child) && ++calls == at)
			break;
		assert_int_equal(ptrace(PTRACE_SYSCALL, child, NULL, NULL), 0);
	}
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, &status, 0), child);
	return true;
}

static void a_run_killed_while_it_saves_the_journal_is_recovered(void **state)
{
	static struct expected expected;

	(void)state;
	fault_count = 0;
	for (size_t p = 0; p < COUNT(SHORT_PLANS); p++) {
		bool killed = true;

		run_without_fault(&PLANS[SHORT_PLANS[p]], &expected);
		for (unsigned at = 1; killed; at++) {
			begin(expected.plan, false);
			killed = kill_while_saving(expected.plan, at);
			fault_count += killed;
			check_recovery(&expected, 0, false);
		}
	}
	print_message("# killed at %u calls that save the journal\n", fault_count);
}

static void a_full_disk_prevents_the_first_change(void **state)
{
	static struct expected expected;
	char now[STATE_SIZE];

	(void)state;
	if (!has_disk)
		skip();
	for (size_t p = 0; p < COUNT(PLANS); p++) {
		run_without_fault(&PLANS[p], &expected);
		begin(&PLANS[p], true);
		/* the journal's directory and lock exist */
		assert_int_equal(RECOVER(), BIND_DONE);
		smalldisk_fill(fake, "run");
		captured = (struct log_capture){0};
		kernel.writes = 0;
		assert_int_equal(run_plan(&PLANS[p]), BIND_FAILED);
		assert_contains(captured.text, "No space left on device\n");
		assert_contains(captured.text, "no changes made\n");
		assert_string_equal(all_states(now), expected.before);
		assert_int_equal(pending_count(), 0);
		smalldisk_empty(fake, "run");
		assert_int_equal(run_plan(&PLANS[p]), BIND_DONE);
		assert_string_equal(all_states(now), expected.after);
	}
}

/* Whatever happens to the journal, the devices are restored; a later recovery finds them so. */
static void a_journal_that_cannot_be_saved_prevents_no_rollback(void **state)
{
	static const struct fault_case no_journal = {FAULT_NO_JOURNAL, 0, 0};
	static const struct fault_case error = {FAULT_ERROR, -EBUSY, 0};
	static struct expected expected;
	char now[STATE_SIZE];

	(void)state;
	for (size_t p = 0; p < COUNT(SHORT_PLANS); p++) {
		run_without_fault(&PLANS[SHORT_PLANS[p]], &expected);
		for (unsigned at = 1; at <= expected.steps; at++)
			for (unsigned second = at + 1; second <= expected.steps; second++) {
				begin(expected.plan, false);
				captured = (struct log_capture){0};
				assert_int_equal(run_with_faults(expected.plan, &no_journal, at,
								 &error, second),
						 BIND_INCOMPLETE);
				assert_contains(captured.text, "rolled back\n");
				assert_contains(captured.text, "journal does not have");
				assert_string_equal(all_states(now), expected.before);
				fakesys_remove(fake, JOURNAL_PATH ".new");
				assert_int_equal(RECOVER(), BIND_DONE);
				assert_string_equal(all_states(now), expected.before);
				assert_int_equal(pending_count(), 0);
			}
	}
}

static bool can_mount(void)
{
	void *state = NULL;
	bool mounted;

	setup(&state);
	fakesys_directory(fake, "run");
	mounted = smalldisk_mount(fake, "run");
	teardown_disk(&state);
	return mounted;
}

int main(void)
{
#define TEST_DISK(name) cmocka_unit_test_setup_teardown(name, setup, teardown_disk)
	const struct CMUnitTest tests[] = {
		TEST_DISK(every_fault_at_every_step_of_every_plan),
		TEST_DISK(every_second_fault_at_every_later_step),
		TEST_DISK(every_fault_at_every_step_of_every_recovery),
		TEST_DISK(a_run_killed_while_it_saves_the_journal_is_recovered),
		TEST_DISK(a_full_disk_prevents_the_first_change),
		TEST_DISK(a_journal_that_cannot_be_saved_prevents_no_rollback),
	};

	smalldisk_init();
	has_disk = can_mount();
	return cmocka_run_group_tests_name("binder-faults", tests, NULL, NULL);
}
