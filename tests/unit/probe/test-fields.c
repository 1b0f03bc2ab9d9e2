/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/fields.h"

#include <ctype.h>

static void names_and_headings_are_unique_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		for (const char *c = FIELDS[i].name; *c; c++)
			assert_true(islower((unsigned char)*c) || *c == '_');
		for (size_t j = 0; j < i; j++) {
			assert_string_not_equal(FIELDS[i].name, FIELDS[j].name);
			assert_string_not_equal(FIELDS[i].heading, FIELDS[j].heading);
		}
		assert_true(*FIELDS[i].help);
	}
}

/* A heading that is the name of another field would make "-o" ambiguous. */
static void each_is_found_by_either(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		assert_ptr_equal(field_find(FIELDS[i].name), &FIELDS[i]);
		assert_ptr_equal(field_find(FIELDS[i].heading), &FIELDS[i]);
	}
	assert_ptr_equal(field_find("Iommu_Group"), field_find("group"));
	assert_null(field_find("nonsense"));
	assert_null(field_find(""));
}

/* Of a device of which nothing is known but its address and ids, nothing else is published. */
static void unknown_is_absent(void **state)
{
	static const char *const always[] = {"address", "vendor", "device", "class", "prog_if"};
	const struct pci_device device = {.vendor = 0x8086};

	(void)state;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		struct field_value value = {0};
		bool expected = false;

		for (size_t j = 0; j < COUNT(always); j++)
			expected |= strcmp(FIELDS[i].name, always[j]) == 0;
		if (FIELDS[i].get(&device, &value) != expected)
			fail_msg("%s is %s", FIELDS[i].name, expected ? "absent" : "there");
	}
}

/* The details that a field says it needs are among those that there are, and each kind of detail
 * serves some field. */
static void details_are_asked_for(void **state)
{
	unsigned all = 0;

	(void)state;
	for (size_t i = 0; i < FIELD_COUNT; i++)
		all |= FIELDS[i].details;
	assert_int_equal(all, DETAIL_ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_headings_are_unique_words),
		cmocka_unit_test(each_is_found_by_either),
		cmocka_unit_test(unknown_is_absent),
		cmocka_unit_test(details_are_asked_for),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
