/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parsing of a nova.conf, its errors, and which devices its lines match. The conformance tests
 * compare the results with Nova's own. */
#include "tests/unit/test.h"

#include "plugins/standalone/nova/line.h"
#include "plugins/standalone/nova/placement.h"
#include "tests/unit/fakesys.h"

static struct log_capture captured;

#define IDS ",\"vendor_id\":\"8086\",\"product_id\":\"1520\""
#define IN_PLACEMENT "[filter_scheduler]\npci_in_placement = 1\n[pci]\n"

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

static const struct nova_release *release; /* NULL: the newest */
static struct nova_conf conf;
static struct nova_lines lines;

static int teardown(void **state)
{
	(void)state;
	nova_lines_free(&lines);
	nova_conf_free(&conf);
	release = NULL;
	return 0;
}

static void read_conf(const char *text)
{
	struct log log = log_capture_add(&captured);
	char *copy = malloc(strlen(text) + 2);

	nova_lines_free(&lines);
	nova_conf_free(&conf);
	captured = (struct log_capture){0};
	strcpy(copy, text);
	assert_int_equal(nova_conf_parse("n.conf", copy, strlen(text),
					 release ? release : nova_release_newest(), &log, &conf),
			 0);
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

/* Whether the alias in line INDEX matches a device whose spec has TAGS. */
static bool alias_matches(size_t index, struct nova_tags tags, size_t device)
{
	return nova_alias_matches(&lines.lines[index].alias, &tags, &devices[device]);
}

static void use_release(const char *name)
{
	struct log log = log_capture_add(&captured);

	release = nova_release_find(name, &log);
	assert_non_null(release);
}

static void an_alias_matches_a_pf_only_by_device_type(void **state)
{
	(void)state;
	use_release("2024.2");
	read_conf(
		"[pci]\nalias = {\"name\":\" a \",\"vendor_id\":\"8086\"}\nalias = {\"name\":\"pf\",\"device_type\":\"type-PF\"}\n"
		"alias = {\"name\":\"n\",\"capability_type\":\"pci\"}\n");
	assert_string_equal(captured.text, "");
	assert_int_equal(lines.count, 3);
	assert_string_equal(lines.lines[0].alias.name, "a");
	assert_false(alias_matches(0, (struct nova_tags){0}, 1)); /* a PF, without device_type */
	assert_true(alias_matches(0, (struct nova_tags){0}, 2));
	assert_true(alias_matches(1, (struct nova_tags){0}, 1));
	assert_false(alias_matches(1, (struct nova_tags){0}, 2));
	assert_false(alias_matches(2, (struct nova_tags){0}, 0));
	assert_true(alias_matches(2, (struct nova_tags){.capability_pci = true}, 0));
}

static void an_alias_matches_by_the_tags_of_the_spec(void **state)
{
	const struct nova_tags migratable = {.live_migratable = NOVA_TRUE},
			       fixed = {.live_migratable = NOVA_FALSE}, none = {0},
			       remote = {.remote_managed = true};

	(void)state;
	read_conf(
		"[pci]\nalias = {\"name\":\"a\",\"vendor_id\":\"8086\",\"product_id\":\"1520\"}\n"
		"alias = {\"name\":\"y\",\"vendor_id\":\"8086\",\"product_id\":\"1520\",\"live_migratable\":\"Yes\"}\n"
		"alias = {\"name\":\"n\",\"vendor_id\":\"8086\",\"product_id\":\"1520\",\"live_migratable\":\"f\"}\n");
	assert_string_equal(captured.text, "");
	assert_true(alias_matches(0, migratable, 2));
	assert_true(alias_matches(0, none, 2));
	assert_false(alias_matches(0, remote, 2));
	assert_true(alias_matches(1, migratable, 2));
	assert_false(alias_matches(1, fixed, 2));
	assert_false(alias_matches(1, none, 2));
	assert_true(alias_matches(2, fixed, 2));
	assert_false(alias_matches(2, none, 2));
}

static void a_boolean_is_parsed_as_by_strutils(void **state)
{
	static const struct {
		const char *value;
		enum nova_switch parsed;
	} values[] = {
		{"\"yes\"", NOVA_TRUE}, {"\" On \"", NOVA_TRUE}, {"\"T\"", NOVA_TRUE},
		{"true", NOVA_TRUE},	{"1", NOVA_TRUE},	 {"\"Y\"", NOVA_TRUE},
		{"\"no\"", NOVA_FALSE}, {"\"oFF\"", NOVA_FALSE}, {"false", NOVA_FALSE},
		{"0", NOVA_FALSE},	{"\"n\"", NOVA_FALSE},	 {"null", NOVA_UNSET},
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		snprintf(text, sizeof(text), "[pci]\ndevice_spec = {\"live_migratable\":%s}\n",
			 values[i].value);
		read_conf(text);
		assert_string_equal(captured.text, "");
		assert_int_equal(lines.lines[0].tags.live_migratable, values[i].parsed);
	}
}

static void keys_are_unknown_before_their_release(void **state)
{
	static const struct {
		const char *release, *text, *message;
	} keys[] = {
		{"2022.1", "device_spec = {}",
		 "warning: n.conf:2: ignored: Nova knows device_spec since release 2022.2"},
		{"2022.1", "report_in_placement = perhaps", "warning: n.conf:2: ignored: "},
		{"2022.2", "report_in_placement = perhaps",
		 "error: n.conf:2: report_in_placement must be true or false, not 'perhaps'"},
		{"2022.1", "passthrough_whitelist = {\"traits\":\"t\"}",
		 "warning: n.conf:2: traits has no effect before Nova 2022.2"},
		{"2024.2", "device_spec = {\"managed\":\"perhaps\"}",
		 "warning: n.conf:2: managed has no effect before Nova 2025.1"},
		{"2025.1", "device_spec = {\"managed\":\"perhaps\"}",
		 "error: n.conf:2: managed 'perhaps' is not a boolean: expected yes, no"},
		{"2025.1", "device_spec = {\"one_time_use\":\"perhaps\"}",
		 "warning: n.conf:2: one_time_use has no effect before Nova 2025.2"},
		{"2025.2", "device_spec = {\"one_time_use\":\"perhaps\"}",
		 "error: n.conf:2: one_time_use 'perhaps' is not a boolean"},
		{"2022.2", "alias = {\"name\":\"a\",\"resource_class\":\"r\"}",
		 "error: n.conf:2: alias key 'resource_class' is invalid before Nova 2023.1"},
		{"2024.2", "alias = {\"name\":\"a\",\"live_migratable\":\"r\"}",
		 "error: n.conf:2: alias key 'live_migratable' is invalid before Nova 2025.1"},
		{"2025.1",
		 "alias = {\"name\":\"a\",\"live_migratable\":\"r\",\"vendor_id\":\"8086\",\"product_id\":\"1520\"}",
		 "error: n.conf:2: live_migratable 'r' is not a boolean"},
		{"2025.1", "alias = {\"name\":\"a\",\"live_migratable\":true}",
		 "error: n.conf:2: \"live_migratable\" must be a string"},
		{"2024.2", "alias = {\"name\":\"a\"}", ""},
		{"31", "alias = {\"name\":\"a\"}",
		 "error: n.conf:2: alias 'a' requires a vendor_id and a product_id"},
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < COUNT(keys); i++) {
		use_release(keys[i].release);
		snprintf(text, sizeof(text), "[pci]\n%s\n", keys[i].text);
		read_conf(text);
		if (*keys[i].message ? !strstr(captured.text, keys[i].message) : *captured.text)
			fail_msg("%s: logged '%s', expected '%s'", keys[i].text, captured.text,
				 keys[i].message);
	}
}

/* ---- Placement: the PF is devices[1], its VF devices[2], and VF2 another one ---- */

static struct pci_device vfs[3];
static struct inventory with_vfs = {.devices = vfs, .count = COUNT(vfs)};

/* Reports the devices with the specs, one for each, in the lines 3, 4 and 5; "" for none. */
static void report_in_placement(const char *pf, const char *vf, const char *vf2)
{
	const char *specs[] = {pf, vf, vf2};
	const struct nova_line *first[COUNT(vfs)] = {0};
	struct log log = log_capture_add(&captured);
	char text[512] = "[pci]\nreport_in_placement = true\n";
	size_t next = 0;

	vfs[0] = devices[1];
	vfs[1] = vfs[2] = devices[2];
	vfs[2].address.function = 2;
	for (size_t i = 0; i < COUNT(specs); i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 *specs[i] ? "device_spec = {%s}\n" : "%s\n", specs[i]);
	read_conf(text);
	for (size_t i = 0; i < COUNT(specs); i++)
		if (*specs[i])
			first[i] = &lines.lines[next++];
	assert_int_equal(next, lines.count);
	assert_int_equal(nova_placement_check(&conf, &with_vfs, first, &log), 0);
}

static void devices_that_placement_cannot_represent_are_errors(void **state)
{
	static const struct {
		const char *pf, *vf, *vf2, *message;
	} cases[] = {
		{"", "\"x\":1", "\"x\":1", ""},
		{"\"x\":1", "", "", ""},
		{"\"x\":1", "", "\"x\":1",
		 "error: n.conf:5: 0000:81:10.2 and its PF 0000:81:00.0 cannot both be reported to Placement\n"},
		{"\"physical_network\":\"p\"", "\"x\":1", "\"x\":1", ""},
		{"\"one_time_use\":1", "", "", ""},
		{"", "\"x\":1", "\"one_time_use\":null",
		 "error: n.conf:5: one_time_use is not allowed for the VF 0000:81:10.2\n"},
		{"", "\"resource_class\":\"a-b\"", "\"resource_class\":\"custom_a_b\"", ""},
		{"", "\"resource_class\":\"pgpu\"", "\"resource_class\":\"custom_pgpu\"",
		 "error: n.conf:5: 0000:81:10.2 has resource class CUSTOM_PGPU, but 0000:81:10.0, of the same PF, PGPU\n"},
		{"", "\"x\":1", "\"resource_class\":\"CUSTOM_PCI_8086_1520\"", ""},
		{"", "\"traits\":\"a,B\"", "\"traits\":\"b,CUSTOM_A,b\"", ""},
		{"", "\"traits\":\"HW_A\"", "\"traits\":\"hw_a\"",
		 "error: n.conf:5: 0000:81:10.2 has other traits than 0000:81:10.0, of the same PF\n"},
		{"", "\"live_migratable\":\"yes\"", "\"x\":1", "has other traits"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		report_in_placement(cases[i].pf, cases[i].vf, cases[i].vf2);
		if (*cases[i].message ? !strstr(captured.text, cases[i].message) : *captured.text)
			fail_msg("logged '%s', expected '%s'", captured.text, cases[i].message);
		assert_int_equal(conf.errors, *cases[i].message != '\0');
	}
}

static void an_alias_in_placement_requires_class_and_traits(void **state)
{
	static const struct {
		const char *spec, *alias;
		bool matches;
	} cases[] = {
		{"\"resource_class\":\"gpu\"", "\"resource_class\":\"CUSTOM_GPU\"", true},
		{"\"resource_class\":\"gpu\"", "\"resource_class\":\"net\"", false},
		{"\"resource_class\":\"gpu\"", "\"vendor_id\":\"8086\",\"product_id\":\"1520\"",
		 false},
		{"\"x\":1", "\"vendor_id\":\"8086\",\"product_id\":\"1520\"", true},
		{"\"resource_class\":\"gpu\",\"traits\":\"a,b\"",
		 "\"resource_class\":\"gpu\",\"traits\":\"B\"", true},
		{"\"resource_class\":\"gpu\",\"traits\":\"a,b\"",
		 "\"resource_class\":\"gpu\",\"traits\":\"c\"", false},
		{"\"resource_class\":\"gpu\",\"physical_network\":\"p\"",
		 "\"resource_class\":\"gpu\"", false},
	};
	char text[512];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(text, sizeof(text),
			 IN_PLACEMENT "device_spec = {%s}\nalias = {\"name\":\"a\",%s}\n",
			 cases[i].spec, cases[i].alias);
		read_conf(text);
		assert_string_equal(captured.text, "");
		assert_int_equal(nova_placement_matches(conf.release, &lines.lines[1].alias,
							&lines.lines[0], &devices[2]),
				 cases[i].matches);
	}
}

/* json-c 0.18 itself rejects some of them */
static void strings_may_contain_any_character(void **state)
{
	(void)state;
	read_conf(
		"[pci]\nalias = {\"name\":\"Grafik-f\xc3\xbcr-\xe2\x82\xac-\xf0\x9f\x98\x80\"" IDS
		"}\n"
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
		{"[pci]\nalias = {\"name\":\"a\"" IDS "}\nalias = {\"name\":\"a\"" IDS "}\n",
		 "error: n.conf:3: alias 'a' is also defined in line 2: both must set"},
		{"[pci]\nalias = {\"name\":\"a\",\"numa_policy\":\"required\"" IDS
		 "}\nalias = {\"name\":\"a\"" IDS "}\n",
		 "error: n.conf:3: alias 'a': numa_policy differs from line 2\n"},
		{IN_PLACEMENT "alias = {\"name\":\"a\",\"device_type\":\"type-VF\"" IDS
			      "}\nalias = {\"name\":\"a\",\"device_type\":\"type-VF\"" IDS "}\n",
		 "error: n.conf:5: alias 'a' is also defined in line 4, which pci_in_placement does not allow\n"},
		{"[pci]\nalias = {\"name\":\"a\",\"resource_class\":\"GPU\"}\n",
		 "error: n.conf:2: alias 'a' requires a vendor_id and a product_id: resource_class alone requires pci_in_placement = true in [filter_scheduler]\n"},
		{IN_PLACEMENT "alias = {\"name\":\"a\",\"traits\":\"t\"}\n",
		 "error: n.conf:4: alias 'a' requires a vendor_id and a product_id, or a resource_class\n"},
		{"[pci]\nalias = {\"name\":\"a\",\"managed\":\"yes\"" IDS "}\n",
		 "error: n.conf:2: unknown key 'managed' in an alias\n"},
		{"[pci]\ndevice_spec = {\"one_time_use\":\"yes\"}\n",
		 "error: n.conf:2: one_time_use requires report_in_placement = true in [pci]\n"},
		{"[pci]\nreport_in_placement = on\ndevice_spec = {\"devname\":\"eth0\"}\n",
		 "error: n.conf:3: devname is not supported with report_in_placement: use the address"},
		{"[pci]\ndevice_spec = {\"address\":\"0000:81:00.0\",\"remote_managed\":\"1\"}\n",
		 "error: n.conf:2: remote_managed is not supported for the address of a PF: match its VFs"},
		{"[pci]\ndevice_spec = {\"devname\":\"eth9\",\"remote_managed\":true}\n",
		 "error: n.conf:2: remote_managed: no interface has this name\n"},
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
		cmocka_unit_test_teardown(an_alias_matches_by_the_tags_of_the_spec, teardown),
		cmocka_unit_test_teardown(a_boolean_is_parsed_as_by_strutils, teardown),
		cmocka_unit_test_teardown(keys_are_unknown_before_their_release, teardown),
		cmocka_unit_test_teardown(devices_that_placement_cannot_represent_are_errors,
					  teardown),
		cmocka_unit_test_teardown(an_alias_in_placement_requires_class_and_traits,
					  teardown),
		cmocka_unit_test_teardown(strings_may_contain_any_character, teardown),
		cmocka_unit_test_teardown(errors_are_reported_with_their_line, teardown),
		cmocka_unit_test_teardown(dollar_signs_are_unescaped_as_by_oslo_config, teardown),
		cmocka_unit_test_teardown(hostile_files_are_bounded, teardown),
	};

	return cmocka_run_group_tests_name("novaline", tests, NULL, NULL);
}
