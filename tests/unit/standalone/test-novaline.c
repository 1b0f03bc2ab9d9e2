/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A nova.conf's lines about devices, and its faults. Whether Nova reads it likewise the conformance
 * tests ask it. */
#include "tests/unit/test.h"

#include "plugins/standalone/nova/novaline.h"
#include "tests/unit/fakesys.h"

static struct log_capture captured;

/* A PF with a VF, and a device whose interface belongs to a device on it. */
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

static struct novaconf conf;
static struct novalines lines;

static int forget(void **state)
{
	(void)state;
	novalines_free(&lines);
	novaconf_free(&conf);
	return 0;
}

static void read_conf(const char *text)
{
	struct log log = log_capture_add(&captured);
	char *copy = malloc(strlen(text) + 2);

	forget(NULL);
	captured = (struct log_capture){0};
	strcpy(copy, text);
	assert_int_equal(novaconf_parse("n.conf", copy, strlen(text), &log, &conf), 0);
	assert_int_equal(novalines_parse(&conf, &inventory, &log, &lines), 0);
	free(copy);
}

/* Which devices, as bits, the one device_spec {VALUE} takes. */
static unsigned taken_by(const char *value)
{
	char text[512];
	unsigned taken = 0;

	snprintf(text, sizeof(text), "[pci]\ndevice_spec = {%s}\n", value);
	read_conf(text);
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 1);
	for (size_t i = 0; i < COUNT(devices); i++)
		if (nova_spec_matches(&lines.lines[0].spec, &devices[i]))
			taken |= 1u << i;
	return taken;
}

static void specs_take_devices(void **state)
{
	(void)state;
	assert_int_equal(taken_by(""), 7);
	assert_int_equal(taken_by("\"vendor_id\":\"8086\""), 6);
	assert_int_equal(
		taken_by(
			"\"vendor_id\":\" 0x8086 \",\"product_id\":\"15_20\",\"physical_network\":\"p\",\"x\":[1]"),
		4);
	assert_int_equal(taken_by("\"address\":\"0000:81:00.0\""), 6);
	assert_int_equal(taken_by("\"address\":\"*:81:00.0\""), 2);
	assert_int_equal(taken_by("\"address\":\":81:.\""), 6);
	assert_int_equal(taken_by("\"address\":\".0\""), 7);
	assert_int_equal(taken_by("\"address\":\"10.\""), 4);
	assert_int_equal(taken_by("\"address\":{\"bus\":\"8\",\"slot\":\"0[01]\"}"), 2);
	assert_int_equal(
		taken_by(
			"\"address\":{\"domain\":\"0000\",\"bus\":\"81\",\"slot\":\"00\",\"function\":\"0\"}"),
		6);
	assert_int_equal(
		taken_by(
			"\"address\":{\"domain\":\"0000\",\"bus\":\"81\",\"slot\":\"00\",\"function\":\"[0]\"}"),
		2);
	assert_int_equal(taken_by("\"address\":\"\",\"devname\":\"eth0\""), 6);
	assert_int_equal(taken_by("\"devname\":\"eth0\",\"product_id\":\"1520\""), 4);
	assert_int_equal(taken_by("\"devname\":\"eth9\""), 0);
	assert_int_equal(taken_by("\"vendor_id\":\"-1\""), 0);
	assert_int_equal(taken_by("\"address\":\"-1:81:00.0\""), 0);
}

static void both_ways_of_writing_lists_are_read(void **state)
{
	(void)state;
	read_conf(
		"[DEFAULT]\r\npci_passthrough_whitelist: [{\"vendor_id\":\"8086\"},\r\n  {\"vendor_id\":\"1af4\"}]\r\n"
		"[PCI]\n# device_spec = nothing\npassthrough_whitelist='{\"product_id\":\"1520\"}'\n"
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

static void aliases_choose_among_devices(void **state)
{
	(void)state;
	read_conf(
		"[pci]\nalias = {\"name\":\" a \",\"vendor_id\":\"8086\"}\nalias = {\"name\":\"pf\",\"device_type\":\"type-PF\"}\n"
		"alias = {\"name\":\"n\",\"capability_type\":\"pci\"}\n");
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.lines[0].alias.name, "a");
	assert_false(nova_alias_matches(&lines.lines[0].alias,
					&devices[1])); /* a PF, which nobody asked for */
	assert_true(nova_alias_matches(&lines.lines[0].alias, &devices[2]));
	assert_true(nova_alias_matches(&lines.lines[1].alias, &devices[1]));
	assert_false(nova_alias_matches(&lines.lines[1].alias, &devices[2]));
	assert_false(nova_alias_matches(&lines.lines[2].alias, &devices[0]));
}

/* json-c 0.18 alone would reject them */
static void strings_hold_any_character(void **state)
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

static void faults_are_told_with_their_lines(void **state)
{
	static const struct {
		const char *text, *said;
	} faults[] = {
		{"x = 1\n", "error: n.conf:1: 'x' is outside any [section]\n"},
		{"[pci] # x\n", "error: n.conf:1: invalid section: expected [NAME]"},
		{"[]\n", "error: n.conf:1: invalid section: expected [NAME]"},
		{"[pci]\n\n x\n", "error: n.conf:3: begins with a space"},
		{"[pci]\nx\n", "error: n.conf:2: neither a [section] nor KEY = VALUE"},
		{"[pci]\n= x\n", "error: n.conf:2: no key before"},
		{"[pci]\n\xff = x\n", "error: n.conf:2: not UTF-8"},
		{"[pci]\ndevice_spec =\n  {\"a\":\"b\n  c\"}\n",
		 "error: n.conf:3: not JSON: a string must end on the line"},
		{"[pci]\ndevice_spec = {\"a\":\n  1,\n  x}\n", "error: n.conf:4: not JSON: "},
		{"[pci]\ndevice_spec = {} x\n", "error: n.conf:2: not JSON: "},
		{"[pci]\ndevice_spec = \xc3\xbc\n", "error: n.conf:2: not JSON: "},
		{"[pci]\ndevice_spec =\n  {\"\xc3\xbc\":\n  \xe2\x82\xac}\n",
		 "error: n.conf:4: not JSON: "},
		{"[pci]\ndevice_spec =\n", "error: n.conf:2: not JSON: unexpected end of data"},
		{"[pci]\ndevice_spec = 1\n", "error: n.conf:2: a device_spec is an object"},
		{"[pci]\ndevice_spec = [{},1]\n",
		 "error: n.conf:2: item 2: a device_spec is an object"},
		{"[pci]\ndevice_spec = {\"vendor_id\":8086}\n",
		 "error: n.conf:2: \"vendor_id\" must be a text, in quotes\n"},
		{"[pci]\ndevice_spec = {\"vendor_id\":\"x\"}\n",
		 "error: n.conf:2: vendor_id 'x' is neither a hex number nor *\n"},
		{"[pci]\ndevice_spec = {\"product_id\":\"10000\"}\n",
		 "error: n.conf:2: product_id '10000' exceeds Nova's maximum of ffff"},
		{"[pci]\ndevice_spec = {\"address\":\"81:20.0\"}\n",
		 "error: n.conf:2: slot '20' exceeds Nova's maximum of 1f"},
		{"[pci]\ndevice_spec = {\"address\":\"a:b:c:d.0\"}\n",
		 "error: n.conf:2: the address 'a:b:c:d.0' has more than"},
		{"[pci]\ndevice_spec = {\"address\":\"0000:81:00.0.1\"}\n",
		 "error: n.conf:2: function '0.1' is neither a hex number"},
		{"[pci]\ndevice_spec = {\"address\":7}\n",
		 "error: n.conf:2: an \"address\" is a text, or an object"},
		{"[pci]\ndevice_spec = {\"address\":{\"bus\":\"(\"}}\n",
		 "error: n.conf:2: the bus '(' is not a regular expression: "},
		{"[pci]\ndevice_spec = {\"address\":\"81:00.0\",\"devname\":\"eth0\"}\n",
		 "exclude each other"},
		{"[pci]\ndevice_spec = {\"devname\":\"ens3\"}\n",
		 "error: n.conf:2: interface 'ens3' belongs to a device on a PCI device"},
		{"[pci]\ndevice_spec = {\"vendor_id\":\"$my_ip\"}\n",
		 "error: n.conf:2: oslo.config puts the value of an option in place of '$my_ip'"},
		{"[pci]\nalias = []\n", "error: n.conf:2: an alias is an object: {...}\n"},
		{"[pci]\nalias = {}\n", "error: n.conf:2: an alias must have a \"name\""},
		{"[pci]\nalias = {\"name\":\"a\",\"x\":\"y\"}\n",
		 "error: n.conf:2: an alias has no key 'x'\n"},
		{"[pci]\nalias = {\"name\":\"a\",\"vendor_id\":\"*\"}\n",
		 "error: n.conf:2: vendor_id must be four hex digits, not '*'\n"},
		{"[pci]\nalias = {\"name\":\"a\",\"device_type\":\"type-X\"}\n",
		 "error: n.conf:2: the device_type is type-PCI, type-PF or type-VF\n"},
		{"[pci]\nalias = {\"name\":\"a\"}\nalias = {\"name\":\"a\"}\n",
		 "error: n.conf:3: the alias 'a' stands in line 2 too"},
		{"[pci]\nalias = {\"name\":\"a\",\"numa_policy\":\"required\"}\nalias = {\"name\":\"a\"}\n",
		 "error: n.conf:3: the alias 'a' has another numa_policy in line 2\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(faults); i++) {
		read_conf(faults[i].text);
		if (!strstr(captured.text, faults[i].said))
			fail_msg("%s instead of %s", captured.text, faults[i].said);
		assert_int_equal(captured.errors, conf.faults);
	}
}

static void dollars_are_what_oslo_makes_of_them(void **state)
{
	(void)state;
	read_conf(
		"[pci]\ndevice_spec = {\"address\":{\"bus\":\"81$$\",\"slot\":\"1\\$\"}}\ndevice_spec = {\"address\":{\"bus\":\"81$\"}}\n");
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 2);
	assert_true(nova_spec_matches(&lines.lines[1].spec, &devices[1]));
}

/* A file of its size limit, all small lines, and one that repeats and repeats. */
static void hostile_files_cost_little(void **state)
{
	char *text = malloc(NOVACONF_SIZE_MAX);
	size_t length = (size_t)sprintf(text, "[pci]\ndevice_spec = [");

	(void)state;
	while (length < NOVACONF_SIZE_MAX - 10)
		length += (size_t)sprintf(text + length, "{},");
	strcpy(text + length - 1, "]\n");
	read_conf(text);
	assert_int_equal(lines.count, NOVALINE_COUNT_MAX);
	assert_contains(captured.text, "more than 1024 of them");
	free(text);
	read_conf(
		"[pci]\ndevice_spec = {\"address\":{\"domain\":\"(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*(0*)*[xy]\"}}\n");
	assert_contains(captured.text, "match limit exceeded on '0000'");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(specs_take_devices, forget),
		cmocka_unit_test_teardown(both_ways_of_writing_lists_are_read, forget),
		cmocka_unit_test_teardown(aliases_choose_among_devices, forget),
		cmocka_unit_test_teardown(strings_hold_any_character, forget),
		cmocka_unit_test_teardown(faults_are_told_with_their_lines, forget),
		cmocka_unit_test_teardown(dollars_are_what_oslo_makes_of_them, forget),
		cmocka_unit_test_teardown(hostile_files_cost_little, forget),
	};

	return cmocka_run_group_tests_name("novaline", tests, NULL, NULL);
}
