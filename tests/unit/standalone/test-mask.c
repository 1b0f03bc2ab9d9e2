/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "plugins/standalone/commands/mask.h"

static const char *masked(const struct strings *macs, const char *text)
{
	static char copy[256];

	snprintf(copy, sizeof(copy), "%s", text);
	mask_text(macs, copy, strlen(copy));
	return copy;
}

static void addresses_are_masked_anywhere_in_text(void **state)
{
	struct strings macs = {0};

	(void)state;
	assert_int_equal(mask_add(&macs, "52:54:00:12:34:5a\n"), 0);
	assert_int_equal(mask_add(&macs, "AA:BB:CC:00:00:01"), 0);
	assert_int_equal(mask_add(&macs, "52:54:00:12:34:5A"), 0);
	assert_int_equal(macs.count, 2);
	assert_string_equal(masked(&macs, "52:54:00:12:34:5a\n"), "02:00:00:00:00:01\n");
	assert_string_equal(masked(&macs, "net/enx52540012345A/address"),
			    "net/enx020000000001/address");
	assert_string_equal(masked(&macs, "aabbcc000001 52:54:00:12:34:5a"),
			    "020000000002 02:00:00:00:00:01");
	assert_string_equal(masked(&macs, "52:54:00:12:34:5b"), "52:54:00:12:34:5b");
	assert_string_equal(masked(&macs, "52:54:00:12:34:5"), "52:54:00:12:34:5");
	assert_string_equal(masked(&macs, "5252540012345a"), "52020000000001");
	assert_string_equal(masked(&macs, ""), "");
	strings_free(&macs);
}

static void a_mask_is_not_masked_again(void **state)
{
	struct strings macs = {0};

	(void)state;
	/* a recording of a recording */
	assert_int_equal(mask_add(&macs, "02:00:00:00:00:02"), 0);
	assert_int_equal(mask_add(&macs, "02:00:00:00:00:01"), 0);
	assert_string_equal(masked(&macs, "02:00:00:00:00:02 enx020000000001"),
			    "02:00:00:00:00:01 enx020000000002");
	strings_free(&macs);
}

static void infiniband_addresses_are_masked(void **state)
{
	static const char address[] = "80:00:02:08:fe:80:00:00:00:00:00:00:f4:52:14:03:00:7b:cb:a1";
	struct strings macs = {0};

	(void)state;
	assert_int_equal(mask_add(&macs, address), 0);
	assert_string_equal(masked(&macs, address),
			    "02:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:01");
	strings_free(&macs);
}

static void other_text_is_not_an_address(void **state)
{
	struct strings macs = {0};

	(void)state;
	assert_int_equal(mask_add(&macs, "00:00:00:00:00:00\n"), 0);
	assert_int_equal(mask_add(&macs, ""), 0);
	assert_int_equal(mask_add(&macs, "52:54:00:12:34"), 0);
	assert_int_equal(mask_add(&macs, "52:54:00:12:34:5"), 0);
	assert_int_equal(mask_add(&macs, "52:54:00:12:34:56 "), 0);
	assert_int_equal(mask_add(&macs, "0000:01:00.0"), 0);
	assert_int_equal(macs.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_masked_anywhere_in_text),
		cmocka_unit_test(a_mask_is_not_masked_again),
		cmocka_unit_test(infiniband_addresses_are_masked),
		cmocka_unit_test(other_text_is_not_an_address),
	};

	return cmocka_run_group_tests_name("mask", tests, NULL, NULL);
}
