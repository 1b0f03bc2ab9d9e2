/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/sysfs/scan.h"
#include "tests/unit/fakesys.h"

#include <sys/stat.h>
#include <unistd.h>

static struct fakesys *fake;
static struct log_capture captured;
static struct inventory *inventory;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	captured = (struct log_capture){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	inventory_free(inventory);
	inventory = NULL;
	fakesys_free(fake);
	return 0;
}

static int scan(void)
{
	struct log log = log_capture_add(&captured);
	struct sysroot *root;
	int error;

	inventory_free(inventory);
	inventory = calloc(1, sizeof(*inventory));
	assert_int_equal(sysroot_new(fake->path, &root), 0);
	error = scan_read(root, &log, inventory);
	sysroot_free(root);
	return error;
}

static const struct pci_device *device(const char *text)
{
	struct pci_address address;

	assert_int_equal(address_parse(text, &address), 0);
	return inventory_find(inventory, &address);
}

static void devices_are_sorted_and_have_their_ids(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .subsystem_vendor = 0x1458, .subsystem_device = 0x403b, .driver = "vfio-pci");
	fakesys_pci(fake, "0000:00:1f.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	fakesys_pci(fake, "10000:00:00.0", .vendor = 0x144d, .device = 0xa808, .class = 0x010802);
	assert_int_equal(scan(), 0);
	assert_int_equal(inventory->count, 3);
	assert_int_equal(inventory->incomplete, 0);
	assert_int_equal(inventory->devices[0].vendor, 0x8086);
	assert_int_equal(inventory->devices[2].address.domain, 0x10000);
	assert_int_equal(device("01:00.0")->device, 0x2204);
	assert_int_equal(device("01:00.0")->class, 0x0300);
	assert_int_equal(device("01:00.0")->subsystem_vendor, 0x1458);
	assert_string_equal(device("01:00.0")->modalias,
			    "pci:v000010DEd00002204sv00001458sd0000403Bbc03sc00i00");
	assert_int_equal(device("10000:00:00.0")->prog_if, 2);
	assert_null(device("00:1f.0")->driver);
	assert_false(device("00:1f.0")->present & HAS_SUBSYSTEM);
	assert_null(device("02:00.0"));
	assert_string_equal(captured.text, "");
}

static void uevent_is_used_without_a_valid_modalias(void **state)
{
	static const char *const invalid[] = {
		"",
		"pci:x",
		"usb:v1D6Bp0002",
		"pci:v00018086d000010D3sv00000000sd00000000bc02sc00i00",
		"pci:v00008086d000010D3sv00000000sd00000000bc02sc00i00x",
		"pci:v00008086d000010D3",
	};

	(void)state;
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020001,
		    .driver = "e1000e", .subsystem_vendor = 0x8086, .subsystem_device = 0xa01f,
		    .no_modalias = true);
	for (size_t i = 0; i < COUNT(invalid); i++) {
		fakesys_file(fake, "sys/bus/pci/devices/0000:00:01.0/modalias", invalid[i]);
		assert_int_equal(scan(), 0);
		assert_int_equal(inventory->count, 1);
		assert_int_equal(inventory->devices[0].device, 0x10d3);
		assert_int_equal(inventory->devices[0].prog_if, 1);
		assert_int_equal(inventory->devices[0].subsystem_device, 0xa01f);
		assert_string_equal(inventory->devices[0].driver, "e1000e");
	}
	assert_string_equal(captured.text, "");
}

static void single_attributes_are_used_without_a_valid_uevent(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020001,
		    .subsystem_vendor = 0x8086, .subsystem_device = 0xa01f, .no_uevent = true);
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x1234, .device = 0x11e8, .class = 0x00ff00,
		    .no_modalias = true);
	fakesys_file(fake, "sys/bus/pci/devices/0000:00:02.0/uevent", "");
	fakesys_pci(fake, "0000:00:03.0", .vendor = 0x1234, .device = 0x11e9, .class = 0x00ff00,
		    .no_modalias = true);
	fakesys_bytes(fake, "sys/bus/pci/devices/0000:00:03.0/uevent", "PCI_ID=\0\xff\n\x1b[2J",
		      14);
	fakesys_pci(fake, "0000:00:04.0", .vendor = 0x1234, .device = 0x11ea, .class = 0x00ff00,
		    .no_modalias = true);
	fakesys_file(fake, "sys/bus/pci/devices/0000:00:04.0/uevent",
		     "PCI_ID=12345:11EA\nPCI_CLASS=FF000000\n");
	assert_int_equal(scan(), 0);
	assert_int_equal(inventory->count, 4);
	assert_int_equal(inventory->incomplete, 0);
	assert_int_equal(inventory->devices[0].prog_if, 1);
	assert_int_equal(inventory->devices[0].subsystem_device, 0xa01f);
	assert_int_equal(inventory->devices[1].device, 0x11e8);
	assert_int_equal(inventory->devices[2].device, 0x11e9);
	assert_int_equal(inventory->devices[3].device, 0x11ea);
	assert_int_equal(inventory->devices[3].class, 0x00ff);
}

static void an_unreadable_device_does_not_affect_others(void **state)
{
	char *large = malloc(100000);

	(void)state;
	memset(large, 'A', 100000);
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	/* neither uevent nor single attributes are readable */
	fakesys_directory(fake, "sys/devices/pci0000:00/0000:00:02.0/vendor");
	fakesys_link(fake, "sys/bus/pci/devices/0000:00:02.0",
		     "../../../devices/pci0000:00/0000:00:02.0");
	fakesys_pci(fake, "0000:00:03.0", .vendor = 0x8086, .device = 0x10d4, .class = 0x020000,
		    .no_uevent = true);
	fakesys_file(fake, "sys/bus/pci/devices/0000:00:03.0/vendor", "0x80x86\n");
	fakesys_pci(fake, "0000:00:04.0", .vendor = 0x8086, .device = 0x10d5, .class = 0x020000,
		    .no_uevent = true);
	fakesys_bytes(fake, "sys/bus/pci/devices/0000:00:04.0/class", large, 100000);
	fakesys_link(fake, "sys/bus/pci/devices/0000:00:05.0", "../../../devices/pci0000:00/gone");
	fakesys_pci(fake, "0000:00:06.0", .vendor = 0x8086, .device = 0x10d6, .class = 0x020000);
	assert_int_equal(scan(), 0);
	assert_int_equal(inventory->count, 2);
	assert_int_equal(inventory->incomplete, 4);
	assert_int_equal(captured.warnings, 4);
	assert_contains(captured.text, "0000:00:02.0/vendor: Is a directory");
	assert_contains(captured.text, "0000:00:03.0/vendor: not a hex number");
	assert_contains(captured.text, "0000:00:04.0/class: File too large");
	assert_contains(captured.text, "device 0000:00:05.0 is ignored");
	free(large);
}

static void unreadable_devices_are_logged(void **state)
{
	char path[256];

	(void)state;
	if (geteuid() != 0)
		return; /* only root can drop privileges */
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0x8086, .device = 0x10d4, .class = 0x020000);
	snprintf(path, sizeof(path), "%s/sys/devices/pci0000:00/0000:00:02.0", fake->path);
	assert_int_equal(chmod(fake->path, 0755), 0);
	assert_int_equal(chmod(path, 0), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(scan(), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(inventory->count, 1);
	assert_int_equal(inventory->incomplete, 1);
	assert_contains(captured.text, "Permission denied");
}

static void invalid_names_are_ignored(void **state)
{
	(void)state;
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000);
	fakesys_directory(fake, "sys/bus/pci/devices/not-an-address");
	fakesys_directory(fake, "sys/bus/pci/devices/0000:00:20.0");
	fakesys_directory(fake, "sys/bus/pci/devices/\x1b[2J");
	assert_int_equal(scan(), 0);
	assert_int_equal(inventory->count, 1);
	assert_int_equal(inventory->incomplete, 3);
	assert_contains(captured.text, "not-an-address: not a PCI address");
}

static void the_highest_domain_is_valid(void **state)
{
	(void)state;
	fakesys_pci(fake, "ffffffff:ff:1f.7", .vendor = 0x8086, .device = 0x10d3,
		    .class = 0x020000);
	fakesys_pci(fake, "80000000:00:00.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000,
		    .no_uevent = true);
	assert_int_equal(scan(), 0);
	assert_int_equal(inventory->count, 2);
	assert_non_null(device("ffffffff:ff:1f.7"));
}

static void a_host_without_pci_is_an_error(void **state)
{
	(void)state;
	fakesys_remove(fake, "sys/bus/pci");
	assert_int_equal(scan(), -ENOENT);
	assert_int_equal(captured.errors, 1);
	assert_contains(captured.text, "is /sys mounted?");
	fakesys_file(fake, "sys/bus/pci/devices", "a file");
	assert_int_equal(scan(), -ENOTDIR);
}

static void a_host_without_devices_is_valid(void **state)
{
	(void)state;
	assert_int_equal(scan(), 0);
	assert_int_equal(inventory->count, 0);
	assert_null(device("00:00.0"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(devices_are_sorted_and_have_their_ids, setup,
						teardown),
		cmocka_unit_test_setup_teardown(uevent_is_used_without_a_valid_modalias, setup,
						teardown),
		cmocka_unit_test_setup_teardown(single_attributes_are_used_without_a_valid_uevent,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_unreadable_device_does_not_affect_others, setup,
						teardown),
		cmocka_unit_test_setup_teardown(unreadable_devices_are_logged, setup, teardown),
		cmocka_unit_test_setup_teardown(invalid_names_are_ignored, setup, teardown),
		cmocka_unit_test_setup_teardown(the_highest_domain_is_valid, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_without_pci_is_an_error, setup, teardown),
		cmocka_unit_test_setup_teardown(a_host_without_devices_is_valid, setup, teardown),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
