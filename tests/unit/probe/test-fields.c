/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/fields.h"

#include <ctype.h>

static void names_and_headings_are_unique(void **state)
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

/* -o would be ambiguous if a heading was the name of another field. */
static void fields_are_found_by_name_and_heading(void **state)
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

/* A device of which only address and ids are known. */
static void unknown_values_are_absent(void **state)
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
			fail_msg("%s is %s", FIELDS[i].name, expected ? "absent" : "present");
	}
}

static void every_detail_belongs_to_a_field(void **state)
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
		cmocka_unit_test(names_and_headings_are_unique),
		cmocka_unit_test(fields_are_found_by_name_and_heading),
		cmocka_unit_test(unknown_values_are_absent),
		cmocka_unit_test(every_detail_belongs_to_a_field),
	};

	return cmocka_run_group_tests_name("fields", tests, NULL, NULL);
}
