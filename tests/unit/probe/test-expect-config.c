/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/config/config.h"
#include "tests/unit/fakesys.h"

static struct log_capture captured;
static struct config *config;

static int teardown(void **state)
{
	(void)state;
	config_free(config);
	config = NULL;
	return 0;
}

static int parse(const char *text)
{
	struct log log = log_capture_add(&captured);

	config_free(config);
	config = NULL;
	captured = (struct log_capture){0};
	return config_parse("pci.conf", text, strlen(text), "gpu-7", &log, &config);
}

/* The item ITEM has one error, at COLUMN of line 2. */
static void assert_error(const char *item, unsigned column, const char *expected)
{
	char text[4096], message[1100];

	snprintf(text, sizeof(text), ":expect:\n- %s\n", item);
	assert_int_equal(parse(text), -EINVAL);
	snprintf(message, sizeof(message), "error: pci.conf:2:%u: %s\n", column, expected);
	assert_string_equal(captured.text, message);
}

static void every_key_of_an_item_is_read(void **state)
{
	const struct expectation *item;

	(void)state;
	assert_int_equal(parse(":alias: [{name: a1, filter: '10de:*'}]\n"
			       "expect:\n"
			       "  - filter: ['10de:*', '!10de:1234']\n"
			       "    alias: a1\n"
			       "    count: 4\n"
			       "    driver: vfio-pci, nvidia\n"
			       "    link_speed: 2.5\n"
			       "    link_width: 16\n"
			       "    numa_node: 1\n"
			       "    state: [free, held]\n"
			       "    vfs: 8\n"
			       "  - short_address: path:0000:00:02.0\n"
			       "  - {alias: a1}\n"
			       "  - {filter: ':', min_count: 2, link_speed: 8.0}\n"
			       "expect_complete: yes\n"),
			 0);
	assert_string_equal(captured.text, "");
	assert_int_equal(config->expectations.count, 4);
	assert_true(config->expectations.complete);
	assert_string_equal(config->expectations.complete_location, "pci.conf:15:1");
	item = &config->expectations.items[0];
	assert_string_equal(item->location, "pci.conf:3:5");
	assert_string_equal(item->filter, "10de:*,!10de:1234");
	assert_string_equal(item->alias, "a1");
	assert_null(item->short_address);
	assert_int_equal(item->stated, 1u << EXPECT_COUNT | 1u << EXPECT_DRIVER |
					       1u << EXPECT_LINK_SPEED | 1u << EXPECT_LINK_WIDTH |
					       1u << EXPECT_NUMA_NODE | 1u << EXPECT_STATE |
					       1u << EXPECT_VFS);
	assert_int_equal(item->count, 4);
	assert_int_equal(item->drivers.count, 2);
	assert_string_equal(item->drivers.items[1], "nvidia");
	assert_int_equal(item->link_speed, 25);
	assert_int_equal(item->link_width, 16);
	assert_int_equal(item->numa_node, 1);
	assert_int_equal(item->states, 1u << OWNERSHIP_FREE | 1u << OWNERSHIP_HELD);
	assert_int_equal(item->vfs, 8);
	item++;
	assert_string_equal(item->short_address, "path:0000:00:02.0");
	assert_int_equal(item->stated, 1u << EXPECT_SHORT_ADDRESS);
	item++;
	assert_int_equal(item->stated, 1u << EXPECT_MIN_COUNT);
	assert_int_equal(item->count, 1);
	item++;
	assert_int_equal(item->count, 2);
	assert_int_equal(item->link_speed, 80);
}

static void a_section_of_a_host_replaces_the_general_list(void **state)
{
	(void)state;
	assert_int_equal(parse(":expect: [{filter: '10de:*', count: 4}]\n"
			       ":expect_complete: true\n"
			       ":hosts:\n"
			       "  'gpu-*': {expect: [{filter: '10de:*', count: 8}]}\n"
			       "  gpu-7: {expect_complete: false}\n"
			       "  other: {expect: [{filter: '1002:*', count: 1}]}\n"),
			 0);
	assert_int_equal(config->expectations.count, 1);
	assert_int_equal(config->expectations.items[0].count, 8);
	assert_string_equal(config->expectations.items[0].location, "pci.conf:4:22");
	assert_false(config->expectations.complete);
	assert_int_equal(parse(":expect: [{filter: '10de:*', count: 4}]\n"
			       ":hosts: {gpu-7: {expect: }}\n"),
			 0);
	assert_int_equal(config->expectations.count, 0);
}

static void an_alias_must_be_one_of_this_host(void **state)
{
	(void)state;
	assert_int_equal(parse(":alias: [{name: a100, filter: '10de:*'}]\n"
			       ":expect: [{alias: a10, count: 4}]\n"),
			 -EINVAL);
	assert_string_equal(captured.text,
			    "error: pci.conf:2:11: :alias: of this host has no alias 'a10' (did "
			    "you mean 'a100'?)\n");
	/* it may be defined in another section than it is used in */
	assert_int_equal(parse(":expect: [{alias: a100, count: 4}]\n"
			       ":hosts: {gpu-7: {alias: [{name: a100, filter: '10de:*'}]}}\n"),
			 0);
	assert_int_equal(parse(":hosts: {other: {expect: [{alias: a100, count: 4}]}}\n"), 0);
}

static void an_unknown_key_is_an_error(void **state)
{
	(void)state;
	assert_error("{filter: '10de:*', cuont: 4}", 22,
		     "unknown key 'cuont' (did you mean 'count'?)");
	assert_error("{filter: '10de:*', temperature: 4}", 22,
		     "unknown key 'temperature'; valid keys: short_address, filter, alias, count, "
		     "min_count, driver, link_speed, link_width, numa_node, state, vfs");
	assert_int_equal(parse(":expcet: []\n"), 0);
	assert_string_equal(captured.text, "warning: pci.conf:1:1: unknown key ':expcet' ignored "
					   "(did you mean ':expect:'?)\n");
}

static void an_item_says_which_devices_it_is_about(void **state)
{
	(void)state;
	assert_error("{count: 4}", 3,
		     "item without devices: add short_address, filter or alias, e.g. '- {filter: "
		     "\"10de:20b5\", count: 4}'");
	assert_error("{filter: , count: 4}", 3,
		     "item without devices: add short_address, filter or alias, e.g. '- {filter: "
		     "\"10de:20b5\", count: 4}'");
	assert_error(
		"{short_address: '07:00.0', filter: '10de:*'}", 3,
		"short_address with filter: use short_address: '07:00.0=VENDOR:DEVICE', or two "
		"items");
	assert_error("{short_address: '07:00.0', count: 1}", 3,
		     "short_address with a count: it is always one device");
	assert_error("{filter: '10de:*', count: 1, min_count: 1}", 3, "either count or min_count");
}

static void values_are_checked(void **state)
{
	static const struct {
		const char *item, *error;
	} cases[] = {
		{"short_address: 'x'", "invalid PCI address 'x': expected one, e.g. 07:00.0, "
				       "0000:07:00.0=10de:2204 or the path 00:1c.0/00.0"},
		{"short_address: '07:00.0,08:00.0'",
		 "invalid PCI address '07:00.0,08:00.0': expected one, e.g. 07:00.0, "
		 "0000:07:00.0=10de:2204 or the path 00:1c.0/00.0"},
		{"short_address: [07:00.0]", "short_address must be one string"},
		{"alias: 'a b'", "invalid alias name 'a b'"},
		{"count: -1", "count must be a number of devices, e.g. 4, not '-1'"},
		{"count: 4+", "count must be a number of devices, e.g. 4, not '4+'"},
		{"count: 1000000", "count must be a number of devices, e.g. 4, not '1000000'"},
		{"min_count: 0", "min_count must be a number of devices, e.g. 4, not '0'"},
		{"count: ", "count must be one string"},
		{"driver: ", "driver is empty"},
		{"driver: []", "driver is empty"},
		{"driver: a/b", "invalid driver 'a/b': expected e.g. vfio-pci, or none"},
		{"link_speed: 3", "link_speed must be a number of GT/s: 2.5, 5, 8, 16, 32, 64 or "
				  "128, not '3'"},
		{"link_width: 3",
		 "link_width must be a number of lanes: 1, 2, 4, 8, 12, 16 or 32, not '3'"},
		{"link_width: x8",
		 "link_width must be a number of lanes: 1, 2, 4, 8, 12, 16 or 32, not 'x8'"},
		{"numa_node: any", "numa_node must be a number, e.g. 0, not 'any'"},
		{"vfs: 8 VFs", "vfs must be the number of enabled VFs, e.g. 8, not '8 VFs'"},
		{"state: fre",
		 "invalid state 'fre' (did you mean 'free'?): expected held, reserved, host or "
		 "free"},
		{"state: unknown",
		 "invalid state 'unknown': expected held, reserved, host or free"},
		{"state: ", "state is empty"},
		{"state: {a: b}", ":state: must be a string or a list of strings, not a map"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		char text[512];

		snprintf(text, sizeof(text), ":expect:\n- %s\n", cases[i].item);
		assert_int_equal(parse(text), -EINVAL);
		assert_int_equal(captured.errors, 1);
		assert_contains(captured.text, cases[i].error);
		assert_contains(captured.text, "pci.conf:2:");
	}
	assert_int_equal(parse(":expect: {filter: '10de:*'}\n"), -EINVAL);
	assert_contains(captured.text, "pci.conf:1:10: :expect: must be a list of maps");
	assert_int_equal(parse(":expect: [a]\n"), -EINVAL);
	assert_contains(captured.text, "pci.conf:1:11: each item of :expect: must be a map");
	assert_int_equal(parse(":expect_complete: maybe\n"), -EINVAL);
	assert_contains(captured.text,
			"pci.conf:1:19: :expect_complete: must be true or false, not 'maybe'");
}

static void hostile_lists_are_bounded(void **state)
{
	size_t size = (EXPECTATIONS_MAX + 1) * 20 + 64;
	char *text = malloc(size);
	size_t length;

	(void)state;
	assert_non_null(text);
	length = (size_t)sprintf(text, ":expect:\n");
	for (unsigned i = 0; i <= EXPECTATIONS_MAX; i++)
		length += (size_t)sprintf(text + length, "- {filter: ':'}\n");
	assert_int_equal(parse(text), -EINVAL);
	assert_string_equal(captured.text,
			    "error: pci.conf:4098:3: more than 4096 items in :expect:\n");
	length = (size_t)sprintf(text, ":expect:\n- {filter: ':', driver: [");
	for (unsigned i = 0; i <= EXPECT_DRIVERS_MAX; i++)
		length += (size_t)sprintf(text + length, "d%u,", i);
	sprintf(text + length, "]}\n");
	assert_int_equal(parse(text), -EINVAL);
	assert_contains(captured.text, "more than 16 drivers");
	/* an anchor multiplies nothing but its own items */
	sprintf(text, ":expect: &a\n- &b {filter: ':'}\n- *b\n- *a\n");
	assert_int_equal(parse(text), -EINVAL);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(every_key_of_an_item_is_read, teardown),
		cmocka_unit_test_teardown(a_section_of_a_host_replaces_the_general_list, teardown),
		cmocka_unit_test_teardown(an_alias_must_be_one_of_this_host, teardown),
		cmocka_unit_test_teardown(an_unknown_key_is_an_error, teardown),
		cmocka_unit_test_teardown(an_item_says_which_devices_it_is_about, teardown),
		cmocka_unit_test_teardown(values_are_checked, teardown),
		cmocka_unit_test_teardown(hostile_lists_are_bounded, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
