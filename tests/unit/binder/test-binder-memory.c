/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every allocation of a run fails once: the run fails with a message, and the devices are as before
 * it or after it, or are recovered later; success is reported only if it is one. */
#include "tests/unit/binder/bindfixture.h"

#include "binder/engine/journal.h"
#include "tests/memory/fail-allocation.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- the model of the kernel, which needs memory ---- */

static struct kernel model; /* the functions of kernel.kernel */

static int unfailing_write(struct kernel *base, const struct pci_address *device, const char *path,
			   const char *bytes)
{
	int result;

	fail_allocation_pause(true);
	result = model.write(base, device, path, bytes);
	fail_allocation_pause(false);
	return result;
}

static ssize_t unfailing_read(struct kernel *base, const struct pci_address *device,
			      const char *path, char buffer[static ATTRIBUTE_SIZE])
{
	ssize_t result;

	fail_allocation_pause(true);
	result = model.read(base, device, path, buffer);
	fail_allocation_pause(false);
	return result;
}

static int unfailing_set_link(struct kernel *base, const struct pci_address *device,
			      const struct nlmsghdr *request, netlink_receiver *receive, void *data)
{
	int result;

	fail_allocation_pause(true);
	result = model.set_link(base, device, request, receive, data);
	fail_allocation_pause(false);
	return result;
}

static bool unfailing_is_busy(struct kernel *base, const struct pci_address *device)
{
	bool result;

	fail_allocation_pause(true);
	result = model.is_busy(base, device);
	fail_allocation_pause(false);
	return result;
}

static int unfailing_load(struct kernel *base, const struct pci_address *device, const char *module)
{
	int result;

	fail_allocation_pause(true);
	result = model.load(base, device, module);
	fail_allocation_pause(false);
	return result;
}

static void unfailing_pause(struct kernel *base, unsigned milliseconds)
{
	fail_allocation_pause(true);
	model.pause(base, milliseconds);
	fail_allocation_pause(false);
}

static void replace_model(void)
{
	model = kernel.kernel;
	kernel.kernel.write = unfailing_write;
	kernel.kernel.read = unfailing_read;
	kernel.kernel.set_link = unfailing_set_link;
	kernel.kernel.is_busy = unfailing_is_busy;
	kernel.kernel.load = unfailing_load;
	kernel.kernel.pause = unfailing_pause;
}

/* ---- scenarios ---- */

struct scenario {
	const char *name;
	void (*prepare)(void);
	int (*subcommand)(struct bind_options *);
	const char *arguments[4];
	bool group, dry_run, changes_nothing;
};

/* A run that could roll back nothing. */
static void prepare_interrupted(void)
{
	prepare_module();
	fakesys_file(fake, "model/probe/vfio-pci", "5\n");
	fakesys_file(fake, "model/probe/nouveau", "5\n");
	assert_int_equal(BIND(PAIR0, PAIR1), BIND_INCOMPLETE);
	fakesys_remove(fake, "model/probe");
}

static void prepare_settings(void)
{
	static const struct fake_vf vfs[] = {{.vlan = 5, .vlan_protocol = 0x8100},
					     {.index = 1, .vlan_protocol = 0x8100, .is_up = true}};

	prepare_vfs();
	fakenetlink_vfs(&kernel.netlink, "eth0", vfs, COUNT(vfs));
}

static int run_reset(struct bind_options *options)
{
	options->reset = true;
	return run_vf(options);
}

static const struct scenario SCENARIOS[] = {
	{"bind", prepare_module, run_bind, {NIC}, false, false, false},
	{"bind --group", prepare_nothing, run_bind, {PAIR1, NIC}, true, false, false},
	{"bind --dry-run", prepare_nothing, run_bind, {PAIR0, PAIR1}, false, true, true},
	{"bind again", prepare_bound, run_bind, {NIC}, false, false, true},
	{"release", prepare_bound, run_release, {NIC}, false, false, false},
	{"release three", prepare_bound, run_release, {NIC, PAIR0, PAIR1}, false, false, false},
	{"release of another program's",
	 prepare_foreign,
	 run_release,
	 {NIC, PAIR0},
	 false,
	 false,
	 false},
	{"vfs 0 to 2", prepare_pf, run_vfs, {NIC, "2"}, false, false, false},
	{"vfs 2 to 4", prepare_vfs, run_vfs, {NIC, "4"}, false, false, false},
	{"vfs 2 to 0", prepare_vfs, run_vfs, {NIC, "0"}, false, false, false},
	{"vfs 2 to 3 with settings", prepare_settings, run_vfs, {NIC, "3"}, false, false, false},
	{"vfs --dry-run", prepare_settings, run_vfs, {NIC, "3"}, false, true, true},
	{"vf --reset", prepare_settings, run_reset, {NIC, "0"}, false, false, false},
	{"recover", prepare_interrupted, run_recover, {NULL}, false, false, false},
};

#define STATE_SIZE 2048

/* Of each device, each VF with its settings, and what the journal has of them. */
static char *all_states(char ret[static STATE_SIZE])
{
	struct sysroot *root;
	struct changes changes = {0};
	char line[256], vf[64], *end = states(ret);

	end += strlen(ret);
	for (int i = 0; i < 4; i++) {
		snprintf(vf, sizeof(vf), "0000:01:10.%d", i);
		end += snprintf(end, 300, "%s\n", fakekernel_state(&kernel, vf, line));
	}
	for (size_t i = 0; kernel.netlink.table && i < kernel.netlink.table->count; i++)
		end += snprintf(end, 300, "VLAN %u%s\n", kernel.netlink.table->vfs[i].vlan,
				kernel.netlink.table->vfs[i].is_up ? " up" : "");
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(journal_read(root, NULL, &changes), 0);
	for (size_t i = 0; i < changes.count; i++)
		end += snprintf(
			end, 300, "%s: %s, %s\n", address_format(&changes.items[i].address, line),
			changes.items[i].state == CHANGE_BOUND ? "bound" : "pending",
			changes.items[i].origin.driver ? changes.items[i].origin.driver : "none");
	changes_free(&changes);
	sysroot_free(root);
	return ret;
}

static void begin(const struct scenario *scenario)
{
	void *state = NULL;

	teardown(&state);
	setup(&state);
	scenario->prepare();
	replace_model();
	captured = (struct log_capture){0};
}

/* Of a run in a child process, in memory that it shares. */
struct result {
	bool has_ended; /* with an exit status, not with a signal */
	int status;
	unsigned long allocations;
	struct log_capture captured;
	char output[4096];
};
static struct result *result;

static int run_scenario(const struct scenario *scenario, unsigned long failing)
{
	struct bind_options options = fakekernel_options(&kernel, &captured, scenario->arguments);

	options.group = scenario->group;
	options.dry_run = scenario->dry_run;
	options.quiet = false;
	fail_allocation(failing);
	return scenario->subcommand(&options);
}

static void __attribute__((noreturn))
run_child(const struct scenario *scenario, unsigned long failing)
{
	int output = memfd_create("output", 0), status;

	dup2(output, STDOUT_FILENO);
	dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
	status = run_scenario(scenario, failing);
	fflush(stdout);
	fail_allocation_end();
	result->captured = captured;
	if (pread(output, result->output, sizeof(result->output) - 1, 0) < 0)
		status = -1;
	_exit(status);
}

/* libpci ends the program when it cannot allocate its first structure, before any change. */
static void run_with_failure(const struct scenario *scenario, unsigned long failing)
{
	pid_t child;
	int status;

	*result = (struct result){.captured = {.text = "", .errors = 1}};
	fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		run_child(scenario, failing);
	assert_int_equal(waitpid(child, &status, 0), child);
	result->allocations = fail_allocation_end();
	/* its name is another in each run */
	for (char *root = result->output; (root = strstr(root, fake->path));)
		memset(root, '.', strlen(fake->path));
	result->has_ended = WIFEXITED(status);
	result->status = WEXITSTATUS(status);
}

/* ---- checks ---- */

static const char *find_problem(const struct scenario *scenario, unsigned long failing,
				const char *before, const char *after, const char *output)
{
	char now[STATE_SIZE];

	begin(scenario);
	run_with_failure(scenario, failing);
	all_states(now);
	if (!result->has_ended)
		return "killed by a signal";
	if (result->status == BIND_DONE && strcmp(result->output, output) != 0 &&
	    !strstr(result->output, "unknown"))
		return "success, but another report";
	if (result->status == BIND_DONE)
		return strcmp(now, after) == 0 ? NULL : "success, but not all changes";
	if (!result->captured.errors)
		return "no message";
	if (strcmp(now, before) != 0 && strcmp(now, after) != 0 && !strstr(now, "pending"))
		return "other changes, not in the journal";
	if (strstr(now, "pending") && scenario->subcommand != run_recover &&
	    !strstr(result->captured.text, "recover"))
		return "unfinished changes without advice";
	if (RECOVER() != BIND_DONE)
		return "recovery failed";
	all_states(now);
	if (strcmp(now, before) != 0 && strcmp(now, after) != 0)
		return "other changes after recovery";
	run_with_failure(scenario, 0);
	if (result->status != BIND_DONE)
		return "the next run failed";
	return strcmp(all_states(now), after) == 0 ? NULL : "other changes after the next run";
}

static void no_allocation_fails_silently(void **state)
{
	char before[STATE_SIZE], after[STATE_SIZE], output[sizeof(result->output)];
	unsigned long count, number, problems = 0;

	(void)state;
	result = mmap(NULL, sizeof(*result), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_ptr_not_equal(result, MAP_FAILED);
	for (size_t i = 0; i < COUNT(SCENARIOS); i++) {
		const struct scenario *scenario = &SCENARIOS[i];

		begin(scenario);
		all_states(before);
		run_with_failure(scenario, 0);
		assert_int_equal(result->status, BIND_DONE);
		count = result->allocations;
		strcpy(output, result->output);
		all_states(after);
		assert_int_equal(strcmp(before, after) == 0, scenario->changes_nothing);
		for (number = 0; fail_allocation_next(count, 12, &number);) {
			const char *problem = find_problem(scenario, number, before, after, output);

			if (!problem)
				continue;
			print_error("%s, allocation %lu of %lu: %s\n%s", scenario->name, number,
				    count, problem, result->captured.text);
			problems++;
		}
	}
	fail_allocation_report();
	assert_int_equal(problems, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(no_allocation_fails_silently),
	};

	if (!fail_allocation_works()) {
		puts("1..0 # SKIP built with sanitizers, which have an allocator of their own");
		return 0;
	}
	return cmocka_run_group_tests_name("binder-memory", tests, NULL, NULL);
}
