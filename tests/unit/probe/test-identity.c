/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identities: addresses and paths of devices, with or without ids. */
#include "tests/unit/test.h"

#include "probe/identity.h"

static struct identity parsed(const char *text)
{
	struct identity identity;

	assert_int_equal(identity_parse(text, &identity), 0);
	return identity;
}

static void paths_are_written_without_bus_numbers(void **state)
{
	const struct pci_address nic[] = {{.slot = 0x1c}, {.bus = 4, .slot = 1, .function = 2}};
	/* Intel VMD's own domain is below a device of domain 0 */
	const struct pci_address disk[] = {{.slot = 0xe},
					   {.domain = 0x10000, .bus = 0xe0, .slot = 6},
					   {.domain = 0x10000, .bus = 0xe1}};
	char path[PCI_PATH_SIZE];

	(void)state;
	assert_string_equal(pci_path_format(nic, 1, 0, path), "0000:00:1c.0");
	assert_string_equal(pci_path_format(nic, 2, 0, path), "0000:00:1c.0/01.2");
	assert_string_equal(pci_path_format(nic, 2, 1, path), "0000:00:1c.0/+1:01.2");
	assert_string_equal(pci_path_format(disk, 3, 0, path), "10000:e0:06.0/00.0");
}

static void a_path_has_a_slash_or_a_prefix(void **state)
{
	static const struct {
		const char *text, *path; /* NULL: an address */
	} cases[] = {
		{"0000:00:1c.0/00.0", "0000:00:1c.0/00.0"},
		{"00:1C.0/0.0", "0000:00:1c.0/00.0"},
		{"path:0001:80:01.1/00.0/1f.7", "0001:80:01.1/00.0/1f.7"},
		{"path:0000:00:02.0", "0000:00:02.0"},
		{"00:1c.0/+1:10.0", "0000:00:1c.0/+1:10.0"},
		{"00:1c.0/00.0=10de:2204", "0000:00:1c.0/00.0"},
		{"0000:04:00.0", NULL},
		{"04:00.0=10de:2204", NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct identity identity = parsed(cases[i].text);

		assert_int_equal(identity.by_path, cases[i].path != NULL);
		assert_string_equal(identity.path, cases[i].path ? cases[i].path : "");
		assert_int_equal(identity.has_ids, strchr(cases[i].text, '=') != NULL);
		if (identity.has_ids)
			assert_int_equal(identity.device, 0x2204);
		if (!identity.by_path)
			assert_int_equal(identity.address.bus, 4);
	}
}

static void anything_else_is_rejected(void **state)
{
	static const char *const cases[] = {
		"",
		"path:",
		"/",
		"00.0",
		"1c.0/00.0",
		"00:1c.0/",
		"00:1c.0//00.0",
		"/00:1c.0",
		"00:1c.0/00",
		"00:1c.0/00.8",
		"00:1c.0/20.0",
		"00:1c.0/100.0",
		"00:1c.0/01:00.0",
		"00:1c.0/00.0/",
		"00:1c.0/00.0 ",
		"00:1c.0/ 0.0",
		"00:1c.0/+:00.0",
		"00:1c.0/+0:00.0",
		"00:1c.0/+100:00.0",
		"00:1c.0/+-1:00.0",
		"00:1c.0/+1:00.0/00.0",
		"00:1c.0/-1:00.0",
		"04:00.0=",
		"04:00.0=10de",
		"04:00.0=10de:",
		"04:00.0=10de:22040",
		"04:00.0=0x10de:2204",
		"04:00.0=10de:2204=10de:2204",
		"04:00.0=10de:2204 ",
		"04:00.0= 0de:2204",
		"=10de:2204",
		"0000:01:00.0000000000000000000=8086:10d3",
		"path:path:00:1c.0/00.0",
	};
	struct identity identity;
	char longest[8192] = "0:0.0";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(identity_parse(cases[i], &identity), -EINVAL);
	for (size_t i = 1; i < PATH_ADDRESSES_MAX; i++)
		strcat(longest, "/00.0");
	assert_int_equal(identity_parse(longest, &identity), 0);
	strcat(longest, "/00.0");
	assert_int_equal(identity_parse(longest, &identity), -EINVAL);
	memset(longest, '0', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(identity_parse(longest, &identity), -EINVAL);
}

static void a_device_has_its_place_and_its_ids(void **state)
{
	struct pci_device device = {.address = {.bus = 4}, .vendor = 0x10de, .device = 0x2204};
	struct identity address = parsed("04:00.0=10de:2204"), path = parsed("00:1c.0/00.0"),
			other = parsed("04:00.0=10de:1234");

	(void)state;
	assert_true(identity_has_place(&address, &device));
	assert_true(identity_has_ids(&address, &device));
	assert_true(identity_has_place(&other, &device));
	assert_false(identity_has_ids(&other, &device));
	assert_false(identity_has_place(&path, &device)); /* its path was not read */
	device.path = MUTABLE("0000:00:1c.0/00.0");
	assert_true(identity_has_place(&path, &device));
	assert_true(identity_has_ids(&path, &device));
	device.path = MUTABLE("0000:00:1c.0/00.0/00.0");
	assert_false(identity_has_place(&path, &device));
}

static void a_description_says_where_the_ids_are_now(void **state)
{
	const struct pci_device found = {.address = {.bus = 4},
					 .vendor = 0x10de,
					 .device = 0x1234,
					 .path = MUTABLE("0000:00:1c.0/00.0")},
				other = {.address = {.bus = 5},
					 .vendor = 0x10de,
					 .device = 0x2204,
					 .path = MUTABLE("0000:00:1d.0/00.0")};
	struct identity address = parsed("04:00.0=10de:2204"),
			path = parsed("00:1c.0/00.0=10de:2204"), bare = parsed("04:00.0");
	char text[IDENTITY_TEXT_SIZE];

	(void)state;
	assert_string_equal(identity_describe(&address, &found, &other, 1, text),
			    "0000:04:00.0 is 10de:1234, expected 10de:2204; 10de:2204 is at "
			    "0000:05:00.0");
	assert_string_equal(identity_describe(&address, &found, &other, 3, text),
			    "0000:04:00.0 is 10de:1234, expected 10de:2204; 3 other devices are "
			    "10de:2204");
	assert_string_equal(identity_describe(&address, &found, NULL, 0, text),
			    "0000:04:00.0 is 10de:1234, expected 10de:2204; there is no other "
			    "10de:2204");
	assert_string_equal(identity_describe(&address, NULL, &other, 1, text),
			    "no device at 0000:04:00.0; 10de:2204 is at 0000:05:00.0");
	assert_string_equal(identity_describe(&path, &found, &other, 1, text),
			    "path:0000:00:1c.0/00.0 (0000:04:00.0) is 10de:1234, expected "
			    "10de:2204; 10de:2204 is at path:0000:00:1d.0/00.0 (0000:05:00.0)");
	assert_string_equal(identity_describe(&path, NULL, NULL, 0, text),
			    "no device at path:0000:00:1c.0/00.0; there is no 10de:2204");
	assert_string_equal(identity_describe(&bare, NULL, NULL, 0, text),
			    "no device at 0000:04:00.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_are_written_without_bus_numbers),
		cmocka_unit_test(a_path_has_a_slash_or_a_prefix),
		cmocka_unit_test(anything_else_is_rejected),
		cmocka_unit_test(a_device_has_its_place_and_its_ids),
		cmocka_unit_test(a_description_says_where_the_ids_are_now),
	};

	return cmocka_run_group_tests_name("identity", tests, NULL, NULL);
}
