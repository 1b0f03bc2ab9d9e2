/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Errors, kills and concurrent runs at every step, and what the journal recovers. */
#include "tests/unit/binder/bindfixture.h"

#include "binder/engine/journal.h"
#include "binder/hazards/hazard.h"

#include <glob.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- faults at every step ---- */

struct scenario {
	const char *name;
	void (*prepare)(void);
	int (*subcommand)(struct bind_options *);
	const char *arguments[4];
};

static const struct scenario SCENARIOS[] = {
	{"bind one", prepare_nothing, run_bind, {NIC}},
	{"bind three", prepare_nothing, run_bind, {PAIR0, PAIR1, NIC}},
	{"release one", prepare_bound, run_release, {NIC}},
	{"release three", prepare_bound, run_release, {NIC, PAIR0, PAIR1}},
	{"release devices bound by another program",
	 prepare_foreign,
	 run_release,
	 {NIC, PAIR0, PAIR1}},
};

static void begin(const struct scenario *scenario)
{
	void *state = NULL;

	teardown(&state);
	setup(&state);
	scenario->prepare();
	kernel.writes = 0;
}

static int run_scenario(const struct scenario *scenario, enum fault fault, unsigned at, int error)
{
	int status;

	kernel.fault = fault;
	kernel.fault_at = at;
	kernel.error = error;
	status = run(scenario->subcommand, scenario->arguments);
	kernel.fault = FAULT_NONE;
	return status;
}

/* Runs the scenario without a fault. Returns the number of writes. */
static unsigned run_without_fault(const struct scenario *scenario, char before[static 1024],
				  char after[static 1024])
{
	begin(scenario);
	states(before);
	assert_int_equal(run_scenario(scenario, FAULT_NONE, 0, 0), BIND_DONE);
	states(after);
	assert_string_not_equal(before, after);
	return kernel.writes;
}

/* A step of a scenario, and the states before and after the whole. */
struct step_of_scenario {
	const struct scenario *scenario;
	unsigned at; /* the first is 1 */
	bool is_last;
	const char *before, *after;
};

static void at_each_step(void (*check)(const struct step_of_scenario *step))
{
	char before[1024], after[1024];

	for (size_t i = 0; i < COUNT(SCENARIOS); i++) {
		unsigned steps = run_without_fault(&SCENARIOS[i], before, after);

		for (unsigned at = 1; at <= steps; at++)
			check(&(struct step_of_scenario){&SCENARIOS[i], at, at == steps, before,
							 after});
	}
}

static void roll_back_an_error(const struct step_of_scenario *step)
{
	static const int errors[] = {-EBUSY, -ENODEV, -EINVAL, -EAGAIN, -EIO};
	char now[1024];
	int status;

	for (size_t e = 0; e < COUNT(errors); e++) {
		begin(step->scenario);
		status = run_scenario(step->scenario, FAULT_ERROR, step->at, errors[e]);
		assert_int_equal(status, kernel.hit_alias ? BIND_DONE : BIND_FAILED);
		assert_string_equal(states(now), kernel.hit_alias ? step->after : step->before);
		/* a second run succeeds */
		assert_int_equal(run_scenario(step->scenario, FAULT_NONE, 0, 0), BIND_DONE);
		assert_string_equal(states(now), step->after);
	}
}

static void an_error_at_any_step_is_rolled_back(void **state)
{
	(void)state;
	at_each_step(roll_back_an_error);
}

static bool has_markers(void)
{
	char pattern[256];
	glob_t found;
	bool result;

	snprintf(pattern, sizeof(pattern), "%s/run/vfio-bind/changing-*", fake->path);
	result = glob(pattern, 0, NULL, &found) == 0;
	globfree(&found);
	return result;
}

/* Runs the scenario in a child process, which a signal ends. */
static void run_in_child(const struct scenario *scenario, enum fault fault, unsigned at, int signal)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (child == 0)
		_exit(run_scenario(scenario, fault, at, 0));
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == signal);
}

static void kill_at(const struct scenario *scenario, enum fault fault, unsigned at)
{
	run_in_child(scenario, fault, at, SIGKILL);
}

static void send_sigterm(const struct step_of_scenario *step)
{
	char now[1024];

	begin(step->scenario);
	run_in_child(step->scenario, FAULT_TERM, step->at, SIGTERM);
	assert_string_equal(states(now), step->is_last ? step->after : step->before);
	kernel.written[0] = '\0';
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_string_equal(kernel.written, "");
}

static void sigterm_is_deferred_until_the_rollback_is_complete(void **state)
{
	(void)state;
	at_each_step(send_sigterm);
}

static void kill_and_recover(const struct step_of_scenario *step)
{
	static const enum fault faults[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER};
	char now[1024];

	for (size_t f = 0; f < COUNT(faults); f++) {
		bool done = step->is_last && faults[f] == FAULT_KILL_AFTER;

		begin(step->scenario);
		kill_at(step->scenario, faults[f], step->at);
		assert_int_equal(RECOVER(), BIND_DONE);
		assert_string_equal(states(now), done ? step->after : step->before);
		assert_int_equal(RECOVER(), BIND_DONE);
		assert_int_equal(run_scenario(step->scenario, FAULT_NONE, 0, 0), BIND_DONE);
		assert_string_equal(states(now), step->after);
	}
}

static void a_run_killed_at_any_step_is_recovered(void **state)
{
	(void)state;
	at_each_step(kill_and_recover);
}

static void a_recovery_killed_at_any_step_is_recovered(void **state)
{
	static const struct scenario recovery = {"recover", prepare_nothing, run_recover, {NULL}};
	char before[1024], after[1024], now[1024];
	unsigned steps = run_without_fault(&SCENARIOS[1], before, after);

	(void)state;
	for (unsigned at = 2; at <= steps; at++)
		for (unsigned again = 1;; again++) {
			pid_t child;
			int status;

			begin(&SCENARIOS[1]);
			kill_at(&SCENARIOS[1], FAULT_KILL_BEFORE, at);
			child = fork();
			if (child == 0)
				_exit(run_scenario(&recovery, FAULT_KILL_AFTER, again, 0));
			assert_int_equal(waitpid(child, &status, 0), child);
			if (!WIFSIGNALED(status))
				break; /* no more steps */
			assert_int_equal(RECOVER(), BIND_DONE);
			assert_string_equal(states(now), before);
			assert_int_equal(journal_size(), 0);
		}
}

static void the_next_run_recovers_an_interrupted_run(void **state)
{
	(void)state;
	begin(&SCENARIOS[1]);
	kill_at(&SCENARIOS[1], FAULT_KILL_AFTER, 5);
	assert_int_equal(BIND(DISK), BIND_DONE);
	assert_contains(captured.text, "recovered 3 devices left by an interrupted run");
	assert_state(PAIR0, "nouveau -");
	assert_state(PAIR1, "snd_hda_intel -");
	assert_state(NIC, "e1000e -");
	assert_state(DISK, "vfio-pci vfio-pci");
}

static void a_recovery_reports_that_it_waits(void **state)
{
	struct bind_options options;

	(void)state;
	begin(&SCENARIOS[1]);
	run_scenario(&SCENARIOS[1], FAULT_HANG, 1, 0);
	captured = (struct log_capture){0};
	options = fakekernel_options(&kernel, &captured, ARGS(NULL));
	options.timeout = 30;
	assert_int_equal(run_recover(&options), BIND_TIMEOUT);
	assert_contains(
		captured.text,
		"waiting for the kernel to finish an operation of an earlier run, at most 28 seconds longer; "
		"if a VM uses the device, shut it down\n");
	assert_contains(captured.text,
			"the kernel has not finished; run 'vfio-bind recover' later");
	assert_int_equal(captured.warnings, 1);
}

/* The model ends the test if a device is written while a call for it is blocked. */
static void block_a_call(const struct step_of_scenario *step)
{
	static const enum fault faults[] = {FAULT_HANG, FAULT_HANG_DONE};
	static const char *const devices[] = {NIC, PAIR0, PAIR1};
	char now[1024];

	for (size_t f = 0; f < COUNT(faults); f++) {
		begin(step->scenario);
		assert_int_equal(run_scenario(step->scenario, faults[f], step->at, 0),
				 BIND_TIMEOUT);
		/* still blocked; other devices can be changed */
		assert_int_equal(RECOVER(), BIND_TIMEOUT);
		assert_int_equal(run_scenario(step->scenario, FAULT_NONE, 0, 0), BIND_TIMEOUT);
		assert_int_equal(BIND(DISK), BIND_DONE);
		assert_int_equal(RELEASE(DISK), BIND_DONE);
		for (size_t c = 0; c < COUNT(devices); c++)
			fakekernel_unblock(&kernel, devices[c]);
		assert_int_equal(RECOVER(), BIND_DONE);
		assert_string_equal(states(now), step->before);
	}
}

static void a_device_with_a_blocked_call_is_not_written(void **state)
{
	(void)state;
	at_each_step(block_a_call);
}

static void remove_a_device(const struct step_of_scenario *step)
{
	char now[1024];
	size_t gone = 0;

	begin(step->scenario);
	assert_int_equal(run_scenario(step->scenario, FAULT_REMOVE, step->at, 0), BIND_FAILED);
	states(now);
	for (const char *p = now; (p = strstr(p, "gone")); p++)
		gone++;
	assert_int_equal(gone, 1);
	/* the other devices are unchanged */
	for (char *line = strtok(now, "\n"); line; line = strtok(NULL, "\n"))
		assert_true(strcmp(line, "gone") == 0 || strstr(step->before, line));
	assert_int_equal(RECOVER(), BIND_DONE);
}

static void a_removed_device_does_not_affect_the_others(void **state)
{
	(void)state;
	at_each_step(remove_a_device);
}

static void bind_another_driver(const struct step_of_scenario *step)
{
	char now[1024];
	int status;

	begin(step->scenario);
	fakekernel_driver(&kernel, "other-driver");
	status = run_scenario(step->scenario, FAULT_OTHER_DRIVER, step->at, 0);
	/* it is bound only while the device has no driver */
	assert_true(status == BIND_DONE || status == BIND_FAILED);
	assert_string_equal(states(now), status == BIND_DONE ? step->after : step->before);
	assert_null(strstr(now, "other-driver"));
}

static void a_driver_bound_by_another_program_is_unbound(void **state)
{
	(void)state;
	fakekernel_driver(&kernel, "other-driver");
	at_each_step(bind_another_driver);
}

static void change_the_override(const struct step_of_scenario *step)
{
	char now[1024];

	begin(step->scenario);
	assert_int_equal(run_scenario(step->scenario, FAULT_OTHER_OVERRIDE, step->at, 0),
			 BIND_DONE);
	if (!kernel.hit_alias) /* it is not set yet */
		assert_contains(captured.text,
				"another program has changed driver_override to other-driver");
	assert_string_equal(states(now), step->after);
}

static void an_override_changed_by_another_program_is_set_again(void **state)
{
	(void)state;
	at_each_step(change_the_override);
}

/* udev's rules do not touch a device that has a marker. The model ends the test if a device without
 * one is written. */
static void look_for_markers(const struct step_of_scenario *step)
{
	assert_false(has_markers()); /* of the runs before */
	begin(step->scenario);
	run_scenario(step->scenario, FAULT_ERROR, step->at, -EIO);
	assert_false(has_markers());
	begin(step->scenario);
	kill_at(step->scenario, FAULT_KILL_BEFORE, step->at);
	assert_true(has_markers());
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_false(has_markers());
}

static void a_device_has_a_marker_until_its_change_is_complete(void **state)
{
	(void)state;
	at_each_step(look_for_markers);
	/* of a run that was killed before it had written the journal */
	fakesys_file(fake, "run/vfio-bind/changing-" NIC, "");
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_false(has_markers());
}

static void a_truncated_override_is_detected(void **state)
{
	(void)state;
	fakekernel_driver(&kernel, "vfio-pci");
	kernel.fault = FAULT_TRUNCATE;
	kernel.fault_at = 1;
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_state(NIC, "e1000e -");
	assert_null(strstr(kernel.written, "unbind")); /* nothing was unbound */
}

static void rollback_is_in_reverse_order(void **state)
{
	const char *first, *second;

	(void)state;
	fakesys_file(fake, "model/probe/vfio-pci", "5\n");
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_FAILED);
	first = strstr(kernel.written, "\\n > sys/bus/pci/devices/" PAIR1);
	second = strstr(kernel.written, "\\n > sys/bus/pci/devices/" PAIR0);
	assert_non_null(first);
	assert_non_null(second);
	assert_true(first < second);
}

/* The kernel says that the last step of the rollback has failed, but the device is as before. */
static void a_restored_device_is_not_unfinished(void **state)
{
	(void)state;
	fakekernel_driver(&kernel, "vfio-pci");
	kernel.fault = FAULT_ERROR;
	kernel.fault_at = 3;
	kernel.second = FAULT_ERROR_DONE;
	kernel.second_at = 5;
	kernel.error = -EBUSY;
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_contains(captured.text, "rolled back");
	assert_state(NIC, "e1000e -");
	assert_int_equal(kernel.writes, 5);
	assert_int_equal(journal_size(), 0);
}

static void a_failed_rollback_is_logged_and_kept_in_the_journal(void **state)
{
	(void)state;
	fakekernel_driver(&kernel, "vfio-pci");
	fakesys_file(fake, "model/probe/vfio-pci", "5\n");
	fakesys_file(fake, "model/probe/e1000e", "5\n");
	assert_int_equal(BIND(NIC), BIND_INCOMPLETE);
	assert_contains(captured.text, "could not restore e1000e");
	assert_int_equal(journal_size(), 1);
	assert_int_equal(RECOVER(), BIND_INCOMPLETE);
	assert_int_equal(BIND(NIC), BIND_REFUSED);
	fakesys_remove(fake, "model/probe");
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_state(NIC, "e1000e -");
	assert_int_equal(journal_size(), 0);
}

/* ---- concurrent runs ---- */

/* A process that has the journal open until it is killed. */
static pid_t start_other_run(void)
{
	int ready[2];
	char byte;
	pid_t run;

	assert_int_equal(pipe(ready), 0);
	run = fork();
	if (run == 0) {
		struct journal journal;
		struct sysroot *root;

		if (sysroot_new(fake->path, &root) == 0 &&
		    journal_open(root, NULL, 0, &journal) == 0 && write(ready[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return run;
}

static void kill_other_run(pid_t run)
{
	assert_int_equal(kill(run, SIGKILL), 0);
	assert_int_equal(waitpid(run, NULL, 0), run);
}

static void a_locked_journal_fails_after_the_timeout(void **state)
{
	pid_t other = start_other_run();

	(void)state;
	assert_int_equal(BIND(NIC), BIND_LOCKED);
	assert_int_equal(RECOVER(), BIND_LOCKED);
	assert_string_equal(kernel.written, "");
	kill_other_run(other);
	assert_int_equal(BIND(NIC), BIND_DONE);
}

static void waiting_for_another_run_is_reported(void **state)
{
	struct log log = log_capture_add(&captured);
	pid_t other = start_other_run();
	struct journal journal;
	struct sysroot *root;

	(void)state;
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(journal_open(root, &log, 3, &journal), -EAGAIN);
	assert_contains(
		captured.text,
		"warning: waiting for another vfio-bind to finish, at most 1 second longer\n");
	assert_contains(captured.text, "error: another vfio-bind is running; try again\n");
	journal_close(&journal);
	kill_other_run(other);
	captured = (struct log_capture){0};
	assert_int_equal(journal_open(root, &log, 3, &journal), 0);
	assert_string_equal(captured.text, "");
	journal_close(&journal);
	sysroot_free(root);
}

static void of_concurrent_runs_one_writes_and_all_succeed(void **state)
{
	pid_t children[8];
	unsigned writers = 0;
	int status;

	(void)state;
	fakekernel_driver(&kernel, "vfio-pci");
	for (size_t i = 0; i < COUNT(children); i++) {
		children[i] = fork();
		if (children[i] == 0) {
			kernel.kernel.timeout = 30;
			struct bind_options options = fakekernel_options(&kernel, &captured,
									 ARGS(NIC, PAIR0, PAIR1));

			options.timeout = 30;
			kernel.written[0] = '\0';
			status = run_bind(&options);
			_exit(status ? status : kernel.written[0] ? 200 : 0);
		}
	}
	for (size_t i = 0; i < COUNT(children); i++) {
		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 200);
		writers += WEXITSTATUS(status) == 200;
	}
	assert_int_equal(writers, 1);
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* ---- the journal ---- */

static void a_replaced_device_does_not_get_the_driver_of_the_old_one(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakekernel_remove(&kernel, NIC);
	/* another file reuses the inode number */
	fakesys_file(fake, "sys/bus/pci/devices/other", "");
	fakekernel_pci(&kernel, NIC, .vendor = 0x10de, .device = 1, .class = 0x030000, .group = "1",
		       .driver = "nouveau");
	assert_int_equal(BIND(DISK), BIND_DONE);
	assert_int_equal(journal_size(), 1); /* the disk's */
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "nouveau -");
}

static void an_invalid_journal_prevents_changes(void **state)
{
	(void)state;
	fakesys_file(fake, "run/vfio-bind/journal", "vfio-bind 1\nbound nonsense\n");
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_contains(captured.text, "journal:2: invalid journal");
	assert_string_equal(kernel.written, "");
}

/* "no changes made" and "UNFINISHED" would contradict each other. */
static void a_journal_that_cannot_be_written_leaves_nothing_unfinished(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NIC));
	char output[OUTPUT_SIZE];

	(void)state;
	assert_int_equal(BIND(DISK), BIND_DONE);
	fakesys_directory(fake, "run/vfio-bind/journal.new");
	kernel.written[0] = '\0';
	assert_int_equal(run_printing(&options, "bind", output), BIND_FAILED);
	assert_contains(captured.text, "no changes made\n");
	assert_string_equal(output, NIC ": unchanged (e1000e)\n");
	assert_string_equal(kernel.written, "");
	options = fakekernel_options(&kernel, &captured, ARGS(DISK));
	assert_int_equal(run_printing(&options, "release", output), BIND_FAILED);
	assert_string_equal(output, DISK ": unchanged (vfio-pci)\n");
	fakesys_remove(fake, "run/vfio-bind/journal.new");
	assert_int_equal(RELEASE(DISK), BIND_DONE);
	assert_state(DISK, "nvme -");
}

static void status_and_check_work_with_an_invalid_journal(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NULL));
	char output[OUTPUT_SIZE];

	(void)state;
	fakesys_file(fake, "run/vfio-bind/journal", "vfio-bind 1\nbound nonsense\n");
	assert_int_equal(run_printing(&options, "status", output), BIND_FAILED);
	assert_contains(captured.text, "journal:2: invalid journal");
	assert_contains(output, "\n" NIC " 8086:10d3 e1000e ");
	assert_contains(output, "\n" DISK " 1b36:0010 nvme ");
	options.json = true;
	assert_int_equal(run_printing(&options, "status", output), BIND_FAILED);
	assert_contains(output, "\"status\": 1,");
	assert_contains(output, "\"journal_readable\": false,");
	options = fakekernel_options(&kernel, &captured, ARGS(NIC));
	assert_int_equal(run_printing(&options, "status", output), BIND_FAILED);
	assert_contains(output, "journal    unreadable");
	/* it cannot be bound now */
	assert_int_equal(run_printing(&options, "check", output), BIND_FAILED);
	assert_contains(output, NIC ": could be bound");
	options.dry_run = true;
	assert_int_equal(run_printing(&options, "bind", output), BIND_FAILED);
}

static void a_recovery_reports_what_became_of_each_device(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, ARGS(NULL));
	char output[OUTPUT_SIZE];

	(void)state;
	assert_int_equal(run_printing(&options, "recover", output), BIND_DONE);
	assert_string_equal(output, "nothing to recover\n");

	begin(&SCENARIOS[1]);
	kill_at(&SCENARIOS[1], FAULT_KILL_AFTER, 5);
	fakekernel_remove(&kernel, PAIR1);
	options = fakekernel_options(&kernel, &captured, ARGS(NULL));
	assert_int_equal(run_printing(&options, "recover", output), BIND_DONE);
	assert_contains(output, PAIR0 ": rolled back (now nouveau)\n");
	assert_contains(output, PAIR1 ": removed\n");
	assert_contains(output, NIC ": rolled back (now e1000e)\nrecovered 3 devices\n");

	begin(&SCENARIOS[0]);
	kill_at(&SCENARIOS[0], FAULT_KILL_AFTER, 3);
	options = fakekernel_options(&kernel, &captured, ARGS(NULL));
	options.json = true;
	assert_int_equal(run_printing(&options, "recover", output), BIND_DONE);
	assert_contains(output, "\"subcommand\": \"recover\",");
	assert_contains(output, "\"address\": \"" NIC "\",");
	assert_contains(output, "\"result\": \"completed\",");
	assert_contains(output, "\"driver\": \"vfio-pci\",");
	assert_contains(output, "\"driver_before\": \"e1000e\",");
	assert_contains(output, "\"journal\": \"bound\",");

	begin(&SCENARIOS[0]);
	run_scenario(&SCENARIOS[0], FAULT_HANG, 2, 0);
	options = fakekernel_options(&kernel, &captured, ARGS(NULL));
	options.json = true;
	assert_int_equal(run_printing(&options, "recover", output), BIND_TIMEOUT);
	assert_contains(output, "\"status\": 124,");
	assert_contains(output, "\"result\": \"unfinished\",");
	assert_contains(output, "\"busy\": true,");
}

static void a_journal_directory_writable_by_others_is_rejected(void **state)
{
	char path[128];

	(void)state;
	fakesys_directory(fake, "run/vfio-bind");
	snprintf(path, sizeof(path), "%s/run/vfio-bind", fake->path);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(BIND(NIC), BIND_PERMISSION);
	/* root needs no advice to run as root */
	assert_contains(captured.text, geteuid() == 0 ? "or owned or writable by other users\n"
						      : "; run as root\n");
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(BIND(NIC), BIND_DONE);
}

/* ---- virtual functions ---- */

static void a_failed_number_of_vfs_is_rolled_back(void **state)
{
	static const struct scenario scenario = {"vfs", prepare_pf, run_vfs, {NIC, "4"}};

	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "2")), BIND_DONE);
	kernel.writes = 0;
	assert_int_equal(run_scenario(&scenario, FAULT_ERROR, 2, -ENOMEM), BIND_FAILED);
	assert_state("0000:01:10.1", "igbvf -");
	assert_state("0000:01:10.2", "gone");
	kernel.writes = 0;
	kill_at(&scenario, FAULT_KILL_AFTER, 1);
	assert_state("0000:01:10.1", "gone");
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_state("0000:01:10.1", "igbvf -");
	assert_int_equal(journal_size(), 0);
}

static int run_vfs_allowed(struct bind_options *options)
{
	options->allowed = 1u << HAZARD_VF_SETTINGS;
	return run_vfs(options);
}

/* The VFs are created again, but without their drivers. */
static void a_rollback_of_vfs_reports_what_it_does_not_restore(void **state)
{
	static const struct scenario scenario = {"vfs", prepare_pf, run_vfs_allowed, {NIC, "4"}};
	static const char lost[] = NIC
		": its virtual functions were removed and created again; not restored: "
		"0000:01:10.0 bound to vfio-pci; 0000:01:10.1 bound to vfio-pci";

	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, ARGS(NIC, "2")), BIND_DONE);
	assert_int_equal(BIND("0000:01:10.0", "0000:01:10.1"), BIND_DONE);
	/* nothing is lost if the VFs could not be removed */
	kernel.writes = 0;
	assert_int_equal(run_scenario(&scenario, FAULT_ERROR, 1, -EBUSY), BIND_FAILED);
	assert_contains(captured.text, "rolled back");
	assert_state("0000:01:10.1", "vfio-pci vfio-pci");

	captured = (struct log_capture){0};
	kernel.writes = 0;
	assert_int_equal(run_scenario(&scenario, FAULT_ERROR, 2, -ENOMEM), BIND_INCOMPLETE);
	assert_contains(captured.text, lost);
	assert_null(strstr(captured.text, "rolled back"));
	assert_state("0000:01:10.0", "igbvf -");

	assert_int_equal(BIND("0000:01:10.0", "0000:01:10.1"), BIND_DONE);
	captured = (struct log_capture){0};
	kernel.writes = 0;
	kill_at(&scenario, FAULT_KILL_AFTER, 1);
	assert_int_equal(RECOVER(), BIND_INCOMPLETE);
	assert_contains(captured.text, lost);
	assert_state("0000:01:10.1", "igbvf -");
	assert_int_equal(RECOVER(), BIND_DONE);

	/* killed after the rollback has created the VFs again */
	assert_int_equal(BIND("0000:01:10.0", "0000:01:10.1"), BIND_DONE);
	kernel.writes = 0;
	kill_at(&scenario, FAULT_KILL_AFTER, 1);
	kernel.writes = 0;
	kill_at(&(struct scenario){"recover", prepare_pf, run_recover, {NULL}}, FAULT_KILL_AFTER,
		1);
	captured = (struct log_capture){0};
	assert_int_equal(BIND(DISK), BIND_DONE);
	assert_contains(captured.text, lost);
	assert_contains(captured.text, "recovered 1 device left by an interrupted run");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_error_at_any_step_is_rolled_back),
		TEST(a_run_killed_at_any_step_is_recovered),
		TEST(a_recovery_killed_at_any_step_is_recovered),
		TEST(sigterm_is_deferred_until_the_rollback_is_complete),
		TEST(the_next_run_recovers_an_interrupted_run),
		TEST(a_recovery_reports_that_it_waits),
		TEST(a_device_with_a_blocked_call_is_not_written),
		TEST(a_removed_device_does_not_affect_the_others),
		TEST(a_driver_bound_by_another_program_is_unbound),
		TEST(an_override_changed_by_another_program_is_set_again),
		TEST(a_device_has_a_marker_until_its_change_is_complete),
		TEST(a_truncated_override_is_detected),
		TEST(rollback_is_in_reverse_order),
		TEST(a_restored_device_is_not_unfinished),
		TEST(a_failed_rollback_is_logged_and_kept_in_the_journal),
		TEST(a_locked_journal_fails_after_the_timeout),
		TEST(waiting_for_another_run_is_reported),
		TEST(of_concurrent_runs_one_writes_and_all_succeed),
		TEST(a_replaced_device_does_not_get_the_driver_of_the_old_one),
		TEST(an_invalid_journal_prevents_changes),
		TEST(a_journal_that_cannot_be_written_leaves_nothing_unfinished),
		TEST(status_and_check_work_with_an_invalid_journal),
		TEST(a_recovery_reports_what_became_of_each_device),
		TEST(a_journal_directory_writable_by_others_is_rejected),
		TEST(a_failed_number_of_vfs_is_rolled_back),
		TEST(a_rollback_of_vfs_reports_what_it_does_not_restore),
	};

	return cmocka_run_group_tests_name("binder-recovery", tests, NULL, NULL);
}
