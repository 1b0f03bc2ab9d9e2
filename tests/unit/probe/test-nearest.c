/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/nearest.h"

static const char *hint(const char *word)
{
	static const char *const words[] = {"list",   "explain",      "request",
					    "record", "verify",	      "opennebula",
					    "vf",     "vendor_name",  "iommu_group",
					    "filter", "short_address"};
	static char buffer[NEAREST_HINT_SIZE];
	struct nearest nearest = {.word = word};

	for (size_t i = 0; i < COUNT(words); i++)
		nearest_try(&nearest, words[i]);
	return nearest_hint(&nearest, buffer);
}

static void the_closest_word_is_suggested(void **state)
{
	static const struct {
		const char *word, *found;
	} cases[] = {
		{"lst", "list"},
		{"lsit", "list"},
		{"lists", "list"},
		{"LIST", "list"},
		{"explian", "explain"},
		{"requets", "request"},
		{"recrod", "record"},
		{"v", "vf"},
		{"vendorname", "vendor_name"},
		{"iomugruop", "iommu_group"},
		{"list", "list"},
		{"filters", "filter"},
		{"fitler", "filter"},
		{"shrt_adress", "short_address"},
	};
	char wanted[NEAREST_HINT_SIZE];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(wanted, sizeof(wanted), " (did you mean '%s'?)", cases[i].found);
		assert_string_equal(hint(cases[i].word), wanted);
	}
}

static void nothing_is_suggested_for_an_unrelated_word(void **state)
{
	char longest[1000];

	(void)state;
	memset(longest, 'l', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_string_equal(hint(""), "");
	assert_string_equal(hint("ls"), "");
	assert_string_equal(hint("nonsense"), "");
	assert_string_equal(hint("lxxt"), "");
	assert_string_equal(hint(longest), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_closest_word_is_suggested),
		cmocka_unit_test(nothing_is_suggested_for_an_unrelated_word),
	};

	return cmocka_run_group_tests_name("nearest", tests, NULL, NULL);
}
