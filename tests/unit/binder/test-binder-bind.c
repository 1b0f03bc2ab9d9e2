/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding and giving back, with the kernel's side in tests/unit/binder/fakekernel.h. */
#include "tests/unit/test.h"

#include "binder/commands/commands.h"
#include "binder/engine/journal.h"
#include "binder/hazards/hazard.h"
#include "tests/unit/binder/fakekernel.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define NIC "0000:01:00.0"
#define PAIR0 "0000:02:00.0"
#define PAIR1 "0000:02:00.1"
#define DISK "0000:03:00.0"
#define BRIDGE "0000:00:1c.0"

static struct fakesys *fake;
static struct fakekernel kernel;
static struct log_capture captured;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	fakekernel_init(&kernel, fake);
	fakekernel_pci(&kernel, NIC, .vendor = 0x8086, .device = 0x10d3, .class = 0x020000,
		       .group = "1", .driver = "e1000e");
	fakekernel_pci(&kernel, PAIR0, .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		       .group = "2", .driver = "nouveau");
	fakekernel_pci(&kernel, PAIR1, .vendor = 0x10de, .device = 0x1aef, .class = 0x040300,
		       .group = "2", .driver = "snd_hda_intel");
	fakekernel_pci(&kernel, DISK, .vendor = 0x1b36, .device = 0x0010, .class = 0x010802,
		       .group = "3", .driver = "nvme");
	fakekernel_pci(&kernel, BRIDGE, .vendor = 0x8086, .device = 0x1234, .class = 0x060400,
		       .group = "2", .driver = "pcieport");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

static int run(int (*subcommand)(struct bind_options *), const char *const *words)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, words);

	kernel.written[0] = '\0';
	return subcommand(&options);
}

#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define BIND(...) run(run_bind, WORDS(__VA_ARGS__))
#define RELEASE(...) run(run_release, WORDS(__VA_ARGS__))
#define RECOVER() run(run_recover, WORDS(NULL))

#define assert_state(address, wanted)                                                   \
	do {                                                                            \
		char text_[256];                                                        \
		assert_string_equal(fakekernel_state(&kernel, address, text_), wanted); \
	} while (0)

/* Every device's state, for comparing. */
static char *states(char text[static 1024])
{
	static const char *const devices[] = {NIC, PAIR0, PAIR1, DISK, BRIDGE};
	char one[256];

	text[0] = '\0';
	for (size_t i = 0; i < COUNT(devices); i++) {
		strcat(text, fakekernel_state(&kernel, devices[i], one));
		strcat(text, "\n");
	}
	return text;
}

static size_t journal_size(void)
{
	struct changes changes = {0};
	struct sysroot *root;
	size_t count;

	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(journal_read(root, NULL, &changes), 0);
	count = changes.count;
	changes_free(&changes);
	sysroot_free(root);
	return count;
}

/* ---- what it is for ---- */

static void a_device_is_bound_and_given_back(void **state)
{
	(void)state;
	assert_int_equal(BIND("01:00.0"), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_string_equal(kernel.written,
			    "vfio-pci > sys/bus/pci/devices/" NIC "/driver_override\n" NIC
			    " > sys/bus/pci/devices/" NIC "/driver/unbind\n" NIC
			    " > sys/bus/pci/drivers/vfio-pci/bind\n");
	assert_int_equal(journal_size(), 1);
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e -");
	assert_string_equal(kernel.written,
			    "\\n > sys/bus/pci/devices/" NIC "/driver_override\n" NIC
			    " > sys/bus/pci/devices/" NIC "/driver/unbind\n" NIC
			    " > sys/bus/pci/drivers/e1000e/bind\n");
	assert_int_equal(journal_size(), 0);
	assert_int_equal(captured.errors, 0);
}

static void what_is_so_already_costs_no_write(void **state)
{
	(void)state;
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_int_equal(journal_size(), 1);
}

static void an_override_of_somebody_else_comes_back(void **state)
{
	(void)state;
	fakesys_file(fake, "sys/bus/pci/devices/" NIC "/driver_override", "e1000e\n");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e e1000e");
}

static void a_device_without_a_driver_has_none_again(void **state)
{
	(void)state;
	fakesys_remove(fake, "sys/bus/pci/devices/" NIC "/driver");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "- -");
}

static void a_dry_run_changes_nothing(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, WORDS(NIC));

	(void)state;
	options.dry_run = true;
	fakekernel_driver(&kernel, "vfio-pci");
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_string_equal(kernel.written, "");
	assert_state(NIC, "e1000e -");
	assert_int_equal(journal_size(), 0);
}

/* ---- groups ---- */

static void a_part_of_a_group_is_refused_and_the_rest_named(void **state)
{
	(void)state;
	assert_int_equal(BIND(PAIR0), BIND_REFUSED);
	assert_contains(captured.text,
			PAIR1 " in the same IOMMU group (2) is bound to snd_hda_intel");
	assert_contains(captured.text, "--group");
	assert_state(PAIR0, "nouveau -");
	assert_string_equal(kernel.written, "");
}

static void a_group_goes_as_a_whole(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, WORDS(PAIR0));

	(void)state;
	options.group = true;
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_state(PAIR0, "vfio-pci vfio-pci");
	assert_state(PAIR1, "vfio-pci vfio-pci");
	assert_state(BRIDGE, "pcieport -");
	assert_int_equal(RELEASE(PAIR1, PAIR0), BIND_DONE);
	assert_state(PAIR0, "nouveau -");
	assert_state(PAIR1, "snd_hda_intel -");
}

static void every_override_is_written_before_a_device_is_unbound(void **state)
{
	const char *first_unbind;

	(void)state;
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	first_unbind = strstr(kernel.written, "unbind");
	assert_non_null(first_unbind);
	assert_null(strstr(first_unbind, "driver_override"));
}

static void a_peer_on_a_stub_or_without_a_driver_is_no_hindrance(void **state)
{
	(void)state;
	fakesys_remove(fake, "sys/bus/pci/devices/" PAIR1 "/driver");
	assert_int_equal(BIND(PAIR0), BIND_DONE);
	assert_int_equal(RELEASE(PAIR0), BIND_DONE);
	fakesys_link(fake, "sys/bus/pci/devices/" PAIR1 "/driver",
		     "../../../bus/pci/drivers/pci-stub");
	assert_int_equal(BIND(PAIR0), BIND_DONE);
	assert_state(PAIR1, "pci-stub -");
}

/* ---- drivers ---- */

static void the_variant_that_is_made_for_the_device_is_chosen(void **state)
{
	(void)state;
	fakesys_file(fake, "proc/sys/kernel/osrelease", "6.1.0\n");
	fakesys_file(fake, "lib/modules/6.1.0/modules.alias",
		     "alias vfio_pci:v*d*sv*sd*bc*sc*i* vfio_pci\n"
		     "alias vfio_pci:v000010DEd00002204sv*sd*bc*sc*i* nvgrace_vfio_pci\n"
		     "alias vfio_pci:v000010DEd*sv*sd*bc*sc*i* wide_vfio_pci\n"
		     "alias pci:v000010DEd00002204sv*sd*bc*sc*i* nouveau\n");
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	assert_state(PAIR0, "nvgrace_vfio_pci nvgrace_vfio_pci");
	assert_state(PAIR1, "wide_vfio_pci wide_vfio_pci");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
}

static void stubs_are_taken_by_name(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, WORDS(NIC));

	(void)state;
	options.driver = "pci-stub";
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_state(NIC, "pci-stub pci-stub");
	options.driver = "xen-pciback";
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_state(NIC, "pciback pciback");
	/* what it had before either */
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "e1000e -");
}

static void other_drivers_are_none_of_ours(void **state)
{
	static const char *const names[] = {"nouveau", "../../vfio", "vfio-pci/..", "", "vfio pci"};
	struct bind_options options = fakekernel_options(&kernel, &captured, WORDS(NIC));

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		options.driver = names[i];
		assert_int_equal(run_bind(&options), BIND_USAGE);
	}
	assert_string_equal(kernel.written, "");
}

static void without_a_driver_nothing_is_touched(void **state)
{
	(void)state;
	fakesys_file(fake, "model/missing/vfio_pci", "");
	assert_int_equal(BIND(NIC), BIND_UNAVAILABLE);
	assert_state(NIC, "e1000e -");
	assert_string_equal(kernel.written, "");
	assert_contains(captured.text, "no such module");
	assert_int_equal(journal_size(), 0);
}

/* ---- refusals ---- */

static void what_can_not_be_is_refused(void **state)
{
	(void)state;
	assert_int_equal(BIND(BRIDGE), BIND_REFUSED);
	assert_int_equal(BIND("07:00.0"), BIND_NO_DEVICE);
	assert_int_equal(BIND("nonsense"), BIND_USAGE);
	fakekernel_pci(&kernel, "0000:05:00.0", .vendor = 1, .device = 2, .class = 0x020000,
		       .driver = "e1000e");
	assert_int_equal(BIND("05:00.0"), BIND_UNAVAILABLE);
	assert_string_equal(kernel.written, "");
}

static void other_ids_than_expected_are_refused(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, WORDS(NIC));

	(void)state;
	options.expect = "10de:2204";
	assert_int_equal(run_bind(&options), BIND_REFUSED);
	assert_contains(captured.text, "is 8086:10d3 and not 10de:2204");
	options.expect = "8086:10D3";
	assert_int_equal(run_bind(&options), BIND_DONE);
}

static void hold(const char *group)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", group);
	fakesys_descriptor(fake, 4711, 7, path);
	fakesys_file(fake, "proc/4711/cmdline", "qemu-system-x86_64");
	fakesys_file(fake, "proc/4711/stat",
		     "4711 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 99 0 0\n");
}

static void what_a_vm_has_is_not_taken_from_it(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, WORDS(NIC));

	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	hold("1");
	assert_int_equal(RELEASE(NIC), BIND_REFUSED);
	assert_contains(captured.text, "held by process 4711");
	options.driver = "pci-stub";
	assert_int_equal(run_bind(&options), BIND_REFUSED);
	options.allowed = ~0u;
	assert_int_equal(run_bind(&options), BIND_REFUSED);
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* Its group is the VM's: a native driver in it would end in EBUSY, or in a BUG. */
static void nor_is_another_device_of_the_group(void **state)
{
	(void)state;
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_DONE);
	hold("2");
	assert_int_equal(RELEASE(PAIR1), BIND_REFUSED);
	assert_state(PAIR1, "vfio-pci vfio-pci");
}

/* A process that can't be looked at may have it. */
static void what_is_not_known_is_not_free(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_remove(fake, "proc/1"); /* as with hidepid */
	fakesys_file(fake, "proc/77/comm", "x\n");
	fakesys_directory(fake, "proc/77/fd");
	assert_int_equal(RELEASE(NIC), BIND_REFUSED);
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* ---- what the kernel answers ---- */

static void every_errno_of_bind_is_explained_and_undone(void **state)
{
	static const struct {
		int error;
		const char *text;
	} answers[] = {
		{ENODEV, "doesn't take this device"},
		{EBUSY, "another driver"},
		{EINVAL, "no IOMMU group"},
		{EAGAIN, "waits for something"},
		{EIO, "Input/output"},
		{ENOMEM, "allocate memory"},
	};
	char path[64], number[16];

	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++) {
		captured = (struct log_capture){0};
		snprintf(path, sizeof(path), "model/probe/vfio-pci");
		snprintf(number, sizeof(number), "%d\n", answers[i].error);
		fakesys_file(fake, path, number);
		assert_int_equal(BIND(NIC), BIND_FAILED);
		assert_state(NIC, "e1000e -");
		assert_contains(captured.text, answers[i].text);
		assert_contains(captured.text, "rolled back");
		assert_int_equal(journal_size(), 0);
	}
}

static void no_permission_is_told_as_such(void **state)
{
	(void)state;
	kernel.fault = FAULT_ERROR;
	kernel.fault_at = 1;
	kernel.error = -EACCES;
	assert_int_equal(BIND(NIC), BIND_PERMISSION);
	assert_state(NIC, "e1000e -");
}

static void the_node_is_waited_for(void **state)
{
	(void)state;
	kernel.node_late = 20;
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_true(kernel.pauses >= 20);
}

static void without_a_node_it_is_no_success(void **state)
{
	(void)state;
	kernel.no_nodes = true;
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_int_equal(kernel.pauses, 100);
	assert_contains(captured.text, "there is no");
	assert_state(NIC, "e1000e -");
}

static void the_node_is_given_to_its_owner(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, WORDS(NIC));

	(void)state;
	options.user = 9869;
	options.user_group = 36;
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_string_equal(kernel.given, "dev/vfio/1 9869:36");
}

/* A driver that has no file bind leaves only drivers_probe, which tells nothing. */
static void a_probe_that_tells_nothing_is_looked_after(void **state)
{
	(void)state;
	fakekernel_driver(&kernel, "vfio-pci");
	fakesys_remove(fake, "sys/bus/pci/drivers/vfio-pci/bind");
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_contains(kernel.written, "> sys/bus/pci/drivers_probe");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	fakesys_file(fake, "model/probe/vfio-pci", "5\n");
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_contains(captured.text, "it has no driver instead of vfio-pci");
	assert_state(NIC, "e1000e -");
}

/* ---- releasing without a record ---- */

static void a_device_bound_by_others_goes_to_whom_the_kernel_picks(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_remove(fake, "run/vfio-bind/journal");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_contains(kernel.written, NIC " > sys/bus/pci/drivers_probe");
	assert_state(NIC, "e1000e -");
}

static void a_device_whose_ids_vfio_has_is_not_said_to_be_released(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakesys_remove(fake, "run/vfio-bind/journal");
	fakesys_file(fake, "model/ids/" NIC, "vfio-pci");
	assert_int_equal(RELEASE(NIC), BIND_FAILED);
	assert_contains(captured.text, "new_id");
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* ---- interrupted at every step ---- */

struct scenario {
	const char *name;
	void (*prepare)(void);
	int (*subcommand)(struct bind_options *);
	const char *words[4];
};

static void prepare_nothing(void)
{
	fakekernel_driver(&kernel, "vfio-pci");
}

static void prepare_bound(void)
{
	prepare_nothing();
	assert_int_equal(BIND(NIC, PAIR0, PAIR1), BIND_DONE);
}

static void prepare_foreign(void)
{
	prepare_bound();
	fakesys_remove(fake, "run/vfio-bind/journal");
}

static const struct scenario SCENARIOS[] = {
	{"bind one", prepare_nothing, run_bind, {NIC}},
	{"bind three", prepare_nothing, run_bind, {PAIR0, PAIR1, NIC}},
	{"release one", prepare_bound, run_release, {NIC}},
	{"release three", prepare_bound, run_release, {NIC, PAIR0, PAIR1}},
	{"release what others have bound", prepare_foreign, run_release, {NIC, PAIR0, PAIR1}},
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
	status = run(scenario->subcommand, scenario->words);
	kernel.fault = FAULT_NONE;
	return status;
}

/* How many writes it takes when all goes well, and what there is then. */
static unsigned rehearse(const struct scenario *scenario, char before[static 1024],
			 char after[static 1024])
{
	begin(scenario);
	states(before);
	assert_int_equal(run_scenario(scenario, FAULT_NONE, 0, 0), BIND_DONE);
	states(after);
	assert_string_not_equal(before, after);
	return kernel.writes;
}

static void an_error_at_any_step_is_undone(void **state)
{
	static const int errors[] = {-EBUSY, -ENODEV, -EINVAL, -EAGAIN, -EIO};
	char before[1024], after[1024], now[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(SCENARIOS); i++) {
		unsigned steps = rehearse(&SCENARIOS[i], before, after);

		for (unsigned at = 1; at <= steps; at++)
			for (size_t e = 0; e < COUNT(errors); e++) {
				begin(&SCENARIOS[i]);
				assert_int_equal(run_scenario(&SCENARIOS[i], FAULT_ERROR, at,
							      errors[e]),
						 BIND_FAILED);
				assert_string_equal(states(now), before);
				/* and it can be done then */
				assert_int_equal(run_scenario(&SCENARIOS[i], FAULT_NONE, 0, 0),
						 BIND_DONE);
				assert_string_equal(states(now), after);
			}
	}
}

/* kill -9 in another process; this one finds what it left. */
static void end_at(const struct scenario *scenario, enum fault fault, unsigned at, int signal)
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
	end_at(scenario, fault, at, SIGKILL);
}

static void who_is_asked_to_end_leaves_everything_in_order(void **state)
{
	char before[1024], after[1024], now[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(SCENARIOS); i++) {
		unsigned steps = rehearse(&SCENARIOS[i], before, after);

		for (unsigned at = 1; at <= steps; at++) {
			begin(&SCENARIOS[i]);
			end_at(&SCENARIOS[i], FAULT_TERM, at, SIGTERM);
			assert_string_equal(states(now), at == steps ? after : before);
			kernel.written[0] = '\0';
			assert_int_equal(RECOVER(), BIND_DONE);
			assert_string_equal(kernel.written, "");
		}
	}
}

static void a_run_that_is_killed_at_any_step_is_put_in_order(void **state)
{
	static const enum fault faults[] = {FAULT_KILL_BEFORE, FAULT_KILL_AFTER};
	char before[1024], after[1024], now[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(SCENARIOS); i++) {
		unsigned steps = rehearse(&SCENARIOS[i], before, after);

		for (unsigned at = 1; at <= steps; at++)
			for (size_t f = 0; f < COUNT(faults); f++) {
				bool done = at == steps && faults[f] == FAULT_KILL_AFTER;

				begin(&SCENARIOS[i]);
				kill_at(&SCENARIOS[i], faults[f], at);
				assert_int_equal(RECOVER(), BIND_DONE);
				assert_string_equal(states(now), done ? after : before);
				assert_int_equal(RECOVER(), BIND_DONE);
				assert_int_equal(run_scenario(&SCENARIOS[i], FAULT_NONE, 0, 0),
						 BIND_DONE);
				assert_string_equal(states(now), after);
			}
	}
}

/* The recovery is killed as well, at each of its steps. */
static void so_is_a_recovery_that_is_killed(void **state)
{
	static const struct scenario recovery = {"recover", prepare_nothing, run_recover, {NULL}};
	char before[1024], after[1024], now[1024];
	unsigned steps = rehearse(&SCENARIOS[1], before, after);

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
				break; /* it has fewer steps */
			assert_int_equal(RECOVER(), BIND_DONE);
			assert_string_equal(states(now), before);
			assert_int_equal(journal_size(), 0);
		}
}

static void the_next_run_looks_after_what_was_left(void **state)
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

static void a_recovery_that_waits_says_so(void **state)
{
	struct bind_options options;

	(void)state;
	begin(&SCENARIOS[1]);
	run_scenario(&SCENARIOS[1], FAULT_HANG, 1, 0);
	captured = (struct log_capture){0};
	options = fakekernel_options(&kernel, &captured, WORDS(NULL));
	options.timeout = 30;
	assert_int_equal(run_recover(&options), BIND_TIMEOUT);
	assert_contains(
		captured.text,
		"waiting for what an earlier run has begun in the kernel, at most 28 seconds longer; "
		"if a VM has the device, shut it down\n");
	assert_contains(captured.text,
			"the kernel has not finished; run 'vfio-bind recover' later");
	assert_int_equal(captured.warnings, 1);
}

/* The fake kernel ends the test when a device is touched while a call for it is in there. */
static void a_call_without_an_answer_is_left_alone(void **state)
{
	static const enum fault faults[] = {FAULT_HANG, FAULT_HANG_DONE};
	static const char *const devices[] = {NIC, PAIR0, PAIR1};
	char before[1024], after[1024], now[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(SCENARIOS); i++) {
		unsigned steps = rehearse(&SCENARIOS[i], before, after);

		for (unsigned at = 1; at <= steps; at++)
			for (size_t f = 0; f < COUNT(faults); f++) {
				begin(&SCENARIOS[i]);
				assert_int_equal(run_scenario(&SCENARIOS[i], faults[f], at, 0),
						 BIND_TIMEOUT);
				/* still there: nothing more is done with that device, but with
				 * others */
				assert_int_equal(RECOVER(), BIND_TIMEOUT);
				assert_int_equal(run_scenario(&SCENARIOS[i], FAULT_NONE, 0, 0),
						 BIND_TIMEOUT);
				assert_int_equal(BIND(DISK), BIND_DONE);
				assert_int_equal(RELEASE(DISK), BIND_DONE);
				for (size_t c = 0; c < COUNT(devices); c++)
					fakekernel_wake(&kernel, devices[c]);
				assert_int_equal(RECOVER(), BIND_DONE);
				assert_string_equal(states(now), before);
			}
	}
}

static void a_device_that_vanishes_costs_only_itself(void **state)
{
	char before[1024], after[1024], now[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(SCENARIOS); i++) {
		unsigned steps = rehearse(&SCENARIOS[i], before, after);

		for (unsigned at = 1; at <= steps; at++) {
			size_t gone = 0;

			begin(&SCENARIOS[i]);
			assert_int_equal(run_scenario(&SCENARIOS[i], FAULT_VANISH, at, 0),
					 BIND_FAILED);
			states(now);
			for (const char *p = now; (p = strstr(p, "gone")); p++)
				gone++;
			assert_int_equal(gone, 1);
			/* the lines of the others are those from before */
			for (char *line = strtok(now, "\n"); line; line = strtok(NULL, "\n"))
				assert_true(strcmp(line, "gone") == 0 || strstr(before, line));
			assert_int_equal(RECOVER(), BIND_DONE);
		}
	}
}

static void a_driver_that_gets_in_between_is_sent_away(void **state)
{
	char before[1024], after[1024], now[1024];

	(void)state;
	fakekernel_driver(&kernel, "thief");
	for (size_t i = 0; i < COUNT(SCENARIOS); i++) {
		unsigned steps = rehearse(&SCENARIOS[i], before, after);

		for (unsigned at = 1; at <= steps; at++) {
			int status;

			begin(&SCENARIOS[i]);
			fakekernel_driver(&kernel, "thief");
			status = run_scenario(&SCENARIOS[i], FAULT_THIEF, at, 0);
			/* it finds its chance only where the device has no driver */
			assert_true(status == BIND_DONE || status == BIND_FAILED);
			assert_string_equal(states(now), status == BIND_DONE ? after : before);
			assert_null(strstr(now, "thief"));
		}
	}
}

static void half_a_text_is_noticed(void **state)
{
	(void)state;
	fakekernel_driver(&kernel, "vfio-pci");
	kernel.fault = FAULT_CUT;
	kernel.fault_at = 1;
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_state(NIC, "e1000e -");
	assert_null(strstr(kernel.written, "unbind")); /* before anything was lost */
}

static void undoing_goes_backwards(void **state)
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

static void what_can_not_be_undone_is_told_and_remembered(void **state)
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

/* ---- two at once ---- */

static void another_run_is_waited_for_and_then_given_up(void **state)
{
	struct journal journal;
	struct sysroot *root;

	(void)state;
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(journal_open(root, NULL, 0, &journal), 0);
	assert_int_equal(BIND(NIC), BIND_LOCKED);
	assert_int_equal(RECOVER(), BIND_LOCKED);
	assert_string_equal(kernel.written, "");
	journal_close(&journal);
	assert_int_equal(BIND(NIC), BIND_DONE);
	sysroot_free(root);
}

static void of_many_at_once_one_does_it_and_all_are_told_the_truth(void **state)
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
									 WORDS(NIC, PAIR0, PAIR1));

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

/* ---- names ---- */

static void devices_go_by_many_names(void **state)
{
	(void)state;
	fakesys_file(fake, "sys/bus/pci/devices/" NIC "/net/eth7/address", "52:54:00:aa:bb:cc\n");
	fakesys_file(fake, "sys/class/net/eth7/flags", "0x1002\n");
	fakesys_link(fake, "sys/block/nvme3n1",
		     "../devices/pci0000:00/" DISK "/nvme/nvme3/nvme3n1");
	fakesys_file(fake, CONFIG_HOME,
		     ":filter: '10de:*'\n:alias:\n- name: fast\n  filter: 10de:2204\n");
	assert_int_equal(BIND("net:eth7"), BIND_DONE);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_int_equal(BIND("mac:52:54:00:AA:bb:cc", "block:nvme3n1", "alias:fast",
			      "id:10DE:1aef"),
			 BIND_DONE);
	assert_state(DISK, "vfio-pci vfio-pci");
	assert_state(PAIR0, "vfio-pci vfio-pci");
	assert_int_equal(BIND("alias:slow"), BIND_NO_DEVICE);
	assert_int_equal(BIND("net:eth8"), BIND_NO_DEVICE);
}

static void a_name_of_several_must_be_meant_so(void **state)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, WORDS("id:8086:10d3"));

	(void)state;
	fakekernel_pci(&kernel, "0000:06:00.0", .vendor = 0x8086, .device = 0x10d3,
		       .class = 0x020000, .group = "6", .driver = "e1000e");
	assert_int_equal(run_bind(&options), BIND_USAGE);
	assert_contains(captured.text, "both " NIC " and 0000:06:00.0 are");
	assert_string_equal(kernel.written, "");
	options.all = true;
	assert_int_equal(run_bind(&options), BIND_DONE);
	assert_state("0000:06:00.0", "vfio-pci vfio-pci");
	assert_state(NIC, "vfio-pci vfio-pci");
}

/* ---- what is remembered ---- */

static void a_device_that_was_exchanged_is_not_given_the_old_ones_driver(void **state)
{
	(void)state;
	assert_int_equal(BIND(NIC), BIND_DONE);
	fakekernel_vanish(&kernel, NIC);
	/* something else takes the inode meanwhile, as happens */
	fakesys_file(fake, "sys/bus/pci/devices/other", "");
	fakekernel_pci(&kernel, NIC, .vendor = 0x10de, .device = 1, .class = 0x030000, .group = "1",
		       .driver = "nouveau");
	assert_int_equal(BIND(DISK), BIND_DONE);
	assert_int_equal(journal_size(), 1); /* the disk's */
	assert_int_equal(BIND(NIC), BIND_DONE);
	assert_int_equal(RELEASE(NIC), BIND_DONE);
	assert_state(NIC, "nouveau -");
}

static void with_a_broken_journal_nothing_is_touched(void **state)
{
	(void)state;
	fakesys_file(fake, "run/vfio-bind/journal", "vfio-bind 1\nbound nonsense\n");
	assert_int_equal(BIND(NIC), BIND_FAILED);
	assert_contains(captured.text, "journal:2: can't be understood");
	assert_string_equal(kernel.written, "");
}

static void a_directory_of_somebody_else_is_not_written_to(void **state)
{
	char path[128];

	(void)state;
	fakesys_directory(fake, "run/vfio-bind");
	snprintf(path, sizeof(path), "%s/run/vfio-bind", fake->path);
	assert_int_equal(chmod(path, 0777), 0);
	assert_int_equal(BIND(NIC), BIND_PERMISSION);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(BIND(NIC), BIND_DONE);
}

/* ---- each for itself ---- */

static void at_boot_one_bad_device_costs_only_that_one(void **state)
{
	(void)state;
	fakesys_file(fake, "etc/default/vfio-bind",
		     "# devices\nDEVICES=\"" NIC " 0000:07:00.0 " PAIR0 " " DISK "\"\n");
	assert_int_equal(run(run_apply, WORDS(NULL)), BIND_REFUSED);
	assert_state(NIC, "vfio-pci vfio-pci");
	assert_state(DISK, "vfio-pci vfio-pci");
	assert_state(PAIR0, "nouveau -"); /* PAIR1 is missing */
	assert_contains(captured.text, "0000:07:00.0: there is no such device");
}

static void the_devices_of_a_group_find_each_other(void **state)
{
	(void)state;
	assert_int_equal(run(run_bind_each, WORDS(PAIR0, NIC, PAIR1)), BIND_DONE);
	assert_state(PAIR0, "vfio-pci vfio-pci");
	assert_state(PAIR1, "vfio-pci vfio-pci");
}

static void a_host_without_the_file_has_nothing_to_do(void **state)
{
	(void)state;
	assert_int_equal(run(run_apply, WORDS(NULL)), BIND_DONE);
	assert_string_equal(kernel.written, "");
}

/* ---- virtual functions ---- */

static void prepare_pf(void)
{
	fakesys_file(fake, "sys/bus/pci/devices/" NIC "/sriov_totalvfs", "4\n");
	fakesys_file(fake, "sys/bus/pci/devices/" NIC "/sriov_numvfs", "0\n");
}

static void vfs_are_made_and_taken_away(void **state)
{
	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, WORDS(NIC, "2")), BIND_DONE);
	assert_state("0000:01:10.1", "igbvf -");
	assert_int_equal(BIND(NIC), BIND_REFUSED);
	assert_contains(captured.text, "vfs: virtual functions are enabled: 2");
	assert_int_equal(run(run_vfs, WORDS(NIC, "3")), BIND_DONE);
	assert_string_equal(kernel.written, "0 > sys/bus/pci/devices/" NIC "/sriov_numvfs\n"
					    "3 > sys/bus/pci/devices/" NIC "/sriov_numvfs\n");
	assert_int_equal(BIND("0000:01:10.2"), BIND_DONE);
	assert_int_equal(journal_size(), 1);
	assert_int_equal(run(run_vfs, WORDS(NIC, "0")), BIND_DONE);
	assert_state("0000:01:10.0", "gone");
	/* what was remembered of a VF goes with it */
	assert_int_equal(BIND(DISK), BIND_DONE);
	assert_int_equal(journal_size(), 1);
	assert_int_equal(run(run_vfs, WORDS(NIC, "5")), BIND_USAGE);
	assert_int_equal(run(run_vfs, WORDS(NIC, "x")), BIND_USAGE);
	assert_int_equal(run(run_vfs, WORDS(DISK, "1")), BIND_UNAVAILABLE);
}

static void a_vf_that_a_vm_has_is_not_taken_away(void **state)
{
	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, WORDS(NIC, "2")), BIND_DONE);
	assert_int_equal(BIND("0000:01:10.0"), BIND_DONE);
	hold("10");
	assert_int_equal(run(run_vfs, WORDS(NIC, "0")), BIND_REFUSED);
	assert_state("0000:01:10.0", "vfio-pci vfio-pci");
}

static void a_number_that_fails_is_put_back(void **state)
{
	static const struct scenario more = {"vfs", prepare_pf, run_vfs, {NIC, "4"}};

	(void)state;
	prepare_pf();
	assert_int_equal(run(run_vfs, WORDS(NIC, "2")), BIND_DONE);
	kernel.writes = 0;
	assert_int_equal(run_scenario(&more, FAULT_ERROR, 2, -ENOMEM), BIND_FAILED);
	assert_state("0000:01:10.1", "igbvf -");
	assert_state("0000:01:10.2", "gone");
	kernel.writes = 0;
	kill_at(&more, FAULT_KILL_AFTER, 1);
	assert_state("0000:01:10.1", "gone");
	assert_int_equal(RECOVER(), BIND_DONE);
	assert_state("0000:01:10.1", "igbvf -");
	assert_int_equal(journal_size(), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_device_is_bound_and_given_back),
		TEST(what_is_so_already_costs_no_write),
		TEST(an_override_of_somebody_else_comes_back),
		TEST(a_device_without_a_driver_has_none_again),
		TEST(a_dry_run_changes_nothing),
		TEST(a_part_of_a_group_is_refused_and_the_rest_named),
		TEST(a_group_goes_as_a_whole),
		TEST(every_override_is_written_before_a_device_is_unbound),
		TEST(a_peer_on_a_stub_or_without_a_driver_is_no_hindrance),
		TEST(the_variant_that_is_made_for_the_device_is_chosen),
		TEST(stubs_are_taken_by_name),
		TEST(other_drivers_are_none_of_ours),
		TEST(without_a_driver_nothing_is_touched),
		TEST(what_can_not_be_is_refused),
		TEST(other_ids_than_expected_are_refused),
		TEST(what_a_vm_has_is_not_taken_from_it),
		TEST(nor_is_another_device_of_the_group),
		TEST(what_is_not_known_is_not_free),
		TEST(every_errno_of_bind_is_explained_and_undone),
		TEST(no_permission_is_told_as_such),
		TEST(the_node_is_waited_for),
		TEST(without_a_node_it_is_no_success),
		TEST(the_node_is_given_to_its_owner),
		TEST(a_probe_that_tells_nothing_is_looked_after),
		TEST(a_device_bound_by_others_goes_to_whom_the_kernel_picks),
		TEST(a_device_whose_ids_vfio_has_is_not_said_to_be_released),
		TEST(an_error_at_any_step_is_undone),
		TEST(a_run_that_is_killed_at_any_step_is_put_in_order),
		TEST(so_is_a_recovery_that_is_killed),
		TEST(who_is_asked_to_end_leaves_everything_in_order),
		TEST(the_next_run_looks_after_what_was_left),
		TEST(a_recovery_that_waits_says_so),
		TEST(a_call_without_an_answer_is_left_alone),
		TEST(a_device_that_vanishes_costs_only_itself),
		TEST(a_driver_that_gets_in_between_is_sent_away),
		TEST(half_a_text_is_noticed),
		TEST(undoing_goes_backwards),
		TEST(what_can_not_be_undone_is_told_and_remembered),
		TEST(another_run_is_waited_for_and_then_given_up),
		TEST(of_many_at_once_one_does_it_and_all_are_told_the_truth),
		TEST(devices_go_by_many_names),
		TEST(a_name_of_several_must_be_meant_so),
		TEST(a_device_that_was_exchanged_is_not_given_the_old_ones_driver),
		TEST(with_a_broken_journal_nothing_is_touched),
		TEST(a_directory_of_somebody_else_is_not_written_to),
		TEST(at_boot_one_bad_device_costs_only_that_one),
		TEST(the_devices_of_a_group_find_each_other),
		TEST(a_host_without_the_file_has_nothing_to_do),
		TEST(vfs_are_made_and_taken_away),
		TEST(a_vf_that_a_vm_has_is_not_taken_away),
		TEST(a_number_that_fails_is_put_back),
	};

	return cmocka_run_group_tests_name("binder-bind", tests, NULL, NULL);
}
