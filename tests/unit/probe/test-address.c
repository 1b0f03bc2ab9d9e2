/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/address.h"

static void full_and_short_addresses_are_parsed(void **state)
{
	static const struct {
		const char *text, *full, *brief;
	} cases[] = {
		{"0000:81:00.2", "0000:81:00.2", "81:00.2"},
		{"81:00.2", "0000:81:00.2", "81:00.2"},
		{"7:0.0", "0000:07:00.0", "07:00.0"},
		{"0001:03:1F.7", "0001:03:1f.7", "0001:03:1f.7"},
		{"10000:e1:00.0", "10000:e1:00.0", "10000:e1:00.0"},
		{"ffffffff:ff:1f.7", "ffffffff:ff:1f.7", "ffffffff:ff:1f.7"},
	};
	struct pci_address address;
	char text[ADDRESS_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(address_parse(cases[i].text, &address), 0);
		assert_string_equal(address_format(&address, text), cases[i].full);
		assert_string_equal(address_format_short(&address, text), cases[i].brief);
	}
}

static void anything_else_is_rejected(void **state)
{
	static const char *const cases[] = {
		"",
		":",
		".",
		"0000:81:00",
		"0000:81:00.8",
		"0000:81:20.0",
		"0000:100:00.0",
		"100000000:00:00.0",
		"81:00.2 ",
		" 81:00.2",
		"81:00.2\n",
		"0000:81:00.2/..",
		"81.00:2",
		"0x81:00.0",
		"-1:00.0",
		"+1:00.0",
		"81:00.",
		"81::00.2",
		"0000:81:00:2",
		"pci0000:00",
		"0:0:0:0.0",
	};
	struct pci_address address = {.bus = 0x42};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_int_equal(address_parse(cases[i], &address), -EINVAL);
	assert_int_equal(address.bus, 0x42);
}

static void a_full_address_requires_a_domain(void **state)
{
	struct pci_address address;

	(void)state;
	assert_int_equal(address_parse_full("81:00.2", &address), -EINVAL);
	assert_int_equal(address_parse_full("0000:81:00.2", &address), 0);
}

static void addresses_are_ordered_as_in_lspci(void **state)
{
	static const char *const ordered[] = {
		"0000:00:00.0", "0000:00:00.7", "0000:00:1f.0",	 "0000:01:00.0",
		"0000:ff:1f.7", "0001:00:00.0", "10000:00:00.0", "ffffffff:00:00.0",
	};
	struct pci_address a, b;

	(void)state;
	for (size_t i = 0; i < COUNT(ordered); i++)
		for (size_t j = 0; j < COUNT(ordered); j++) {
			address_parse(ordered[i], &a);
			address_parse(ordered[j], &b);
			assert_int_equal(address_compare(&a, &b), (i > j) - (i < j));
		}
}

static void hex_numbers_are_as_those_of_printf(void **state)
{
	static const uint32_t values[] = {0, 1, 0xf, 0x10, 0xabcd, 0x10000, 0x7fffffff, 0xffffffff};
	char ours[16], theirs[16];

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++)
		for (int digits = 1; digits <= 8; digits++) {
			char *end = hex_format(ours, values[i], digits);

			snprintf(theirs, sizeof(theirs), "%0*x", digits, values[i]);
			assert_string_equal(ours, theirs);
			assert_ptr_equal(end, ours + strlen(ours));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hex_numbers_are_as_those_of_printf),
		cmocka_unit_test(full_and_short_addresses_are_parsed),
		cmocka_unit_test(anything_else_is_rejected),
		cmocka_unit_test(a_full_address_requires_a_domain),
		cmocka_unit_test(addresses_are_ordered_as_in_lspci),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
