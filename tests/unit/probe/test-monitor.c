/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What successive readings return. When they are full is tested by test-collectd-monitor.c. */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/monitor/monitor.h"
#include "tests/unit/fakesys.h"

#include <poll.h>

static struct fakesys *fake;
static struct log_capture captured;
static struct monitor *monitor;
static struct monitor_reading reading;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000,
		    .driver = "vfio-pci", .group = "2");
	fakesys_pci(fake, "0000:00:03.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .driver = "vfio-pci", .group = "3");
	fakesys_process(fake, 1, "/sbin/init");
	fakesys_file(fake, "etc/pci.conf", ":filter: '8086:*'\n");
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

static int start(void)
{
	const struct probe_options options = {
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.config_home = "/etc/pci.conf",
		.details = DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP,
	};

	return monitor_new(&options, &monitor);
}

static void read_until_short(void)
{
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_false(reading.full);
}

static void the_first_reading_is_full_and_has_no_previous_one(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_true(reading.full);
	assert_int_equal(reading.config_status, CONFIG_UNCHANGED);
	assert_null(reading.previous);
	assert_int_equal(reading.current->selected, 1);
	assert_contains(reading.config_path, "/etc/pci.conf");
	assert_string_equal(reading.config->path, reading.config_path);
}

static void a_reading_has_the_previous_inventory(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	read_until_short();
	fakesys_pci(fake, "0000:00:04.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.previous->selected, 1);
	assert_int_equal(reading.current->selected, 2);
}

static void after_a_failure_the_last_successful_reading_is_the_previous_one(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	read_until_short();
	fakesys_remove(fake, "sys/bus/pci");
	assert_true(monitor_read(monitor, &reading) < 0);
	assert_null(reading.current);
	assert_null(reading.previous);
	assert_int_equal(captured.errors, 1);
	fakesys_directory(fake, "sys/bus/pci/devices");
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_true(reading.full);
	assert_int_equal(reading.previous->selected, 1);
	assert_int_equal(reading.current->selected, 0);
}

static void a_changed_configuration_is_loaded(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	read_until_short();
	fakesys_file(fake, "etc/pci.conf", ":filter: '*:*'\n");
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_true(reading.full);
	assert_int_equal(reading.config_status, CONFIG_LOADED);
	assert_int_equal(reading.previous->selected, 1);
	assert_int_equal(reading.current->selected, 2);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.config_status, CONFIG_UNCHANGED);
}

static void an_invalid_or_removed_configuration_is_rejected(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	read_until_short();
	fakesys_file(fake, "etc/pci.conf", ":filter: invalid rule\n");
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.config_status, CONFIG_REJECTED);
	assert_int_equal(reading.current->selected, 1);
	assert_contains(captured.text, "cannot be used; keeping the previous rules");
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.config_status, CONFIG_STILL_REJECTED);
	fakesys_remove(fake, "etc/pci.conf");
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.config_status, CONFIG_REJECTED);
	assert_contains(captured.text, "removed; keeping the previous rules");
	assert_int_equal(reading.current->selected, 1);
}

static bool is_awake(void)
{
	struct pollfd polled = {.fd = monitor_listen(monitor), .events = POLLIN};

	assert_true(polled.fd >= 0);
	return poll(&polled, 1, 0) > 0;
}

static void a_caller_that_waits_is_woken_by_files_and_the_configuration(void **state)
{
	(void)state;
	fakesys_file(fake, "dev/vfio/2", "");
	assert_int_equal(start(), 0);
	is_awake(); /* listens from here on */
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.causes, WATCH_FILES);
	read_until_short();
	assert_int_equal(reading.causes, 0);
	assert_false(is_awake());
	fakesys_file(fake, "dev/vfio/2", "x");
	assert_true(is_awake());
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.causes, WATCH_FILES);
	assert_true(reading.full);
	assert_true(reading.unsettled);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_true(reading.full);
	assert_false(reading.unsettled);
	read_until_short();
	assert_false(is_awake());
	fakesys_file(fake, "etc/pci.conf", ":filter: '*:*'\n");
	assert_true(is_awake());
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.causes, WATCH_CONFIG);
	assert_int_equal(reading.config_status, CONFIG_LOADED);
	assert_false(is_awake());
}

static void a_caller_that_waits_is_woken_by_vdpa_nodes(void **state)
{
	(void)state;
	fakesys_directory(fake, "sys/bus/vdpa/devices");
	fakesys_file(fake, "dev/vhost-vdpa-0", "");
	fakesys_file(fake, "dev/null", "");
	assert_int_equal(start(), 0);
	is_awake();
	read_until_short();
	assert_false(is_awake());
	fakesys_file(fake, "dev/null", "x");
	assert_false(is_awake());
	fakesys_file(fake, "dev/vhost-vdpa-0", "x");
	assert_true(is_awake());
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.causes, WATCH_FILES);
	assert_true(reading.full);
	read_until_short();
	/* one that appears later may have been opened before it is watched */
	fakesys_file(fake, "dev/vhost-vdpa-1", "");
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.causes, WATCH_FILES);
	read_until_short();
	assert_false(is_awake());
	fakesys_file(fake, "dev/vhost-vdpa-1", "x");
	assert_true(is_awake());
}

static void other_files_beside_the_configuration_cause_nothing(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	is_awake();
	read_until_short();
	fakesys_file(fake, "etc/other.conf", "");
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.causes, 0);
	assert_false(reading.full);
}

static void a_caller_that_reads_seldom_can_ask_for_unknown_owners(void **state)
{
	(void)state;
	assert_int_equal(start(), 0);
	read_until_short();
	fakesys_remove(fake, "proc");
	fakesys_file(fake, "dev/vfio/2", "x");
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.current->devices[0].ownership, OWNERSHIP_UNKNOWN);
	monitor_recheck(monitor);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_true(reading.full);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	fakesys_process(fake, 1, "/sbin/init");
	monitor_recheck(monitor);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.current->devices[0].ownership, OWNERSHIP_FREE);
	monitor_recheck(monitor);
	while (reading.full)
		assert_int_equal(monitor_read(monitor, &reading), 0);
	monitor_recheck(monitor);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_false(reading.full); /* nothing may have changed silently */
}

static void all_devices_need_no_configuration(void **state)
{
	const struct probe_options options = {
		.log = log_capture_add(&captured),
		.sysroot = fake->path,
		.config_home = "/etc/pci.conf",
		.all = true,
	};

	(void)state;
	assert_int_equal(monitor_new(&options, &monitor), 0);
	assert_true(monitor_listen(monitor) >= 0);
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.current->selected, 2);
	fakesys_file(fake, "etc/pci.conf", ":filter: invalid rule\n");
	assert_int_equal(monitor_read(monitor, &reading), 0);
	assert_int_equal(reading.config_status, CONFIG_UNCHANGED);
	assert_int_equal(reading.current->selected, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_first_reading_is_full_and_has_no_previous_one,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_reading_has_the_previous_inventory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			after_a_failure_the_last_successful_reading_is_the_previous_one, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_changed_configuration_is_loaded, setup, teardown),
		cmocka_unit_test_setup_teardown(an_invalid_or_removed_configuration_is_rejected,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_caller_that_waits_is_woken_by_files_and_the_configuration, setup,
			teardown),
		cmocka_unit_test_setup_teardown(a_caller_that_waits_is_woken_by_vdpa_nodes, setup,
						teardown),
		cmocka_unit_test_setup_teardown(other_files_beside_the_configuration_cause_nothing,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_caller_that_reads_seldom_can_ask_for_unknown_owners, setup, teardown),
		cmocka_unit_test_setup_teardown(all_devices_need_no_configuration, setup, teardown),
	};

	return cmocka_run_group_tests_name("monitor", tests, NULL, NULL);
}
