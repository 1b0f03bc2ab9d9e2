/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's functions of kernel.h, on files. Opening a FIFO without a reader blocks, like an
 * unbind of a device in use. */
#include "tests/unit/test.h"

#include "binder/engine/journal.h"
#include "binder/engine/kernel.h"
#include "binder/host/deadline.h"
#include "tests/unit/fakesys.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
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
	/* whoever reads the output of the run gets its end */
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
	(void)state;
	assert_true(host.kernel.load(&host.kernel, &slot, "no_such_module_at_all") < 0);
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
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* killed, and reaped */
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
		TEST(a_long_wait_is_reported),
		TEST(a_long_wait_names_the_attribute),
		TEST(a_blocked_call_outlives_the_run),
		TEST(only_a_device_node_is_chowned),
		TEST(an_unknown_module_is_an_error),
		TEST(a_call_with_a_deadline_returns_what_its_function_returns),
		TEST(a_call_with_a_deadline_ends_in_time),
	};

	return cmocka_run_group_tests_name("binder-kernel", tests, NULL, NULL);
}
