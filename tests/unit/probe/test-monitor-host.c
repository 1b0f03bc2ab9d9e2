/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Successive readings of the host itself, where the kernel reports changes of devices by uevents,
 * and files of attributes stay open. The machine is a fake one that is said to be the host; the
 * kernel's messages and what it does with open files of removed devices are modelled here. */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/monitor/monitor.h"
#include "probe/monitor/uevents.h"
#include "tests/unit/fakesys.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define NIC "0000:00:02.0"
#define GPU "0000:00:03.0"

static struct fakesys *fake;
static struct log_capture captured;
static struct read_trace trace;
static struct monitor *monitor;
static struct monitor_reading reading;

/* ---- the kernel ---- */

static struct {
	bool is_host;  /* while a monitor is started */
	bool complete; /* it sends the messages of all devices */
	bool relevant, lost;
	unsigned kept_reads;
	const char *removed_midway; /* a device, by the next read of an open file */
} kernel;

bool __wrap_sysroot_is_host(const struct sysroot *root);
int __wrap_uevents_new(const struct log *log, struct uevents **ret);
void __wrap_uevents_free(struct uevents *uevents);
int __wrap_uevents_fd(const struct uevents *uevents);
void __wrap_uevents_read(struct uevents *uevents, bool *ret_relevant, bool *ret_lost);
bool __wrap_uevents_are_complete(void);
ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset);
ssize_t __real_pread(int fd, void *buffer, size_t size, off_t offset);

bool __wrap_sysroot_is_host(const struct sysroot *root)
{
	(void)root;
	return kernel.is_host;
}

static int event = -1;

int __wrap_uevents_new(const struct log *log, struct uevents **ret)
{
	(void)log;
	event = eventfd(0, EFD_CLOEXEC);
	*ret = (struct uevents *)&kernel;
	return event < 0 ? -errno : 0;
}

void __wrap_uevents_free(struct uevents *uevents)
{
	if (uevents)
		close(event);
}

int __wrap_uevents_fd(const struct uevents *uevents)
{
	(void)uevents;
	return event;
}

void __wrap_uevents_read(struct uevents *uevents, bool *ret_relevant, bool *ret_lost)
{
	(void)uevents;
	*ret_relevant = kernel.relevant;
	*ret_lost = kernel.lost;
	kernel.relevant = kernel.lost = false;
}

bool __wrap_uevents_are_complete(void)
{
	return kernel.complete;
}

static void remove_device(const char *address)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s", address);
	fakesys_remove(fake, path);
	snprintf(path, sizeof(path), "sys/devices/pci0000:00/%s", address);
	fakesys_remove(fake, path);
}

/* sysfs does not read files of a removed device; kernfs_seq_start(). */
ssize_t __wrap_pread(int fd, void *buffer, size_t size, off_t offset)
{
	struct stat status;

	kernel.kept_reads++;
	if (kernel.removed_midway) {
		remove_device(kernel.removed_midway);
		kernel.removed_midway = NULL;
	}
	if (fstat(fd, &status) == 0 && status.st_nlink == 0) {
		errno = ENODEV;
		return -1;
	}
	return __real_pread(fd, buffer, size, offset);
}

/* ---- the machine ---- */

static void add_nic(unsigned device, const char *errors)
{
	fakesys_pci(fake, NIC, .vendor = 0x8086, .device = device, .class = 0x020000,
		    .driver = "vfio-pci", .group = "2");
	fakesys_attribute(fake, NIC, "power/runtime_status", "active\n");
	fakesys_attribute(fake, NIC, "max_link_speed", "8.0 GT/s PCIe\n");
	fakesys_attribute(fake, NIC, "max_link_width", "8\n");
	fakesys_attribute(fake, NIC, "current_link_speed", "8.0 GT/s PCIe\n");
	fakesys_attribute(fake, NIC, "current_link_width", "8\n");
	fakesys_attribute(fake, NIC, "aer_dev_correctable", errors);
	fakesys_attribute(fake, NIC, "aer_dev_nonfatal", "TOTAL_ERR_NONFATAL 0\n");
	fakesys_attribute(fake, NIC, "aer_dev_fatal", "TOTAL_ERR_FATAL 0\n");
}

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	kernel = (typeof(kernel)){.complete = true};
	add_nic(0x10d3, "RxErr 1\nTOTAL_ERR_COR 1\n");
	fakesys_pci(fake, GPU, .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .driver = "nvidia", .group = "3");
	fakesys_process(fake, 1, "/sbin/init");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	monitor_free(monitor);
	monitor = NULL;
	fakesys_free(fake);
	return 0;
}

static void start(void)
{
	const struct probe_options options = {
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.all = true,
		.details = DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP | DETAIL_LINK |
			   DETAIL_AER,
		.observer = trace_read,
		.observer_data = &trace,
	};

	kernel.is_host = true;
	assert_int_equal(monitor_new(&options, &monitor), 0);
	assert_true(monitor_listen(monitor) >= 0);
	kernel.is_host = false;
}

static const struct pci_device *read_devices(void)
{
	trace.text[0] = '\0';
	kernel.kept_reads = 0;
	assert_int_equal(monitor_read(monitor, &reading), 0);
	return reading.current->count ? &reading.current->devices[0] : NULL;
}

static void read_until_short(void)
{
	for (unsigned i = 0; i < 3; i++)
		read_devices();
	assert_false(reading.full);
}

static void change_driver(const char *address, const char *target)
{
	char path[64];

	snprintf(path, sizeof(path), "sys/bus/pci/devices/%s/driver", address);
	fakesys_remove(fake, path);
	fakesys_link(fake, path, target);
}

#define IXGBE "../../../bus/pci/drivers/ixgbe"

/* Of this process, from FROM up to but not TO. */
static size_t count_descriptors(int from, int to)
{
	DIR *list = opendir("/proc/self/fd");
	struct dirent *entry;
	size_t count = 0;

	assert_non_null(list);
	while ((entry = readdir(list))) {
		int fd = atoi(entry->d_name);

		count += entry->d_name[0] != '.' && fd != dirfd(list) && fd >= from && fd < to;
	}
	closedir(list);
	return count;
}

/* ---- tests ---- */

static void without_an_event_only_what_changes_without_one_is_read(void **state)
{
	const struct pci_device *device;

	(void)state;
	start();
	read_until_short();
	fakesys_attribute(fake, NIC, "aer_dev_correctable", "RxErr 7\nTOTAL_ERR_COR 7\n");
	fakesys_attribute(fake, NIC, "current_link_width", "4\n");
	device = read_devices();
	assert_false(reading.full);
	assert_int_equal(device->aer.correctable, 7);
	assert_int_equal(device->link.width, 4);
	assert_string_equal(device->driver, "vfio-pci");
	assert_contains(trace.text, "sys/bus/pci/devices/" NIC "/aer_dev_correctable\n");
	assert_null(strstr(trace.text, "driver"));
	assert_null(strstr(trace.text, "sys/bus/pci/devices/" NIC "\n")); /* the list */
	/* attributes that a device does not have are not looked for */
	assert_null(strstr(trace.text, GPU));
	assert_int_equal(kernel.kept_reads, 6);
}

static void an_event_or_a_lost_one_causes_a_full_reading(void **state)
{
	(void)state;
	start();
	read_until_short();
	change_driver(NIC, IXGBE);
	kernel.relevant = true;
	assert_string_equal(read_devices()->driver, "ixgbe");
	assert_true(reading.full);
	read_until_short();
	change_driver(NIC, "../../../bus/pci/drivers/vfio-pci");
	kernel.lost = true;
	assert_string_equal(read_devices()->driver, "vfio-pci");
	assert_true(reading.full);
	assert_true(reading.causes & WATCH_OVERFLOW);
	read_until_short();
}

/* The link of a driver that fails to bind is there while it tries, and ends without an event. */
static void a_driver_that_changes_without_an_event_is_found_after_some_readings(void **state)
{
	unsigned readings = 1;

	(void)state;
	start();
	read_until_short();
	change_driver(NIC, IXGBE);
	while (strcmp(read_devices()->driver, "ixgbe") != 0)
		assert_true(++readings <= 6);
	assert_int_equal(reading.current->devices[0].ownership, OWNERSHIP_HOST);
}

static void where_the_kernel_sends_no_events_drivers_are_read_each_time(void **state)
{
	(void)state;
	kernel.complete = false;
	start();
	read_until_short();
	change_driver(NIC, IXGBE);
	assert_string_equal(read_devices()->driver, "ixgbe");
	remove_device(GPU);
	read_devices();
	assert_int_equal(reading.current->count, 1);
}

/* Before its event can be read. */
static void a_device_that_is_removed_while_it_is_read_is_not_shown(void **state)
{
	(void)state;
	start();
	read_until_short();
	kernel.removed_midway = NIC;
	assert_int_equal(read_devices()->vendor, 0x10de);
	assert_int_equal(reading.current->count, 1);
}

static void a_device_never_has_the_attributes_of_the_one_before_it(void **state)
{
	const struct pci_device *device;

	(void)state;
	start();
	read_until_short();
	remove_device(NIC);
	add_nic(0x1521, "TOTAL_ERR_COR 99\n");
	device = read_devices();
	assert_int_equal(device->device, 0x1521);
	assert_int_equal(device->aer.correctable, 99);
	read_until_short();
	assert_int_equal(reading.current->devices[0].aer.correctable, 99);
}

static void the_link_of_a_suspended_device_is_not_read(void **state)
{
	const struct pci_device *device;

	(void)state;
	start();
	read_until_short();
	fakesys_attribute(fake, NIC, "power/runtime_status", "suspended\n");
	device = read_devices();
	assert_false(device->present & (HAS_LINK_SPEED | HAS_LINK_LIMITS));
	assert_null(strstr(trace.text, "link"));
	assert_true(device->present & HAS_AER_CORRECTABLE);
	fakesys_attribute(fake, NIC, "power/runtime_status", "active\n");
	device = read_devices();
	assert_int_equal(device->link.width, 8);
	assert_int_equal(device->link.max_width, 8);
}

static void at_most_the_upper_half_of_the_descriptors_is_kept(void **state)
{
	struct rlimit before, limit;
	size_t open_before, upper_before, lower, kept;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
	for (unsigned i = 0; i < 20; i++) {
		char address[16];

		snprintf(address, sizeof(address), "0000:01:%02x.0", i);
		fakesys_pci(fake, address, .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
		fakesys_attribute(fake, address, "aer_dev_correctable", "TOTAL_ERR_COR 1\n");
		fakesys_attribute(fake, address, "aer_dev_nonfatal", "TOTAL_ERR_NONFATAL 2\n");
		fakesys_attribute(fake, address, "aer_dev_fatal", "TOTAL_ERR_FATAL 3\n");
	}
	open_before = count_descriptors(0, INT_MAX);
	upper_before = count_descriptors(32, 64);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	start();
	lower = count_descriptors(0, 32);
	for (unsigned i = 0; i < 8; i++) {
		read_devices();
		assert_int_equal(reading.current->count, 22);
		for (size_t device = 2; device < 22; device++)
			assert_int_equal(reading.current->devices[device].aer.fatal, 3);
	}
	kept = count_descriptors(32, 64) - upper_before;
	assert_int_equal(count_descriptors(0, 32), lower);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_in_range(kept, 1, 32);
	monitor_free(monitor);
	monitor = NULL;
	assert_int_equal(count_descriptors(0, INT_MAX), open_before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			without_an_event_only_what_changes_without_one_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(an_event_or_a_lost_one_causes_a_full_reading, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			a_driver_that_changes_without_an_event_is_found_after_some_readings, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			where_the_kernel_sends_no_events_drivers_are_read_each_time, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_device_that_is_removed_while_it_is_read_is_not_shown, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_device_never_has_the_attributes_of_the_one_before_it, setup, teardown),
		cmocka_unit_test_setup_teardown(the_link_of_a_suspended_device_is_not_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(at_most_the_upper_half_of_the_descriptors_is_kept,
						setup, teardown),
	};

	return cmocka_run_group_tests_name("monitor-host", tests, NULL, NULL);
}
