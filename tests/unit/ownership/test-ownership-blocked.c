/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes of which the command line cannot be read, because the kernel waits for a page of the
 * process. The linker replaces the C library's functions with those below (--wrap): read(2) of such
 * a command line waits until release_all. */
#include "tests/unit/ownership/fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *data);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *data);

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool blocks[100]; /* by pid */
	char path[64];	  /* of its root, which remains after the test's end */
	unsigned waiting;
	bool no_threads;
} machine = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

/* The pid of an open /proc/<pid>/cmdline of the machine, or 0. */
static unsigned pid_of(int fd)
{
	char link[32], path[256];
	unsigned pid = 0;
	ssize_t length;
	int end = 0;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	length = readlink(link, path, sizeof(path) - 1);
	if (length < (ssize_t)strlen(machine.path))
		return 0;
	path[length] = '\0';
	sscanf(path + strlen(machine.path), "/proc/%2u/cmdline%n", &pid, &end);
	return end ? pid : 0;
}

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	unsigned pid = pid_of(fd);

	pthread_mutex_lock(&machine.lock);
	if (machine.blocks[pid]) {
		machine.waiting++;
		while (machine.blocks[pid])
			pthread_cond_wait(&machine.changed, &machine.lock);
		machine.waiting--;
	}
	pthread_mutex_unlock(&machine.lock);
	return __real_read(fd, buffer, size);
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
			  void *(*start)(void *), void *data)
{
	return machine.no_threads ? EAGAIN : __real_pthread_create(thread, attributes, start, data);
}

static void block(unsigned pid)
{
	pthread_mutex_lock(&machine.lock);
	machine.blocks[pid] = true;
	pthread_mutex_unlock(&machine.lock);
}

static unsigned waiting(void)
{
	unsigned number;

	pthread_mutex_lock(&machine.lock);
	number = machine.waiting;
	pthread_mutex_unlock(&machine.lock);
	return number;
}

static unsigned count_threads(void)
{
	DIR *list = opendir("/proc/self/task");
	unsigned count = 0;

	assert_non_null(list);
	while (sysdir_next(list))
		count++;
	closedir(list);
	return count;
}

/* Returns when the blocked threads have ended. */
static void release_all(void)
{
	const struct timespec pause = {.tv_nsec = 5000000};

	pthread_mutex_lock(&machine.lock);
	memset(machine.blocks, false, sizeof(machine.blocks));
	pthread_cond_broadcast(&machine.changed);
	pthread_mutex_unlock(&machine.lock);
	while (count_threads() > 1)
		nanosleep(&pause, NULL);
}

static int blocked_setup(void **state)
{
	int result = setup(state);

	alarm(120); /* a walk that is blocked fails the test */
	strcpy(machine.path, fake->path);
	return result;
}

/* Everything that the blocked threads could use is freed before they go on. */
static int blocked_teardown(void **state)
{
	int result = teardown(state);

	release_all();
	return result;
}

#define BLOCKED_TEST(function) \
	cmocka_unit_test_setup_teardown(function, blocked_setup, blocked_teardown)

static void add_devices(void)
{
	fakesys_pci(fake, "0000:01:00.0", GPU, .driver = "vfio-pci", .group = "17");
	fakesys_pci(fake, "0000:02:00.0", GPU, .driver = "vfio-pci", .group = "18");
	fakesys_pci(fake, "0000:03:00.0", GPU, .driver = "vfio-pci", .group = "19");
	PROCESS(42, "/usr/bin/kvm\0-id\0"
		    "105\0-name\0one");
	add_descriptor(42, 6, "/dev/vfio/17");
	PROCESS(43, "/usr/bin/kvm\0-id\0"
		    "106\0-name\0other");
	add_descriptor(43, 6, "/dev/vfio/18");
}

/* Processes are listed in any order: a walk has inspected those before the blocked one, and a walk
 * after that all. */
static void a_blocked_process_blocks_one_walk_until_its_deadline(void **state)
{
	(void)state;
	add_devices();
	block(43);
	read_inventory();
	assert_int_equal(waiting(), 1);
	assert_string_not_equal(state_of("01:00.0"), "free");
	assert_string_equal(state_of("02:00.0"), "held");
	assert_int_equal(device_at("02:00.0")->owners[0].pid, 43);
	assert_string_equal(state_of("03:00.0"), "unknown");
	assert_non_null(strstr(device_at("03:00.0")->unknown_reason, strerror(ETIMEDOUT)));
	assert_in_range(inventory->unseen, 1, 4);
	read_inventory();
	assert_int_equal(waiting(), 1);
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(device_at("01:00.0")->owners[0].name, "one");
	assert_string_equal(state_of("02:00.0"), "held");
	assert_int_equal(device_at("02:00.0")->owners[0].pid, 43);
	assert_null(device_at("02:00.0")->owners[0].name);
	assert_string_equal(state_of("03:00.0"), "unknown");
	assert_int_equal(inventory->unseen, 1);
}

static void a_process_that_is_not_blocked_any_more_is_inspected(void **state)
{
	(void)state;
	add_devices();
	block(43);
	read_inventory();
	assert_string_equal(state_of("03:00.0"), "unknown");
	release_all();
	/* the walk had ended */
	assert_null(strstr(seen.text, "proc/43/cmdline"));
	read_inventory();
	assert_non_null(strstr(seen.text, "proc/43/cmdline"));
	assert_string_equal(device_at("02:00.0")->owners[0].name, "other");
	assert_string_equal(state_of("03:00.0"), "free");
	assert_int_equal(inventory->unseen, 0);
}

static void a_process_without_files_can_block_as_well(void **state)
{
	(void)state;
	add_devices();
	PROCESS(44, "sh");
	block(44);
	read_inventory();
	read_inventory();
	assert_int_equal(waiting(), 1);
	assert_string_equal(device_at("01:00.0")->owners[0].name, "one");
	assert_string_equal(device_at("02:00.0")->owners[0].name, "other");
	assert_string_equal(state_of("03:00.0"), "unknown");
	assert_int_equal(inventory->unseen, 1);
	/* the kernel's count outranks the walk */
	fakesys_vfio_count(fake, 4);
	fakesys_device_node(fake, 0, "0000:01:00.0");
	read_inventory();
	assert_string_equal(state_of("03:00.0"), "free");
}

static void a_reservation_for_a_blocked_process_counts(void **state)
{
	(void)state;
	add_devices();
	fakesys_file(fake, "run/qemu-server/pci-id-reservations", "0000:03:00.0 106 pid:43\n");
	block(43);
	read_inventory();
	assert_int_equal(waiting(), 1);
	assert_string_equal(state_of("03:00.0"), "held");
	assert_int_equal(device_at("03:00.0")->owners[0].pid, 43);
}

static void *blocked_thread(void *data)
{
	(void)data;
	prctl(PR_SET_NAME, "pciwalk-99");
	pthread_mutex_lock(&machine.lock);
	machine.waiting++;
	pthread_cond_broadcast(&machine.changed);
	while (machine.blocks[99])
		pthread_cond_wait(&machine.changed, &machine.lock);
	machine.waiting--;
	pthread_mutex_unlock(&machine.lock);
	return NULL;
}

static void start_blocked_threads(unsigned count)
{
	pthread_t thread;

	block(99);
	for (unsigned i = 0; i < count; i++) {
		assert_int_equal(pthread_create(&thread, NULL, blocked_thread, NULL), 0);
		assert_int_equal(pthread_detach(thread), 0);
	}
	pthread_mutex_lock(&machine.lock);
	while (machine.waiting < count)
		pthread_cond_wait(&machine.changed, &machine.lock);
	pthread_mutex_unlock(&machine.lock);
}

static void with_many_blocked_threads_no_command_line_is_read(void **state)
{
	(void)state;
	add_devices();
	start_blocked_threads(32);
	block(43);
	read_inventory();
	assert_int_equal(waiting(), 32);
	assert_null(strstr(seen.text, "/cmdline"));
	assert_string_equal(state_of("01:00.0"), "held");
	assert_string_equal(state_of("02:00.0"), "held");
	assert_string_equal(state_of("03:00.0"), "unknown");
	assert_int_equal(inventory->unseen, 4);
}

static void without_threads_the_caller_walks(void **state)
{
	(void)state;
	add_devices();
	machine.no_threads = true;
	read_inventory();
	machine.no_threads = false;
	assert_string_equal(device_at("01:00.0")->owners[0].name, "one");
	assert_string_equal(device_at("02:00.0")->owners[0].name, "other");
	assert_string_equal(state_of("03:00.0"), "free");
	assert_int_equal(inventory->unseen, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BLOCKED_TEST(a_blocked_process_blocks_one_walk_until_its_deadline),
		BLOCKED_TEST(a_process_that_is_not_blocked_any_more_is_inspected),
		BLOCKED_TEST(a_process_without_files_can_block_as_well),
		BLOCKED_TEST(a_reservation_for_a_blocked_process_counts),
		BLOCKED_TEST(with_many_blocked_threads_no_command_line_is_read),
		BLOCKED_TEST(without_threads_the_caller_walks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
