/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing of a nova.conf, its errors, and which devices its lines match. The conformance tests
 * compare the results with Nova's own. */
#include "tests/unit/test.h"

#include "plugins/standalone/nova/line.h"
#include "tests/unit/fakesys.h"

static struct log_capture captured;

/* A PF with a VF, and a device whose interface belongs to its child device. */
static struct interface interfaces[] = {{.name = (char[]){"eth0"}, .direct = true},
					{.name = (char[]){"ens3"}}};
static struct pci_device devices[] = {
	{.address = {0, 0x03, 0, 0},
	 .vendor = 0x1af4,
	 .device = 0x1041,
	 .present = HAS_SRIOV,
	 .interfaces = &interfaces[1],
	 .interface_count = 1,
	 .selected = true},
	{.address = {0, 0x81, 0, 0},
	 .vendor = 0x8086,
	 .device = 0x1521,
	 .present = HAS_SRIOV | HAS_VFS_TOTAL,
	 .sriov = {.role = SRIOV_PF, .vfs_total = 7},
	 .interfaces = interfaces,
	 .interface_count = 1,
	 .selected = true},
	{.address = {0, 0x81, 0x10, 0},
	 .vendor = 0x8086,
	 .device = 0x1520,
	 .present = HAS_SRIOV | HAS_PF,
	 .sriov = {.role = SRIOV_VF, .pf = {0, 0x81, 0, 0}},
	 .selected = true},
};
static const struct inventory inventory = {
	.devices = devices, .count = COUNT(devices), .selected = COUNT(devices)};

static struct nova_conf conf;
static struct nova_lines lines;

static int teardown(void **state)
{
	(void)state;
	nova_lines_free(&lines);
	nova_conf_free(&conf);
	return 0;
}

static void read_conf(const char *text)
{
	struct log log = log_capture_add(&captured);
	char *copy = malloc(strlen(text) + 2);

	teardown(NULL);
	captured = (struct log_capture){0};
	strcpy(copy, text);
	assert_int_equal(nova_conf_parse("n.conf", copy, strlen(text), &log, &conf), 0);
	assert_int_equal(nova_lines_parse(&conf, &inventory, &log, &lines), 0);
	free(copy);
}

/* Returns the devices, as bits, that the device_spec {VALUE} matches. */
static unsigned matched_by(const char *value)
{
	char text[512];
	unsigned matched = 0;

	snprintf(text, sizeof(text), "[pci]\ndevice_spec = {%s}\n", value);
	read_conf(text);
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 1);
	for (size_t i = 0; i < COUNT(devices); i++)
		if (nova_spec_matches(&lines.lines[0].spec, &devices[i]))
			matched |= 1u << i;
	return matched;
}

static void a_spec_matches_by_id_address_or_interface(void **state)
{
	(void)state;
	assert_int_equal(matched_by(""), 7);
	assert_int_equal(matched_by("\"vendor_id\":\"8086\""), 6);
	assert_int_equal(
		matched_by(
			"\"vendor_id\":\" 0x8086 \",\"product_id\":\"15_20\",\"physical_network\":\"p\",\"x\":[1]"),
		4);
	assert_int_equal(matched_by("\"address\":\"0000:81:00.0\""), 6);
	assert_int_equal(matched_by("\"address\":\"*:81:00.0\""), 2);
	assert_int_equal(matched_by("\"address\":\":81:.\""), 6);
	assert_int_equal(matched_by("\"address\":\".0\""), 7);
	assert_int_equal(matched_by("\"address\":\"10.\""), 4);
	assert_int_equal(matched_by("\"address\":{\"bus\":\"8\",\"slot\":\"0[01]\"}"), 2);
	assert_int_equal(
		matched_by(
			"\"address\":{\"domain\":\"0000\",\"bus\":\"81\",\"slot\":\"00\",\"function\":\"0\"}"),
		6);
	assert_int_equal(
		matched_by(
			"\"address\":{\"domain\":\"0000\",\"bus\":\"81\",\"slot\":\"00\",\"function\":\"[0]\"}"),
		2);
	assert_int_equal(matched_by("\"address\":\"\",\"devname\":\"eth0\""), 6);
	assert_int_equal(matched_by("\"devname\":\"eth0\",\"product_id\":\"1520\""), 4);
	assert_int_equal(matched_by("\"devname\":\"eth9\""), 0);
	assert_int_equal(matched_by("\"vendor_id\":\"-1\""), 0);
	assert_int_equal(matched_by("\"address\":\"-1:81:00.0\""), 0);
}

static void lists_and_repeated_options_are_read(void **state)
{
	(void)state;
	read_conf(
		"[DEFAULT]\r\npci_passthrough_whitelist: [{\"vendor_id\":\"8086\"},\r\n  {\"vendor_id\":\"1af4\"}]\r\n"
		"[PCI]\n# device_spec = comment\npassthrough_whitelist='{\"product_id\":\"1520\"}'\n"
		"device_spec =\n   {\"address\":\n\t\"*:03:*.*\"}\ndevice_spec = {}\n[other]\ndevice_spec = {\"x\"\n");
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 5);
	assert_int_equal(lines.lines[0].line, 2);
	assert_int_equal(lines.lines[1].item, 2);
	assert_int_equal(lines.lines[2].line, 6);
	assert_int_equal(lines.lines[3].line, 7);
	assert_true(nova_spec_matches(&lines.lines[3].spec, &devices[0]));
	assert_false(nova_spec_matches(&lines.lines[3].spec, &devices[1]));
}

static void an_alias_matches_a_pf_only_by_device_type(void **state)
{
	(void)state;
	read_conf(
		"[pci]\nalias = {\"name\":\" a \",\"vendor_id\":\"8086\"}\nalias = {\"name\":\"pf\",\"device_type\":\"type-PF\"}\n"
		"alias = {\"name\":\"n\",\"capability_type\":\"pci\"}\n");
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.lines[0].alias.name, "a");
	assert_false(nova_alias_matches(&lines.lines[0].alias,
					&devices[1])); /* a PF, without device_type */
	assert_true(nova_alias_matches(&lines.lines[0].alias, &devices[2]));
	assert_true(nova_alias_matches(&lines.lines[1].alias, &devices[1]));
	assert_false(nova_alias_matches(&lines.lines[1].alias, &devices[2]));
	assert_false(nova_alias_matches(&lines.lines[2].alias, &devices[0]));
}

/* json-c 0.18 itself rejects some of them */
static void strings_may_contain_any_character(void **state)
{
	(void)state;
	read_conf(
		"[pci]\nalias = {\"name\":\"Grafik-f\xc3\xbcr-\xe2\x82\xac-\xf0\x9f\x98\x80\",\"vendor_id\":\"8086\"}\n"
		"device_spec = {\"physical_network\":\"b\xc3\xbcro\",\"\xc3\xbc\":\"\\u00fc\"}\n");
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 2);
	assert_string_equal(lines.lines[0].alias.name,
			    "Grafik-f\xc3\xbcr-\xe2\x82\xac-\xf0\x9f\x98\x80");
}

static void errors_are_reported_with_their_line(void **state)
{
	static const struct {
		const char *text, *message;
	} errors[] = {
		{"x = 1\n", "error: n.conf:1: 'x' is outside any [section]\n"},
		{"[pci] # x\n", "error: n.conf:1: invalid section: expected [NAME]"},
		{"[]\n", "error: n.conf:1: invalid section: expected [NAME]"},
		{"[pci]\n\n x\n", "error: n.conf:3: unexpected indentation"},
		{"[pci]\nx\n", "error: n.conf:2: expected [SECTION] or KEY = VALUE"},
		{"[pci]\n= x\n", "error: n.conf:2: missing key"},
		{"[pci]\n\xff = x\n", "error: n.conf:2: not UTF-8"},
		{"[pci]\ndevice_spec =\n  {\"a\":\"b\n  c\"}\n",
		 "error: n.conf:3: not JSON: a string must end on the line"},
		{"[pci]\ndevice_spec = {\"a\":\n  1,\n  x}\n", "error: n.conf:4: not JSON: "},
		{"[pci]\ndevice_spec = {} x\n", "error: n.conf:2: not JSON: "},
		{"[pci]\ndevice_spec = \xc3\xbc\n", "error: n.conf:2: not JSON: "},
		{"[pci]\ndevice_spec =\n  {\"\xc3\xbc\":\n  \xe2\x82\xac}\n",
		 "error: n.conf:4: not JSON: "},
		{"[pci]\ndevice_spec =\n", "error: n.conf:2: not JSON: unexpected end of data"},
		{"[pci]\ndevice_spec = 1\n", "error: n.conf:2: device_spec must be an object"},
		{"[pci]\ndevice_spec = [{},1]\n",
		 "error: n.conf:2: item 2: device_spec must be an object"},
		{"[pci]\ndevice_spec = {\"vendor_id\":8086}\n",
		 "error: n.conf:2: \"vendor_id\" must be a string, in quotes\n"},
		{"[pci]\ndevice_spec = {\"vendor_id\":\"x\"}\n",
		 "error: n.conf:2: vendor_id 'x' is neither a hex number nor *\n"},
		{"[pci]\ndevice_spec = {\"product_id\":\"10000\"}\n",
		 "error: n.conf:2: product_id '10000' exceeds Nova's maximum of ffff"},
		{"[pci]\ndevice_spec = {\"address\":\"81:20.0\"}\n",
		 "error: n.conf:2: slot '20' exceeds Nova's maximum of 1f"},
		{"[pci]\ndevice_spec = {\"address\":\"a:b:c:d.0\"}\n",
		 "error: n.conf:2: invalid address 'a:b:c:d.0': expected [[[domain:]bus:]slot]"},
		{"[pci]\ndevice_spec = {\"address\":\"0000:81:00.0.1\"}\n",
		 "error: n.conf:2: function '0.1' is neither a hex number"},
		{"[pci]\ndevice_spec = {\"address\":7}\n",
		 "error: n.conf:2: \"address\" must be a string, or an object"},
		{"[pci]\ndevice_spec = {\"address\":{\"bus\":\"(\"}}\n",
		 "error: n.conf:2: bus '(': invalid regular expression: "},
		{"[pci]\ndevice_spec = {\"address\":\"81:00.0\",\"devname\":\"eth0\"}\n",
		 "are mutually exclusive"},
		{"[pci]\ndevice_spec = {\"devname\":\"ens3\"}\n",
		 "error: n.conf:2: interface 'ens3' belongs to a child of a PCI device"},
		{"[pci]\ndevice_spec = {\"vendor_id\":\"$my_ip\"}\n",
		 "error: n.conf:2: oslo.config substitutes an option for '$my_ip'"},
		{"[pci]\nalias = []\n", "error: n.conf:2: alias must be an object: {...}\n"},
		{"[pci]\nalias = {}\n", "error: n.conf:2: an alias requires a \"name\""},
		{"[pci]\nalias = {\"name\":\"a\",\"x\":\"y\"}\n",
		 "error: n.conf:2: unknown key 'x' in an alias\n"},
		{"[pci]\nalias = {\"name\":\"a\",\"vendor_id\":\"*\"}\n",
		 "error: n.conf:2: vendor_id must be four hex digits, not '*'\n"},
		{"[pci]\nalias = {\"name\":\"a\",\"device_type\":\"type-X\"}\n",
		 "error: n.conf:2: invalid device_type 'type-X': expected type-PCI, type-PF or type-VF\n"},
		{"[pci]\nalias = {\"name\":\"a\"}\nalias = {\"name\":\"a\"}\n",
		 "error: n.conf:3: alias 'a' is also defined in line 2"},
		{"[pci]\nalias = {\"name\":\"a\",\"numa_policy\":\"required\"}\nalias = {\"name\":\"a\"}\n",
		 "error: n.conf:3: alias 'a': numa_policy differs from line 2\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		read_conf(errors[i].text);
		if (!strstr(captured.text, errors[i].message))
			fail_msg("logged '%s', expected '%s'", captured.text, errors[i].message);
		assert_int_equal(captured.errors, conf.errors);
	}
}

static void dollar_signs_are_unescaped_as_by_oslo_config(void **state)
{
	(void)state;
	read_conf(
		"[pci]\ndevice_spec = {\"address\":{\"bus\":\"81$$\",\"slot\":\"1\\$\"}}\ndevice_spec = {\"address\":{\"bus\":\"81$\"}}\n");
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 2);
	assert_true(nova_spec_matches(&lines.lines[1].spec, &devices[1]));
}

/* A file of the maximum size with the smallest specs, and a regular expression that backtracks. */
static void hostile_files_are_bounded(void **state)
{
	char *text = malloc(NOVA_CONF_SIZE_MAX);
	size_t length = (size_t)sprintf(text, "[pci]\ndevice_spec = [");

	(void)state;
	while (length < NOVA_CONF_SIZE_MAX - 10)
		length += (size_t)sprintf(text + length, "{},");
	strcpy(text + length - 1, "]\n");
	read_conf(text);
	assert_int_equal(lines.count, NOVA_LINES_MAX);
	assert_contains(captured.text, "more than 1024 specs and aliases");
	free(text);
	read_conf(
		"[pci]\ndevice_spec = {\"address\":{\"domain\":\"(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*[xy]\"}}\n");
	assert_contains(captured.text, "match limit exceeded on '0000'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_spec_matches_by_id_address_or_interface, teardown),
		cmocka_unit_test_teardown(lists_and_repeated_options_are_read, teardown),
		cmocka_unit_test_teardown(an_alias_matches_a_pf_only_by_device_type, teardown),
		cmocka_unit_test_teardown(strings_may_contain_any_character, teardown),
		cmocka_unit_test_teardown(errors_are_reported_with_their_line, teardown),
		cmocka_unit_test_teardown(dollar_signs_are_unescaped_as_by_oslo_config, teardown),
		cmocka_unit_test_teardown(hostile_files_are_bounded, teardown),
	};

	return cmocka_run_group_tests_name("novaline", tests, NULL, NULL);
}
