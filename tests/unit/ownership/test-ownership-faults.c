/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fault injection: each system call of a reading fails once, alone and with all that follow. A read
 * error must never make a held device "free" or "host". The linker replaces the C library's
 * functions with those below (--wrap). */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/ownership/ownership.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HELD "0000:01:00.0"
#define FREE "0000:02:00.0"
#define GPU .vendor = 0x10de, .device = 0x2204, .class = 0x030000, .driver = "vfio-pci"

int __real_openat(int fd, const char *path, int flags, ...);
int __wrap_openat(int fd, const char *path, int flags, ...);
DIR *__real_fdopendir(int fd);
DIR *__wrap_fdopendir(int fd);
struct dirent *__real_readdir(DIR *list);
struct dirent *__wrap_readdir(DIR *list);
ssize_t __real_readlinkat(int fd, const char *path, char *buffer, size_t size);
ssize_t __wrap_readlinkat(int fd, const char *path, char *buffer, size_t size);
ssize_t __real_read(int fd, void *buffer, size_t size);
ssize_t __wrap_read(int fd, void *buffer, size_t size);
int __real_fstat(int fd, struct stat *status);
int __wrap_fstat(int fd, struct stat *status);
int __real_epoll_create1(int flags);
int __wrap_epoll_create1(int flags);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static struct {
	bool on, permanent;
	unsigned calls, fail; /* number of the call that fails, from 1 */
	int error;
	char what[96];
} fault;

static bool fails(const char *call, const char *path)
{
	if (!fault.on)
		return false;
	fault.calls++;
	if (fault.calls != fault.fail && !(fault.permanent && fault.calls > fault.fail))
		return false;
	if (fault.calls == fault.fail)
		snprintf(fault.what, sizeof(fault.what), "%s %.80s", call, path);
	errno = fault.error;
	return true;
}

int __wrap_openat(int fd, const char *path, int flags, ...)
{
	return fails("openat", path) ? -1 : __real_openat(fd, path, flags);
}

DIR *__wrap_fdopendir(int fd)
{
	return fails("fdopendir", "") ? NULL : __real_fdopendir(fd);
}

struct dirent *__wrap_readdir(DIR *list)
{
	return fails("readdir", "") ? NULL : __real_readdir(list);
}

ssize_t __wrap_readlinkat(int fd, const char *path, char *buffer, size_t size)
{
	return fails("readlinkat", path) ? -1 : __real_readlinkat(fd, path, buffer, size);
}

ssize_t __wrap_read(int fd, void *buffer, size_t size)
{
	return fails("read", "") ? -1 : __real_read(fd, buffer, size);
}

int __wrap_fstat(int fd, struct stat *status)
{
	return fails("fstat", "") ? -1 : __real_fstat(fd, status);
}

int __wrap_epoll_create1(int flags)
{
	return fails("epoll_create1", "") ? -1 : __real_epoll_create1(flags);
}

/* Of the system calls made by syscall(2), openat2(2) is the only one with a path. Like the C
 * library's it reads six arguments, also those that were not passed. */
__attribute__((no_sanitize("address"))) long __wrap_syscall(long number, ...)
{
	long words[6];
	va_list args;

	va_start(args, number);
	for (size_t i = 0; i < 6; i++)
		words[i] = va_arg(args, long);
	va_end(args);
	return fails("openat2", (const char *)words[1])
		       ? -1
		       : __real_syscall(number, words[0], words[1], words[2], words[3], words[4],
					words[5]);
}

static struct fakesys *fake;
static unsigned failures;

static int setup(void **state)
{
	(void)state;
	failures = 0;
	fake = fakesys_new();
	fakesys_process(fake, 1, "/sbin/init");
	fakesys_pci(fake, HELD, GPU, .group = "17");
	fakesys_pci(fake, FREE, GPU, .group = "18");
	fakesys_file(fake, "sys/bus/pci/devices/" HELD "/enable", "1\n");
	fakesys_file(fake, "sys/bus/pci/devices/" FREE "/enable", "0\n");
	fakesys_link(fake, "sys/kernel/iommu_groups/17/devices/" HELD,
		     "../../../../devices/pci0000:00/" HELD);
	fakesys_link(fake, "sys/kernel/iommu_groups/18/devices/" FREE,
		     "../../../../devices/pci0000:00/" FREE);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fault.on = false;
	fakesys_free(fake);
	return 0;
}

static const struct pci_device *find(const struct inventory *inventory, const char *text)
{
	struct pci_address address;

	assert_int_equal(address_parse(text, &address), 0);
	return inventory_find(inventory, &address);
}

/* Returns false if the reading fails as a whole, which is a correct result, too. */
static bool read_ownership(enum ownership *held, enum ownership *available)
{
	static struct rule_list slots = {.key = "-s", .kind = RULE_SLOT};
	unsigned sources = OWNER_VFIO | OWNER_CMDLINE | OWNER_MDEV | OWNER_NODES;
	struct log_capture captured = {0};
	struct probe_options options = {
		.slots = &slots,
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.details = DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP,
		.owners = &sources,
	};
	struct inventory *inventory = NULL;
	struct probe *probe = NULL;
	const struct pci_device *device;
	int error;

	assert_int_equal(probe_new(&options, &probe), 0);
	fault.calls = 0;
	fault.on = true;
	error = probe_read(probe, &inventory);
	fault.on = false;
	if (!error) {
		device = find(inventory, HELD);
		*held = device ? device->ownership : OWNERSHIP_UNKNOWN;
		device = find(inventory, FREE);
		*available = device ? device->ownership : OWNERSHIP_UNKNOWN;
		inventory_free(inventory);
	}
	probe_free(probe);
	return error == 0;
}

static void inject(int error, bool permanent)
{
	enum ownership held, available;
	unsigned calls;

	fault.fail = 0;
	fault.permanent = false;
	assert_true(read_ownership(&held, &available));
	calls = fault.calls;
	assert_true(calls > 50);
	fault.error = error;
	fault.permanent = permanent;
	for (fault.fail = 1; fault.fail <= calls; fault.fail++) {
		if (!read_ownership(&held, &available))
			continue;
		if (held == OWNERSHIP_FREE || held == OWNERSHIP_HOST) {
			print_error("%s: %s%s: the held device is %s\n", fault.what,
				    strerror(error), permanent ? ", permanently" : "",
				    ownership_name(held));
			failures++;
		}
		if (available == OWNERSHIP_HELD) {
			print_error("%s: %s: the free device is held\n", fault.what,
				    strerror(error));
			failures++;
		}
	}
}

static void inject_all(void)
{
	static const int errors[] = {EMFILE, ENFILE, ENOMEM, EIO, EACCES, EPERM, ELOOP, EINTR};

	for (size_t i = 0; i < sizeof(errors) / sizeof(*errors); i++) {
		inject(errors[i], false);
		if (errors[i] != EINTR) /* an interrupted read is repeated without end */
			inject(errors[i], true);
	}
	assert_int_equal(failures, 0);
}

static void add_holder(void)
{
	fakesys_process(
		fake, 42,
		"/usr/bin/qemu-system-x86_64\0-name\0guest=one-7\0-device\0vfio-pci,host=" HELD);
	fakesys_descriptor(fake, 42, 5, "/dev/vfio/vfio");
	fakesys_descriptor(fake, 42, 6, "/dev/vfio/17");
}

static void a_held_device_is_held_or_unknown_with_vfio_built_in(void **state)
{
	(void)state;
	add_holder();
	inject_all();
}

static void a_held_device_is_held_or_unknown_with_a_reference_count(void **state)
{
	(void)state;
	add_holder();
	fakesys_vfio_count(fake, 2);
	inject_all();
}

static void a_device_with_a_hidden_holder_is_unknown(void **state)
{
	(void)state;
	fakesys_vfio_count(fake, 2);
	inject_all();
}

/* The VM has the device by vDPA, while it is bound to its host driver. */
static void a_held_vdpa_device_is_held_or_unknown(void **state)
{
	(void)state;
	fakesys_free(fake);
	fake = fakesys_new();
	fakesys_process(fake, 1, "/sbin/init");
	fakesys_pci(fake, HELD, .vendor = 0x15b3, .device = 0x101e, .class = 0x020000,
		    .driver = "mlx5_core", .group = "17");
	fakesys_pci(fake, FREE, GPU, .group = "18");
	fakesys_file(fake, "sys/devices/pci0000:00/" HELD "/vdpa0/vhost-vdpa-0/dev", "234:0\n");
	fakesys_link(fake, "sys/bus/vdpa/devices/vdpa0",
		     "../../../devices/pci0000:00/" HELD "/vdpa0");
	fakesys_file(fake, "numbers/dev/vhost-vdpa-0", "234:0\n");
	fakesys_process(fake, 42, "/usr/bin/qemu-system-x86_64\0-name\0guest=one-7");
	fakesys_descriptor(fake, 42, 6, "/dev/vhost-vdpa-0");
	fakesys_file(fake, "proc/42/fdinfo/6", "flags:\t02\n");
	inject_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_held_device_is_held_or_unknown_with_vfio_built_in,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_held_device_is_held_or_unknown_with_a_reference_count, setup, teardown),
		cmocka_unit_test_setup_teardown(a_device_with_a_hidden_holder_is_unknown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_held_vdpa_device_is_held_or_unknown, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
