/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/spelling.h"

static const char *closest(const char *word)
{
	static const char *const words[] = {"filter", "short_address", "device_name", "owners", "hosts", "pf", "vf"};
	struct spelling spelling = {.word = word};

	for (size_t i = 0; i < COUNT(words); i++)
		spelling_try(&spelling, words[i]);
	return spelling.closest ? spelling.closest : "";
}

static void a_mistyped_word_is_recognized(void **state)
{
	(void)state;
	assert_string_equal(closest("filters"), "filter"); /* one too many */
	assert_string_equal(closest("filer"), "filter");   /* one too few */
	assert_string_equal(closest("fitler"), "filter");  /* two swapped */
	assert_string_equal(closest("Filter"), "filter");
	assert_string_equal(closest("shrt_adress"), "short_address");
	assert_string_equal(closest("device-names"), "device_name");
	assert_string_equal(closest("pv"), "pf"); /* the first of two that are equally similar */
}

static void another_word_is_not(void **state)
{
	(void)state;
	assert_string_equal(closest(""), "");
	assert_string_equal(closest("role"), "");
	assert_string_equal(closest("alias"), "");
	assert_string_equal(closest("x"), "");
	assert_string_equal(closest("filter-of-all-the-devices-that-this-host-has"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mistyped_word_is_recognized),
		cmocka_unit_test(another_word_is_not),
	};

	return cmocka_run_group_tests_name("spelling", tests, NULL, NULL);
}
