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

/* Reads a block with the option KEY and these values, as the daemon's parser builds it. */
static void read_values(const char *key, oconfig_value_t *values, int count)
{
	struct log log = log_capture_add(&captured);
	oconfig_item_t option = {.key = MUTABLE(key), .values = values, .values_num = count};
	oconfig_item_t block = {.children = &option, .children_num = 1};

	settings_read(&settings, &block, &log);
}

static void read_strings(const char *key, const char *const *strings)
{
	oconfig_value_t values[VALUES_MAX];
	int count;

	for (count = 0; strings[count]; count++)
		values[count] = (oconfig_value_t){
			.value.string = MUTABLE(strings[count]),
			.type = OCONFIG_TYPE_STRING,
		};
	read_values(key, values, count);
}
#define READ(key, ...) read_strings(key, (const char *const[VALUES_MAX + 1]){__VA_ARGS__})

static void read_boolean(const char *key, int boolean)
{
	oconfig_value_t value = {.value.boolean = boolean, .type = OCONFIG_TYPE_BOOLEAN};

	read_values(key, &value, 1);
}

static void by_default_everything_is_reported(void **state)
{
	(void)state;
	assert_int_equal(settings.report, REPORT_ALL);
	assert_int_equal(settings.format, INSTANCE_ADDRESS);
	assert_true(settings.notify);
	assert_false(settings.persistent);
	assert_false(settings.devices.restricts);
	assert_null(settings.config_file);
	assert_null(settings.sysroot);
	assert_int_equal(settings.errors, 0);
}

static void every_option_is_read(void **state)
{
	(void)state;
	READ("ConfigFile", "/etc/one/pci.conf");
	READ("configfile", "/etc/two/pci.conf");
	READ("SysRoot", "/tmp/machine");
	READ("Device", "81:00.*", "0000:82:00.0");
	READ("Device", "83:");
	read_boolean("IgnoreSelected", 1);
	READ("Owners", "vfio", "cmdline,mdev");
	READ("Report", "link", "AER");
	READ("Report", "pools", "vf");
	READ("PluginInstanceFormat", "vm");
	READ("Notify", "no");
	read_boolean("PersistentNotifications", 1);
	assert_string_equal(captured.text, "");
	assert_int_equal(settings.errors, 0);
	assert_string_equal(settings.config_file, "/etc/two/pci.conf");
	assert_string_equal(settings.sysroot, "/tmp/machine");
	assert_int_equal(settings.devices.count, 3);
	assert_true(settings.devices.inverted);
	assert_true(settings.has_owners);
	assert_int_equal(settings.owners, OWNER_VFIO | OWNER_CMDLINE | OWNER_MDEV);
	assert_int_equal(settings.report, REPORT_LINK | REPORT_AER | REPORT_POOLS | REPORT_VF);
	assert_int_equal(settings.format, INSTANCE_VM);
	assert_false(settings.notify);
	assert_true(settings.persistent);
}

static void errors_name_the_option_and_the_value(void **state)
{
	const struct {
		const char *key, *value, *message;
	} cases[] = {
		{"Divice", "81:00.0",
		 "unknown option 'Divice'; valid options: ConfigFile, Device, "},
		{"Device", "no slot", "Device: invalid slot 'no slot'"},
		{"IgnoreSelected", "maybe",
		 "option 'IgnoreSelected': invalid value 'maybe', expected true or false"},
		{"Notify", "", "option 'Notify': invalid value ''"},
		{"PersistentNotifications", "2", "invalid value '2'"},
		{"Report", "everything",
		 "invalid value 'everything', expected any of link, aer, owner, sriov, pools and vf"},
		{"PluginInstanceFormat", "name",
		 "invalid value 'name', expected address, alias or vm"},
		{"Owners", "", "option 'Owners': invalid value '', expected ownership sources"},
		{"Owners", "guesswork", "Owners: unknown source 'guesswork'"},
		{"ConfigFile", "", "option 'ConfigFile': invalid value ''"},
		{"SysRoot", "", "option 'SysRoot': invalid value ''"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		captured = (struct log_capture){0};
		READ(cases[i].key, cases[i].value);
		assert_contains(captured.text, cases[i].message);
		assert_int_equal(captured.errors, 1);
		assert_int_equal(settings.errors, i + 1);
	}
}

static void values_of_the_wrong_type_are_errors(void **state)
{
	oconfig_value_t number = {.value.number = 1.5, .type = OCONFIG_TYPE_NUMBER};

	(void)state;
	read_values("Report", &number, 1);
	assert_contains(captured.text, "option 'Report': invalid value '1.5'");
	read_values("SysRoot", NULL, 0);
	assert_contains(captured.text, "option 'SysRoot': expected the path of a directory");
	READ("SysRoot", "/a", "/b");
	assert_int_equal(settings.errors, 3);
	assert_null(settings.sysroot);
}

/* <Device> ... </Device> */
static void a_nested_block_is_an_error(void **state)
{
	struct log log = log_capture_add(&captured);
	oconfig_value_t value = {.value.string = MUTABLE("81:"), .type = OCONFIG_TYPE_STRING};
	oconfig_item_t inner = {.key = MUTABLE("Report")};
	oconfig_item_t option = {
		.key = MUTABLE("Device"),
		.values = &value,
		.values_num = 1,
		.children = &inner,
		.children_num = 1,
	};
	oconfig_item_t block = {.children = &option, .children_num = 1};

	(void)state;
	settings_read(&settings, &block, &log);
	assert_int_equal(settings.errors, 1);
	assert_int_equal(settings.devices.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_default_everything_is_reported, setup, teardown),
		cmocka_unit_test_setup_teardown(every_option_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_name_the_option_and_the_value, setup,
						teardown),
		cmocka_unit_test_setup_teardown(values_of_the_wrong_type_are_errors, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_nested_block_is_an_error, setup, teardown),
	};

	return cmocka_run_group_tests_name("collectd-settings", tests, NULL, NULL);
}
