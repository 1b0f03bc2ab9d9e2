/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's functions of kernel.h, on files. Opening a FIFO without a reader blocks, like an
 * unbind of a device in use. */
#include "tests/unit/test.h"

#include "binder/engine/journal.h"
#include "binder/engine/kernel.h"
#include "binder/host/deadline.h"
#include "common/rtnetlink-vf.h"
#include "common/rtnetlink.h"
#include "tests/unit/fakesys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct pci_address slot = {.bus = 1};
static struct fakesys *fake;
static struct sysroot *root;
static struct host_kernel host;
static struct log_capture captured;
static struct log log_;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	fakesys_directory(fake, JOURNAL_DIRECTORY);
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	captured = (struct log_capture){0};
	log_ = log_capture_add(&captured);
	host_kernel_init(&host, root, &log_, 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sysroot_free(root);
	fakesys_free(fake);
	return 0;
}

static void make_fifo(const char *path)
{
	char full[256];

	fakesys_directory(fake, "sys/bus/pci/devices/0000:01:00.0");
	snprintf(full, sizeof(full), "%s/%s", fake->path, path);
	assert_int_equal(mkfifo(full, 0600), 0);
}

static void a_value_is_written_and_read(void **state)
{
	char value[ATTRIBUTE_SIZE];

	(void)state;
	fakesys_file(fake, "sys/bus/pci/devices/0000:01:00.0/driver_override", "");
	assert_int_equal(host.kernel.write(&host.kernel, &slot,
					   "sys/bus/pci/devices/0000:01:00.0/driver_override",
					   "vfio-pci"),
			 0);
	assert_int_equal(host.kernel.read(&host.kernel, &slot,
					  "sys/bus/pci/devices/0000:01:00.0/driver_override",
					  value),
			 8);
	assert_string_equal(value, "vfio-pci");
	assert_int_equal(host.kernel.read(&host.kernel, &slot,
					  "sys/bus/pci/devices/0000:01:00.0/none", value),
			 -ENOENT);
	assert_int_equal(host.kernel.write(&host.kernel, &slot, "sys/bus/pci/none", "x"), -ENOENT);
	assert_false(host.kernel.is_busy(&host.kernel, &slot));
}

static void writes_outside_sys_bus_pci_are_rejected(void **state)
{
	(void)state;
	fakesys_file(fake, "sys/class/net/eth0/flags", "");
	fakesys_file(fake, "etc/passwd", "");
	assert_int_equal(host.kernel.write(&host.kernel, &slot, "sys/class/net/eth0/flags", "x"),
			 -EPERM);
	assert_int_equal(host.kernel.write(&host.kernel, &slot, "etc/passwd", "x"), -EPERM);
	assert_int_equal(host.kernel.write(&host.kernel, &slot, "sys/bus/pci/../../../etc/passwd",
					   "x"),
			 -EPERM);
}

static void a_blocked_call_times_out(void **state)
{
	(void)state;
	make_fifo("sys/bus/pci/devices/0000:01:00.0/unbind");
	assert_int_equal(host.kernel.write(&host.kernel, &slot,
					   "sys/bus/pci/devices/0000:01:00.0/unbind", "x"),
			 -ETIMEDOUT);
	/* the child could be killed, unlike one in D state */
	assert_false(host.kernel.is_busy(&host.kernel, &slot));
}

/* ---- requests of netlink ---- */

/* The file that is standard output of this process's only child; "" if that cannot be read. */
static void find_kept(char ret[static 256])
{
	char path[64];
	ssize_t length;
	FILE *in;
	int child = 0;

	snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)getpid());
	in = fopen(path, "re");
	if (in && fscanf(in, "%d", &child) != 1)
		child = 0;
	if (in)
		fclose(in);
	snprintf(path, sizeof(path), "/proc/%d/fd/1", child);
	length = readlink(path, ret, 255);
	ret[length < 0 ? 0 : length] = '\0';
}

static char kept[256];
static bool was_busy;
static netlink_receiver *real_receive;

static int look_and_receive(void *data, const void *bytes, size_t length, unsigned port)
{
	was_busy = host.kernel.is_busy(&host.kernel, &slot);
	find_kept(kept);
	return real_receive(data, bytes, length, port);
}

static int set_link(struct netlink *netlink, const char *namespace, const struct nlmsghdr *request,
		    netlink_receiver *receive, void *data)
{
	(void)netlink, (void)namespace;
	real_receive = receive;
	return host.kernel.set_link(&host.kernel, &slot, request, look_and_receive, data);
}

/* No interface has the index: nothing is changed. The child has the lock, too: a late request of a
 * killed run would be seen. */
static void a_request_locks_the_device(void **state)
{
	struct netlink netlink = {.query = set_link};
	struct rtnetlink_vf vf = {.mac_length = 6};
	struct flock lock = {.l_type = F_WRLCK, .l_start = slot.bus << 8, .l_len = 1};
	char path[256];
	int error, fd;

	(void)state;
	error = rtnetlink_set_vf(&netlink, 0x7ffffffe, &vf, VF_MAC);
	assert_true(error == -ENODEV || error == -EPERM);
	assert_true(was_busy);
	if (*kept)
		assert_contains(kept, "/" JOURNAL_LOCKS_PATH);
	else
		print_message("# /proc/PID/task/TID/children is not available\n");
	assert_false(host.kernel.is_busy(&host.kernel, &slot));

	snprintf(path, sizeof(path), "%s/" JOURNAL_LOCKS_PATH, fake->path);
	fd = open(path, O_RDWR | O_CLOEXEC);
	assert_int_equal(fcntl(fd, F_OFD_SETLK, &lock), 0);
	was_busy = false;
	assert_int_equal(rtnetlink_set_vf(&netlink, 0x7ffffffe, &vf, VF_MAC), -ETIMEDOUT);
	assert_false(was_busy); /* it was not sent */
	close(fd);
}

/* After two seconds: the operation, the remaining time and the owner. */
static void a_long_wait_is_reported(void **state)
{
	char name[] = "one-42";
	struct owner owner = {.name = name, .pid = 4711};
	struct pci_device device = {.address = slot, .owners = &owner, .owner_count = 1};
	struct inventory inventory = {.devices = &device, .count = 1};

	(void)state;
	make_fifo("sys/bus/pci/devices/0000:01:00.0/unbind");
	host.kernel.inventory = &inventory;
	host.kernel.timeout = 2;
	assert_int_equal(host.kernel.write(&host.kernel, &slot,
					   "sys/bus/pci/devices/0000:01:00.0/unbind", "x"),
			 -ETIMEDOUT);
	assert_string_equal(captured.text, "");
	host.kernel.timeout = 3;
	assert_int_equal(host.kernel.write(&host.kernel, &slot,
					   "sys/bus/pci/devices/0000:01:00.0/unbind", "x"),
			 -ETIMEDOUT);
	assert_string_equal(
		captured.text,
		"warning: 0000:01:00.0: waiting for the kernel to unbind it from its driver, at most 1 second "
		"longer; in use by VM 'one-42', process 4711\n");
}

static void a_long_wait_names_the_attribute(void **state)
{
	(void)state;
	make_fifo("sys/bus/pci/devices/0000:01:00.0/driver_override");
	host.kernel.timeout = 4;
	assert_int_equal(host.kernel.write(&host.kernel, &slot,
					   "sys/bus/pci/devices/0000:01:00.0/driver_override", "x"),
			 -ETIMEDOUT);
	assert_string_equal(
		captured.text,
		"warning: 0000:01:00.0: waiting for the kernel to set driver_override, at most 2 seconds longer\n");
}

/* The program is killed while a call is blocked: the call continues, later runs see it, and the
 * journal's lock is free. */
static void a_blocked_call_outlives_the_run(void **state)
{
	static const struct pci_address other = {.bus = 2};
	char path[256], value[ATTRIBUTE_SIZE], byte;
	struct journal journal;
	int fifo, output[2];
	pid_t run;

	(void)state;
	make_fifo("sys/bus/pci/devices/0000:01:00.0/unbind");
	assert_int_equal(pipe(output), 0);
	run = fork();
	if (run == 0) {
		dup2(output[1], STDOUT_FILENO);
		dup2(output[1], STDERR_FILENO);
		close(output[1]);
		journal_open(root, &log_, 0, &journal);
		host.kernel.timeout = 60;
		_exit(host.kernel.write(&host.kernel, &slot,
					"sys/bus/pci/devices/0000:01:00.0/unbind", "x"));
	}
	close(output[1]);
	for (int i = 0; i < 500 && !host.kernel.is_busy(&host.kernel, &slot); i++)
		usleep(10000);
	assert_true(host.kernel.is_busy(&host.kernel, &slot));
	usleep(100000); /* the child closes its copy of the pipe */
	assert_int_equal(kill(run, SIGKILL), 0);
	assert_int_equal(waitpid(run, NULL, 0), run);
	assert_true(host.kernel.is_busy(&host.kernel, &slot));
	assert_false(host.kernel.is_busy(&host.kernel, &other));
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	journal_close(&journal);
	/* readers of the run's output see its end */
	assert_int_equal(read(output[0], &byte, 1), 0);
	close(output[0]);
	assert_int_equal(host.kernel.write(&host.kernel, &slot,
					   "sys/bus/pci/devices/0000:01:00.0/unbind", "y"),
			 -ETIMEDOUT);
	assert_int_equal(host.kernel.read(&host.kernel, &slot,
					  "sys/bus/pci/devices/0000:01:00.0/unbind", value),
			 -ETIMEDOUT);
	/* the call finishes */
	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/0000:01:00.0/unbind", fake->path);
	fifo = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fifo, &byte, 1), 1);
	assert_int_equal(byte, 'x');
	close(fifo);
	for (int i = 0; i < 500 && host.kernel.is_busy(&host.kernel, &slot); i++)
		usleep(10000);
	assert_false(host.kernel.is_busy(&host.kernel, &slot));
}

/* ---- killed at any moment ---- */

#define OVERRIDE "sys/bus/pci/devices/0000:01:00.0/driver_override"

#define BLOCKED_MS                                                                     \
	50 /* a process that sleeps so long is blocked; a slow machine does not run it \
	    */
#define STOPS_MS 20000

static bool is_sleeping(pid_t pid)
{
	char path[64], text[512], *end;
	size_t length;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	in = fopen(path, "r");
	if (!in)
		return false;
	length = fread(text, 1, sizeof(text) - 1, in);
	fclose(in);
	text[length] = '\0';
	end = strrchr(text, ')');
	return end && end[1] == ' ' && end[2] == 'S';
}

/* Lets PID run to the beginning or end of its next system call, or to its fork: then its child, in
 * *RET_CHILD, has stopped before its first instruction. Returns false if PID has ended instead or
 * is blocked. */
static bool trace_next_call(pid_t pid, pid_t *ret_child)
{
	unsigned long child;
	int status, stopped = 0;
	unsigned asleep = 0;

	if (ptrace(PTRACE_SYSCALL, pid, NULL, NULL) < 0)
		return false;
	for (int i = 0; i < STOPS_MS && asleep < BLOCKED_MS && stopped == 0; i++) {
		if (i)
			usleep(1000);
		stopped = waitpid(pid, &status, __WALL | WNOHANG);
		asleep = is_sleeping(pid) ? asleep + 1 : 0;
	}
	if (stopped != pid || !WIFSTOPPED(status))
		return false;
	if (ret_child && status >> 8 == (SIGTRAP | PTRACE_EVENT_FORK << 8)) {
		assert_int_equal(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &child), 0);
		*ret_child = (pid_t)child;
		assert_int_equal(waitpid(*ret_child, &status, __WALL), *ret_child);
	}
	return true;
}

/* Starts a run that has locked the journal and stops before it writes to OVERRIDE. */
static pid_t start_traced_run(void)
{
	struct journal journal;
	pid_t run = fork();
	int status;

	if (run == 0) {
		host.kernel.timeout = 60;
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(1);
		journal_open(root, &log_, 0, &journal);
		raise(SIGSTOP);
		_exit(-host.kernel.write(&host.kernel, &slot, OVERRIDE, "x"));
	}
	assert_int_equal(waitpid(run, &status, 0), run);
	if (!WIFSTOPPED(status))
		skip(); /* this container permits no ptrace(2) */
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, run, NULL, PTRACE_O_TRACEFORK), 0);
	return run;
}

static bool is_written(void)
{
	char value[ATTRIBUTE_SIZE];

	return sysdir_read(sysroot_dir(root), OVERRIDE, value, sizeof(value)) == 1;
}

/* A concurrent reader of /proc/PID/fdinfo keeps the lock for a moment. */
static bool stays_busy(void)
{
	for (unsigned i = 0; i < 500 && host.kernel.is_busy(&host.kernel, &slot); i++)
		usleep(10000);
	return host.kernel.is_busy(&host.kernel, &slot);
}

struct moment {
	unsigned run_stops, child_stops; /* how far each has come when the run is killed */
	bool no_child, run_ended, child_ended;
	bool is_busy;		/* what another run finds then */
	bool is_written, later; /* whether the child has written before, or writes after that */
};

/* Kills a run at MOMENT and then lets its child continue. */
static void kill_at(struct moment *moment)
{
	struct journal journal;
	pid_t run, child = 0;

	fakesys_file(fake, OVERRIDE, "");
	run = start_traced_run();
	for (unsigned i = 0; i < moment->run_stops && !moment->run_ended; i++)
		moment->run_ended = !trace_next_call(run, &child);
	moment->no_child = !child;
	for (unsigned i = 0; child && i < moment->child_stops && !moment->child_ended; i++)
		moment->child_ended = !trace_next_call(child, NULL);
	kill(run, SIGKILL);
	assert_int_equal(waitpid(run, NULL, __WALL), run);
	assert_int_equal(journal_open(root, &log_, 0, &journal), 0);
	moment->is_busy = host.kernel.is_busy(&host.kernel, &slot);
	moment->is_written = is_written();
	if (child && !moment->child_ended)
		assert_int_equal(ptrace(PTRACE_DETACH, child, NULL, NULL), 0);
	if (child)
		waitpid(child, NULL, __WALL);
	moment->later = !moment->is_written && is_written();
	assert_false(stays_busy());
	journal_close(&journal);
}

/* For every moment of the run, and every moment of its child at that time: the next
 * holder of the journal's lock either finds the device busy, or the child never writes again.
 */
static void a_run_killed_at_any_system_call_leaves_no_unseen_write(void **state)
{
	unsigned moments = 0, busy = 0, later = 0;
	struct moment moment = {0};

	(void)state;
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (unsigned run_stops = 0; !moment.run_ended; run_stops++) {
		moment = (struct moment){0};
		for (unsigned stops = 0; !moment.child_ended && !moment.run_ended; stops++) {
			moment = (struct moment){.run_stops = run_stops, .child_stops = stops};
			kill_at(&moment);
			moments++;
			busy += moment.is_busy;
			later += moment.later;
			assert_true(moment.is_busy || !moment.later);
			if (moment.no_child)
				break;
		}
	}
	assert_true(later > 0);
	print_message("# killed at %u moments: %u times busy, %u writes after that\n", moments,
		      busy, later);
}

static void only_a_device_node_is_chowned(void **state)
{
	(void)state;
	fakesys_file(fake, "dev/vfio/1", "");
	fakesys_link(fake, "dev/vfio/2", "../../etc/shadow");
	assert_int_equal(host.kernel.chown(&host.kernel, "dev/vfio/1", 0, 0), -ENODEV);
	assert_int_equal(host.kernel.chown(&host.kernel, "dev/vfio/2", 0, 0), -ENODEV);
	assert_int_equal(host.kernel.chown(&host.kernel, "dev/vfio/3", 0, 0), -ENOENT);
}

static void an_unknown_module_is_an_error(void **state)
{
	int error;

	(void)state;
	error = host.kernel.load(&host.kernel, &slot, "no_such_module_at_all");
	assert_true(error < 0);
	assert_int_not_equal(error, -ELIBACC);
}

/* ---- calls with a deadline ---- */

static ssize_t return_bytes(void *data, void *result, size_t size)
{
	memset(result, 'x', size);
	return *(ssize_t *)data;
}

static ssize_t wait_for_ever(void *data, void *result, size_t size)
{
	(void)data, (void)result, (void)size;
	pause();
	return 0;
}

static ssize_t die(void *data, void *result, size_t size)
{
	(void)data, (void)result, (void)size;
	raise(SIGKILL);
	return 0;
}

static void a_call_with_a_deadline_returns_what_its_function_returns(void **state)
{
	static char result[200000]; /* more than a pipe holds */
	static const ssize_t returned[] = {0, 1, sizeof(result), -ENOENT, -ETIMEDOUT};
	ssize_t value;
	struct deadline_call call = {.run = return_bytes, .data = &value, .timeout_ms = 10000};

	(void)state;
	for (size_t i = 0; i < COUNT(returned); i++) {
		value = returned[i];
		memset(result, 0, sizeof(result));
		assert_int_equal(deadline_call(&call, result, sizeof(result)), value);
		if (value > 0)
			assert_int_equal(result[value - 1], 'x');
	}
	value = sizeof(result) + 1;
	assert_int_equal(deadline_call(&call, result, sizeof(result)), -EIO);
}

static void a_call_with_a_deadline_ends_in_time(void **state)
{
	struct deadline_call call = {.run = wait_for_ever, .timeout_ms = 100};

	(void)state;
	assert_int_equal(deadline_call(&call, NULL, 0), -ETIMEDOUT);
	/* killed, and reaped at once unless the machine is busy */
	for (unsigned i = 0; i < 500 && waitpid(-1, NULL, WNOHANG) == 0; i++)
		usleep(10000);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	call = (struct deadline_call){.run = die, .timeout_ms = 10000};
	assert_int_equal(deadline_call(&call, NULL, 0), -EIO);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_value_is_written_and_read),
		TEST(writes_outside_sys_bus_pci_are_rejected),
		TEST(a_blocked_call_times_out),
		TEST(a_request_locks_the_device),
		TEST(a_long_wait_is_reported),
		TEST(a_long_wait_names_the_attribute),
		TEST(a_blocked_call_outlives_the_run),
		TEST(a_run_killed_at_any_system_call_leaves_no_unseen_write),
		TEST(only_a_device_node_is_chowned),
		TEST(an_unknown_module_is_an_error),
		TEST(a_call_with_a_deadline_returns_what_its_function_returns),
		TEST(a_call_with_a_deadline_ends_in_time),
	};

	return cmocka_run_group_tests_name("binder-kernel", tests, NULL, NULL);
}
