/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/vpd.h"
#include "tests/unit/fakesys.h"

/* ID string "x", then VPD-R with these fields and a checksum of one byte. */
#define VPD(fields, length, checksum) \
	"\x82\x01\x00"                \
	"x\x90" length "\x00" fields "RV\x01" checksum "\x78"
#define SERIAL       \
	VPD("SN\x03" \
	    "AB1",   \
	    "\x0a", "\x6a")

static bool has_serial(const char *data, size_t size)
{
	/* of the exact size, so that reading beyond it is found */
	char *copy = malloc(size);
	bool has;

	memcpy(copy, data, size);
	has = vpd_has_serial(copy, size);
	free(copy);
	return has;
}

#define assert_serial(expected, vpd) assert_int_equal(has_serial(vpd, sizeof(vpd) - 1), expected)

static void a_serial_number_is_found(void **state)
{
	(void)state;
	assert_serial(true, SERIAL);
	/* a small resource before it, other fields around it */
	assert_serial(true, "\x09"
			    "z" VPD("PN\x01"
				    "pSN\x01"
				    "1EC\x00",
				    "\x0f", "\xd0"));
}

static void without_a_valid_serial_number_there_is_none(void **state)
{
	(void)state;
	assert_serial(false, "\x78");
	assert_serial(false, "not VPD");
	assert_serial(false, VPD("PN\x03"
				 "AB1",
				 "\x0a", "\x6d"));
	assert_serial(false, VPD("SN\x02"
				 "  ",
				 "\x09", "\xe0"));
	assert_serial(false, VPD("SN\x03"
				 "AB1",
				 "\x0a", "\x6b")); /* wrong checksum */
	assert_serial(false, "\x90\x06\x00"
			     "SN\x03"
			     "AB1\x78"); /* no checksum */
	assert_serial(false, "\x90\x09\x00"
			     "RV\x01\xbeSN\x02"
			     "12"); /* after it: writable */
	assert_serial(false, "\x90\x06\x00"
			     "SN\x09"
			     "AB1\x78"); /* a field too long */
	assert_serial(false, "\x90\xff\xff"
			     "SN\x03"
			     "AB1"); /* a resource too long */
	assert_serial(false, "\x91\x0a\x00"
			     "SN\x03"
			     "AB1RV\x01\x64");
}

static void a_truncated_vpd_is_read_within_its_bounds(void **state)
{
	static const char vpd[] = SERIAL;

	(void)state;
	for (size_t size = 0; size < sizeof(vpd) - 2; size++)
		assert_false(has_serial(vpd, size));
}

/* ---- in sysfs ---- */

static struct fakesys *fake;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	fakesys_pci(fake, "0000:81:00.0", .vendor = 0x15b3, .device = 0x101d, .class = 0x020000);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

static void write_vpd(const char *data, size_t size)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/sys/bus/pci/devices/0000:81:00.0/vpd", fake->path);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, size, file), size);
	fclose(file);
}

static void assert_read(enum vpd_serial expected)
{
	const struct pci_device device = {.address = {0, 0x81, 0, 0}};
	struct sysroot *root;

	assert_int_equal(sysroot_new(fake->path, &root), 0);
	assert_int_equal(vpd_read_serial(root, &device), expected);
	sysroot_free(root);
}

static void the_vpd_of_a_device_is_read(void **state)
{
	(void)state;
	write_vpd(SERIAL, sizeof(SERIAL) - 1);
	assert_read(VPD_SERIAL_PRESENT);
	fakesys_attribute(fake, "0000:81:00.0", "power/runtime_status", "active\n");
	assert_read(VPD_SERIAL_PRESENT);
	write_vpd("\x78", 1);
	assert_read(VPD_SERIAL_NONE);
}

static void the_vpd_of_a_suspended_device_is_unknown(void **state)
{
	(void)state;
	write_vpd(SERIAL, sizeof(SERIAL) - 1);
	fakesys_attribute(fake, "0000:81:00.0", "power/runtime_status", "suspended\n");
	assert_read(VPD_SERIAL_UNKNOWN);
	fakesys_attribute(fake, "0000:81:00.0", "power/runtime_status", "suspending\n");
	assert_read(VPD_SERIAL_UNKNOWN);
	/* nor is it read if it is unknown whether the device is suspended */
	fakesys_remove(fake, "sys/bus/pci/devices/0000:81:00.0/power/runtime_status");
	fakesys_attribute(fake, "0000:81:00.0", "power/runtime_status/x", "a directory\n");
	assert_read(VPD_SERIAL_UNKNOWN);
}

static void a_vpd_that_cannot_be_read_is_unknown(void **state)
{
	(void)state;
	assert_read(VPD_SERIAL_UNKNOWN); /* recordings do not include it */
	fakesys_attribute(fake, "0000:81:00.0", "vpd/x", "a directory\n");
	assert_read(VPD_SERIAL_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_serial_number_is_found),
		cmocka_unit_test(without_a_valid_serial_number_there_is_none),
		cmocka_unit_test(a_truncated_vpd_is_read_within_its_bounds),
		cmocka_unit_test_setup_teardown(the_vpd_of_a_device_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(the_vpd_of_a_suspended_device_is_unknown, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_vpd_that_cannot_be_read_is_unknown, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("vpd", tests, NULL, NULL);
}
