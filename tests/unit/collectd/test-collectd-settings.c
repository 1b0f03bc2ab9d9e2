/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "plugins/collectd/settings.h"
#include "tests/unit/fakesys.h"

static struct settings settings;
static struct log_capture captured;

static int setup(void **state)
{
	(void)state;
	captured = (struct log_capture){0};
	settings_init(&settings);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	settings_free(&settings);
	return 0;
}

#define VALUES_MAX 6

/* A block with the one option KEY, of these values, as the daemon's parser gives it. */
static void say_values(const char *key, oconfig_value_t *values, int count)
{
	struct log log = log_capture_add(&captured);
	oconfig_item_t option = {
		.key = (char *)(uintptr_t)key, .values = values, .values_num = count};
	oconfig_item_t block = {.children = &option, .children_num = 1};

	settings_read(&settings, &block, &log);
}

static void say_texts(const char *key, const char *const *texts)
{
	oconfig_value_t values[VALUES_MAX];
	int count;

	for (count = 0; texts[count]; count++)
		values[count] = (oconfig_value_t){
			.value.string = (char *)(uintptr_t)texts[count],
			.type = OCONFIG_TYPE_STRING,
		};
	say_values(key, values, count);
}
#define SAY(key, ...) say_texts(key, (const char *const[VALUES_MAX + 1]){__VA_ARGS__})

static void say_truth(const char *key, int truth)
{
	oconfig_value_t value = {.value.boolean = truth, .type = OCONFIG_TYPE_BOOLEAN};

	say_values(key, &value, 1);
}

static void nothing_said_is_everything_reported(void **state)
{
	(void)state;
	assert_int_equal(settings.report, REPORT_ALL);
	assert_int_equal(settings.format, INSTANCE_ADDRESS);
	assert_true(settings.notify);
	assert_false(settings.persistent);
	assert_false(settings.devices.restricts);
	assert_null(settings.config_file);
	assert_null(settings.sysroot);
	assert_int_equal(settings.faults, 0);
}

static void every_option_is_taken(void **state)
{
	(void)state;
	SAY("ConfigFile", "/etc/one/pci.conf");
	SAY("configfile", "/etc/two/pci.conf");
	SAY("SysRoot", "/tmp/machine");
	SAY("Device", "81:00.*", "0000:82:00.0");
	SAY("Device", "83:");
	say_truth("IgnoreSelected", 1);
	SAY("Owners", "vfio", "cmdline,mdev");
	SAY("Report", "link", "AER");
	SAY("Report", "pools");
	SAY("PluginInstanceFormat", "vm");
	SAY("Notify", "no");
	say_truth("PersistentNotifications", 1);
	assert_string_equal(captured.text, "");
	assert_int_equal(settings.faults, 0);
	assert_string_equal(settings.config_file, "/etc/two/pci.conf");
	assert_string_equal(settings.sysroot, "/tmp/machine");
	assert_int_equal(settings.devices.count, 3);
	assert_true(settings.devices.inverted);
	assert_true(settings.has_owners);
	assert_int_equal(settings.owners, OWNER_VFIO | OWNER_CMDLINE | OWNER_MDEV);
	assert_int_equal(settings.report, REPORT_LINK | REPORT_AER | REPORT_POOLS);
	assert_int_equal(settings.format, INSTANCE_VM);
	assert_false(settings.notify);
	assert_true(settings.persistent);
}

static void what_is_wrong_is_named(void **state)
{
	const struct {
		const char *key, *value, *previous;
	} cases[] = {
		{"Divice", "81:00.0", "unknown option 'Divice'; there are ConfigFile, Device, "},
		{"Device", "no slot", "Device: invalid slot 'no slot'"},
		{"IgnoreSelected", "maybe",
		 "option 'IgnoreSelected': 'maybe' won't do; it takes true or false"},
		{"Notify", "", "option 'Notify': '' won't do"},
		{"PersistentNotifications", "2", "'2' won't do"},
		{"Report", "everything",
		 "'everything' won't do; it takes any of link, aer, owner, sriov and pools"},
		{"PluginInstanceFormat", "name", "'name' won't do; it takes address, alias or vm"},
		{"Owners", "guesswork", "Owners: unknown source 'guesswork'"},
		{"ConfigFile", "", "option 'ConfigFile': '' won't do"},
		{"SysRoot", "", "option 'SysRoot': '' won't do"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		captured = (struct log_capture){0};
		SAY(cases[i].key, cases[i].value);
		assert_contains(captured.text, cases[i].previous);
		assert_int_equal(captured.errors, 1);
		assert_int_equal(settings.faults, i + 1);
	}
}

static void values_of_another_kind_are_wrong(void **state)
{
	oconfig_value_t number = {.value.number = 1.5, .type = OCONFIG_TYPE_NUMBER};

	(void)state;
	say_values("Report", &number, 1);
	assert_contains(captured.text, "option 'Report': '1.5' won't do");
	say_values("SysRoot", NULL, 0);
	assert_contains(captured.text, "option 'SysRoot': takes the path of a directory");
	SAY("SysRoot", "/a", "/b");
	assert_int_equal(settings.faults, 3);
	assert_null(settings.sysroot);
}

/* <Device> ... </Device> */
static void a_block_in_the_block_is_wrong(void **state)
{
	struct log log = log_capture_add(&captured);
	oconfig_value_t value = {.value.string = (char *)(uintptr_t) "81:",
				 .type = OCONFIG_TYPE_STRING};
	oconfig_item_t inner = {.key = (char *)(uintptr_t) "Report"};
	oconfig_item_t option = {
		.key = (char *)(uintptr_t) "Device",
		.values = &value,
		.values_num = 1,
		.children = &inner,
		.children_num = 1,
	};
	oconfig_item_t block = {.children = &option, .children_num = 1};

	(void)state;
	settings_read(&settings, &block, &log);
	assert_int_equal(settings.faults, 1);
	assert_int_equal(settings.devices.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_said_is_everything_reported, setup,
						teardown),
		cmocka_unit_test_setup_teardown(every_option_is_taken, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_wrong_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(values_of_another_kind_are_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(a_block_in_the_block_is_wrong, setup, teardown),
	};

	return cmocka_run_group_tests_name("collectd-settings", tests, NULL, NULL);
}
