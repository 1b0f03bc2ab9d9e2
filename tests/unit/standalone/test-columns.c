/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "plugins/standalone/columns.h"
#include "tests/unit/fakesys.h"

static struct log_capture captured;

static const char *parsed(const char *list, const char *defaults)
{
	static char text[4096];
	struct log log = log_capture_add(&captured);
	const struct field **fields;
	size_t count;

	text[0] = '\0';
	if (columns_parse(list, defaults, &log, &fields, &count) < 0)
		return NULL;
	for (size_t i = 0; i < count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 fields[i]->name);
	free(fields);
	return text;
}

static void a_list_replaces_or_extends_the_defaults(void **state)
{
	(void)state;
	captured = (struct log_capture){0};
	assert_string_equal(parsed(NULL, "address,driver"), "address driver");
	assert_string_equal(parsed("GROUP,address", "address"), "iommu_group address");
	assert_string_equal(parsed("+numa_node,driver", "address,driver"),
			    "address driver numa_node");
	assert_string_equal(parsed("driver,,driver, vendor", "address"), "driver vendor");
	assert_non_null(strstr(parsed(NULL, "*"), "root_port"));
	assert_non_null(strstr(parsed("all", "address"), "root_port"));
	assert_non_null(strstr(parsed("driver,all", "address"), "driver address vendor"));
	assert_null(parsed("*", "address"));
	assert_null(parsed("adress", "address"));
	assert_contains(captured.text, "unknown column: adress (did you mean 'address'?)");
	assert_null(parsed("", "address"));
	assert_null(parsed("+nonsense", "address"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_list_replaces_or_extends_the_defaults),
	};

	return cmocka_run_group_tests_name("columns", tests, NULL, NULL);
}
