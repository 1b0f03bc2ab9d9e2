/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/dynlib.h"
#include "tests/unit/fakesys.h"

#include <errno.h>

struct functions {
	typeof(strlen) *length;
	typeof(strcmp) *compare;
};

static int load(const char *soname, const char *name, const char *version, char **ret_message,
		struct functions *ret)
{
	static struct log_capture captured;
	const struct dynlib_symbol symbols[] = {
		{"strlen", NULL, offsetof(struct functions, length)},
		{name, version, offsetof(struct functions, compare)},
	};
	struct log log;

	captured = (struct log_capture){0};
	log = log_capture_add(&captured);
	*ret_message = captured.text;
	return dynlib_load(soname, symbols, COUNT(symbols), ret, &log);
}

static void functions_of_a_library_can_be_called(void **state)
{
	struct functions functions = {0};
	char *message;

	(void)state;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(load("libc.so.6", "strcmp", NULL, &message, &functions), 0);
		assert_int_equal(functions.length("abc"), 3);
		assert_int_equal(functions.compare("abc", "abc"), 0);
		assert_string_equal(message, "");
	}
}

static void a_missing_library_is_logged_with_its_name(void **state)
{
	struct functions functions;
	char *message;

	(void)state;
	assert_int_equal(load("libnowhere.so.7", "strcmp", NULL, &message, &functions), -ELIBACC);
	assert_contains(message, "libnowhere.so.7: ");
}

static void a_missing_function_is_logged_with_its_library(void **state)
{
	struct functions functions;
	char *message;

	(void)state;
	assert_int_equal(load("libc.so.6", "no_such_function", NULL, &message, &functions),
			 -ELIBACC);
	assert_contains(message, "libc.so.6: undefined symbol: no_such_function");
	assert_int_equal(load("libc.so.6", "strcmp", "NOTHING_1.0", &message, &functions),
			 -ELIBACC);
	assert_contains(message, "libc.so.6: ");
	assert_contains(message, "NOTHING_1.0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(functions_of_a_library_can_be_called),
		cmocka_unit_test(a_missing_library_is_logged_with_its_name),
		cmocka_unit_test(a_missing_function_is_logged_with_its_library),
	};

	return cmocka_run_group_tests_name("dynlib", tests, NULL, NULL);
}
