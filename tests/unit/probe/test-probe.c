/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

static struct fakesys *fake;
static struct log_capture captured;
static struct probe *probe;
static struct inventory *inventory;
static struct read_trace seen;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	seen.text[0] = '\0';
	fakesys_file(fake, "proc/sys/kernel/hostname", "host1\n");
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000,
		    .group = "2");
	fakesys_pci(fake, "0000:00:03.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .group = "3");
	return 0;
}

static void reset(void)
{
	inventory_free(inventory);
	probe_free(probe);
	inventory = NULL;
	probe = NULL;
}

static int teardown(void **state)
{
	(void)state;
	reset();
	fakesys_free(fake);
	return 0;
}

static int new_probe(struct probe_options options)
{
	reset();
	options.log = log_capture_add(&captured);
	options.sysroot = fake->path;
	options.details = DETAIL_ALL;
	options.observer = trace_read;
	options.observer_data = &seen;
	return probe_new(&options, &probe);
}

static void without_a_configuration_every_device_is_selected(void **state)
{
	(void)state;
	assert_int_equal(new_probe((struct probe_options){.config_home = "/etc/pciprobe/pci.conf"}),
			 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	assert_int_equal(inventory->count, 2);
	assert_int_equal(inventory->selected, 2);
	assert_string_equal(inventory->host, "host1");
	assert_true(inventory->time.tv_sec > 1700000000);
	assert_null(probe_config(probe)->path);
	assert_string_equal(inventory->devices[0].device_name, "82574L Gigabit Network Connection");
}

static void the_installed_configuration_is_found_below_the_root(void **state)
{
	(void)state;
	fakesys_file(fake, "etc/pciprobe/pci.conf",
		     ":filter: 0:0\n:hosts: {host1: {filter: 10de:*}}\n");
	assert_int_equal(new_probe((struct probe_options){.config_home = "/etc/pciprobe/pci.conf"}),
			 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	assert_int_equal(inventory->selected, 1);
	assert_true(inventory->devices[1].selected);
	assert_contains(probe_config(probe)->path, fake->path);
	assert_int_equal(new_probe((struct probe_options){.config_home = "/etc/pciprobe/pci.conf",
							  .all = true}),
			 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	assert_int_equal(inventory->selected, 2);
}

/* An invalid or unreadable file must not be treated as a missing one. */
static void an_invalid_configuration_is_an_error(void **state)
{
	(void)state;
	fakesys_file(fake, "etc/pciprobe/pci.conf", ":filter: zz\n");
	assert_int_equal(new_probe((struct probe_options){.config_home = "/etc/pciprobe/pci.conf"}),
			 -EINVAL);
	fakesys_remove(fake, "etc/pciprobe/pci.conf");
	fakesys_directory(fake, "etc/pciprobe/pci.conf");
	assert_int_equal(new_probe((struct probe_options){.config_home = "/etc/pciprobe/pci.conf"}),
			 -EISDIR);
	assert_int_equal(new_probe((struct probe_options){.config = "/nowhere/pci.conf"}), -ENOENT);
	assert_int_equal(captured.errors, 3);
}

static void an_unselected_device_costs_one_read(void **state)
{
	struct rule_list filters = {.key = "-d", .kind = RULE_FILTER};

	(void)state;
	rule_list_add(&filters, "10de:", "-d", NULL);
	assert_int_equal(new_probe((struct probe_options){.filters = &filters}), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	assert_int_equal(inventory->selected, 1);
	assert_contains(seen.text, "0000:00:02.0/modalias\n");
	assert_null(strstr(strstr(seen.text, "0000:00:02.0/") + 1, "0000:00:02.0/"));
	assert_contains(seen.text, "0000:00:03.0/iommu_group\n");
	assert_null(inventory->devices[0].device_name);
	rule_list_free(&filters);
}

static void a_probe_can_be_read_repeatedly(void **state)
{
	struct inventory *second = NULL;

	(void)state;
	assert_int_equal(new_probe((struct probe_options){.all = true}), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	fakesys_pci(fake, "0000:00:04.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	assert_int_equal(probe_read(probe, &second), 0);
	assert_int_equal(inventory->count, 2);
	assert_int_equal(second->count, 3);
	assert_null(inventory->devices[1].verdict->rejected_by);
	inventory_free(second);
	fakesys_remove(fake, "sys/bus/pci");
	second = NULL;
	assert_int_equal(probe_read(probe, &second), -ENOENT);
	assert_null(second);
}

static struct inventory *second;

static void read_again(void)
{
	seen.text[0] = '\0';
	inventory_free(second);
	second = NULL;
	assert_int_equal(probe_read_again(probe, inventory, false, &second), 0);
}

/* Adds a device that is held by a VM, and reads the devices. */
static void read_owned(void)
{
	fakesys_pci(fake, "0000:00:04.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .group = "4", .driver = "vfio-pci");
	fakesys_file(fake, "sys/bus/pci/devices/0000:00:04.0/numa_node", "1\n");
	fakesys_file(fake, "sys/bus/pci/devices/0000:00:04.0/aer_dev_correctable",
		     "TOTAL_ERR_COR 1\n");
	fakesys_bytes(fake, "proc/1/cmdline", "init", 5);
	fakesys_bytes(
		fake, "proc/42/cmdline",
		"qemu-kvm\0-name\0one-7\0-uuid\0u-u\0-device\0vfio-pci,host=00:04.0,bus=pcie.0,addr=3",
		79);
	fakesys_file(fake, "proc/42/stat", "42 (a) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 77 0 0");
	fakesys_descriptor(fake, 42, 3, "/dev/vfio/4");
	assert_int_equal(new_probe((struct probe_options){.config_home = "/etc/pciprobe/pci.conf"}),
			 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	assert_int_equal(inventory->devices[2].ownership, OWNERSHIP_HELD);
}

static void a_second_reading_reads_only_volatile_attributes(void **state)
{
	const struct pci_device *device;

	(void)state;
	fakesys_file(fake, "etc/pciprobe/pci.conf", ":filter: 10de:*\n");
	read_owned();
	fakesys_file(fake, "sys/bus/pci/devices/0000:00:04.0/aer_dev_correctable",
		     "TOTAL_ERR_COR 5\n");
	read_again();
	assert_int_equal(second->count, 3);
	assert_int_equal(second->selected, 2);
	device = &second->devices[2];
	assert_int_equal(device->aer.correctable, 5);
	assert_int_equal(device->numa_node, 1);
	assert_int_equal(device->iommu_group, 4);
	assert_string_equal(device->driver, "vfio-pci");
	assert_string_equal(device->device_name, inventory->devices[2].device_name);
	assert_int_equal(device->ownership, OWNERSHIP_HELD);
	assert_int_equal(device->owner_count, 1);
	assert_string_equal(device->owners[0].name, "one-7");
	assert_string_equal(device->owners[0].guest_address, "0000:00:03.0");
	assert_ptr_not_equal(device->owners[0].name, inventory->devices[2].owners[0].name);
	assert_non_null(second->devices[0].verdict->rejected_by);
	assert_null(device->verdict->rejected_by);
	assert_null(strstr(seen.text, "proc/42"));
	assert_null(strstr(seen.text, "proc/1/"));
	assert_null(strstr(seen.text, "pci.conf"));
	assert_null(strstr(seen.text, "00:02.0/"));
	assert_null(strstr(seen.text, "numa_node"));
	assert_contains(seen.text, "00:04.0/driver\n");
	inventory_free(second);
	second = NULL;
}

static void after_a_change_everything_is_read(void **state)
{
	(void)state;
	read_owned();
	/* after a driver change, ownership may have changed too */
	fakesys_remove(fake, "proc/42");
	fakesys_remove(fake, "sys/bus/pci/devices/0000:00:04.0/driver");
	read_again();
	assert_int_equal(second->devices[2].ownership, OWNERSHIP_FREE);
	assert_int_equal(second->devices[2].numa_node, 1);
	/* and so may the group */
	assert_false(second->devices[0].present & HAS_NUMA_NODE);
	fakesys_link(fake, "sys/bus/pci/devices/0000:00:04.0/driver",
		     "../../../bus/pci/drivers/vfio-pci");
	fakesys_file(fake, "sys/bus/pci/devices/0000:00:02.0/numa_node", "3\n");
	inventory_free(inventory);
	inventory = second;
	second = NULL;
	read_again();
	assert_int_equal(second->devices[0].numa_node, 3);
	/* a device was added */
	fakesys_pci(fake, "0000:00:05.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000);
	read_again();
	assert_int_equal(second->count, 4);
	assert_contains(seen.text, "00:04.0/numa_node\n");
	assert_int_not_equal(second->fingerprint, inventory->fingerprint);
	/* a device was replaced at the same address */
	inventory_free(inventory);
	inventory = second;
	second = NULL;
	fakesys_link(fake, "sys/bus/pci/devices/0000:00:06.0", "nowhere");
	fakesys_remove(fake, "sys/bus/pci/devices/0000:00:05.0");
	fakesys_remove(fake, "sys/devices/pci0000:00/0000:00:05.0");
	fakesys_pci(fake, "0000:00:05.0", .vendor = 0x10de, .device = 0x9999, .class = 0x030000);
	read_again();
	assert_int_equal(second->devices[3].device, 0x9999);
	/* the device list cannot be read */
	fakesys_remove(fake, "sys/bus/pci");
	assert_int_equal(probe_read_again(probe, second, false, &inventory), -ENOENT);
	inventory_free(second);
	second = NULL;
}

static void an_inverted_list_rejects_matching_devices(void **state)
{
	struct rule_list slots = {.key = "Device", .kind = RULE_SLOT, .inverted = true};

	(void)state;
	rule_list_add(&slots, "00:02.*", "Device", NULL);
	assert_int_equal(new_probe((struct probe_options){.all = true, .slots = &slots}), 0);
	assert_int_equal(probe_read(probe, &inventory), 0);
	assert_int_equal(inventory->selected, 1);
	assert_false(inventory->devices[0].selected);
	assert_ptr_equal(inventory->devices[0].verdict->rejected_by, &slots);
	reset();
	rule_list_free(&slots);
}

static void a_failing_rule_yields_no_inventory(void **state)
{
	struct rule_list names = {.key = "--name", .kind = RULE_NAME};

	(void)state;
	rule_list_add(&names, "(.+)*(.+)*(.+)*(.+)*\\d{9}", "--name", NULL);
	assert_int_equal(new_probe((struct probe_options){.names = &names}), 0);
	assert_int_equal(probe_read(probe, &inventory), -ELOOP);
	assert_null(inventory);
	assert_contains(captured.text, "match limit exceeded");
	rule_list_free(&names);
}

static void a_missing_root_is_logged(void **state)
{
	struct probe_options options = {.log = log_capture_add(&captured),
					.sysroot = "/nowhere/at/all"};

	(void)state;
	assert_int_equal(probe_new(&options, &probe), -ENOENT);
	assert_contains(captured.text, "/nowhere/at/all: No such file");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(without_a_configuration_every_device_is_selected,
						setup, teardown),
		cmocka_unit_test_setup_teardown(the_installed_configuration_is_found_below_the_root,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_invalid_configuration_is_an_error, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_unselected_device_costs_one_read, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_probe_can_be_read_repeatedly, setup, teardown),
		cmocka_unit_test_setup_teardown(a_second_reading_reads_only_volatile_attributes,
						setup, teardown),
		cmocka_unit_test_setup_teardown(after_a_change_everything_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(an_inverted_list_rejects_matching_devices, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_failing_rule_yields_no_inventory, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_missing_root_is_logged, setup, teardown),
	};

	return cmocka_run_group_tests_name("probe", tests, NULL, NULL);
}
