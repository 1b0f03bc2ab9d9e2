/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/config/config.h"
#include "tests/unit/fakesys.h"

#include <unistd.h>

static struct log_capture captured;
static struct config *config;

static int setup(void **state)
{
	(void)state;
	captured = (struct log_capture){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	config_free(config);
	config = NULL;
	return 0;
}

static int parse_bytes(const char *text, size_t length)
{
	struct log log = log_capture_add(&captured);

	config_free(config);
	config = NULL;
	captured = (struct log_capture){0};
	return config_parse("pci.conf", text, length, "gpu-7.example.org", &log, &config);
}

static int parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* The rules of LIST, space-separated. */
static const char *rules(const struct rule_list *list)
{
	static char text[1024];

	text[0] = '\0';
	for (size_t i = 0; i < list->count; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s", i ? " " : "",
			 rule_text(list->rules[i]));
	return text;
}

static void all_spellings_of_a_filter_are_equivalent(void **state)
{
	static const char *const texts[] = {
		":filter: '10de:*,8086::0c03'\n",
		"filter: 10de:*,8086::0c03\n",
		":filter: \"10de:*, 8086::0c03\"\n",
		":filter:\n  - '10de:*'\n  - 8086::0c03\n",
		":filter: [10de:*, '8086::0c03']\n",
		":filter:\n- 10de:*,8086::0c03\n",
		"':filter': 10de:*,8086::0c03,\n",
		"# comment\n---\n:filter: >\n  10de:*,\n  8086::0c03\n",
		"{filter: [10de:*, 8086::0c03]}\n",
		":filter: |\n  10de:*,8086::0c03\n",
		"\xef\xbb\xbf:filter: 10de:*,8086::0c03\r\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(parse(texts[i]), 0);
		assert_string_equal(rules(&config->filters), "10de:* 8086::0c03");
		assert_true(config->filters.restricts);
		assert_string_equal(captured.text, "");
	}
}

static void numbers_in_yaml_are_strings(void **state)
{
	(void)state;
	assert_int_equal(parse(":filter: 0:0\n:short_address: [07:00.0, 00:1f.3, 1:00.0]\n"), 0);
	assert_string_equal(rules(&config->filters), "0:0");
	assert_string_equal(rules(&config->addresses), "07:00.0 00:1f.3 1:00.0");
	assert_int_equal(parse(":filter: 1002:1234\n:nvidia_vendors: [1234, 0010, 10de]\n"), 0);
	assert_string_equal(rules(&config->filters), "1002:1234");
	assert_int_equal(config->nvidia_vendor_count, 3);
	assert_int_equal(config->nvidia_vendors[0], 0x1234);
	assert_int_equal(config->nvidia_vendors[1], 0x0010);
	assert_int_equal(config->nvidia_vendors[2], 0x10de);
}

static void null_empty_and_missing_keys_differ(void **state)
{
	static const struct {
		const char *text;
		bool restricts;
	} cases[] = {
		{":filter:\n", false},
		{":filter: ~\n", false},
		{":filter: null\n", false},
		{":filter: []\n", true},
		{":filter: ''\n", true},
		{":filter: ['']\n", true},
		{"# nothing\n", true},
		{"", true},
		{"---\n", true},
		{":short_address: []\n", true},
		{"~\n", true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].text), 0);
		assert_int_equal(config->filters.restricts, cases[i].restricts);
		assert_int_equal(config->filters.count, 0);
		assert_false(config->addresses.restricts);
		assert_false(config->names.restricts);
		assert_int_equal(config->nvidia_vendor_count, 1);
	}
	assert_int_equal(
		parse(":filter: '*:*'\n:short_address:\n:device_name: []\n:nvidia_vendors: []\n"),
		0);
	assert_false(config->addresses.restricts);
	assert_int_equal(config->nvidia_vendor_count, 0);
	assert_int_equal(parse(":filter: 'null'\n"), -EINVAL);
}

static void exclusions_can_be_anywhere_in_a_filter(void **state)
{
	static const char *const texts[] = {
		":filter: 8086:*,!8086:10d3\n",
		":filter: '8086:* , !8086:10d3'\n",
		":filter: [8086:*, '!8086:10d3']\n",
		":filter:\n  - 8086:*\n  - '!8086:10d3'\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		assert_int_equal(parse(texts[i]), 0);
		assert_string_equal(captured.text, "");
		assert_string_equal(rules(&config->filters), "8086:* !8086:10d3");
		assert_false(rule_excludes(config->filters.rules[0]));
		assert_true(rule_excludes(config->filters.rules[1]));
	}
	assert_int_equal(
		parse(":filter:\n:alias:\n  - {name: a, filter: ['8086:*', '!8086:10d3']}\n"), 0);
	assert_true(rule_excludes(config->aliases[0].filters.rules[1]));
}

static void regular_expressions_keep_their_commas(void **state)
{
	(void)state;
	assert_int_equal(parse(":device_name: 'x{1,2}'\n"), 0);
	assert_string_equal(rules(&config->names), "x{1,2}");
	assert_int_equal(parse(":device_name:\n  - ^MegaRAID\n  - 'USB.*Host Controller'\n"), 0);
	assert_string_equal(rules(&config->names), "^MegaRAID USB.*Host Controller");
}

static void rules_know_their_line_and_column(void **state)
{
	(void)state;
	assert_int_equal(parse("\n:filter:\n  - 10de:*\n  -   8086:*\n"), 0);
	assert_string_equal(config->filters.location, "pci.conf:2:1");
	assert_string_equal(rule_location(config->filters.rules[0]), "pci.conf:3:5");
	assert_string_equal(rule_location(config->filters.rules[1]), "pci.conf:4:7");
}

static void host_sections_override_general_keys(void **state)
{
	(void)state;
	assert_int_equal(parse(":hosts:\n"
			       "  other: {filter: '1111:*'}\n"
			       "  'gpu-*': {filter: '10de:*', short_address: 07:00.0}\n"
			       "  GPU-7: {filter: '1002:*'}\n"
			       "  gpu-7.example.org: {device_name: Radeon}\n"
			       ":filter: 8086:*\n"
			       ":device_name: Ethernet\n"),
			 0);
	assert_string_equal(rules(&config->filters), "1002:*");
	assert_string_equal(rules(&config->addresses), "07:00.0");
	assert_string_equal(rules(&config->names), "Radeon");
	assert_int_equal(parse(":filter: 10de:*\n:hosts:\n  gpu-7:\n    :filter:\n"), 0);
	assert_false(config->filters.restricts);
	assert_int_equal(parse(":filter: 10de:*\n:hosts:\n  gpu-7:\n"), 0);
	assert_string_equal(rules(&config->filters), "10de:*");
	assert_int_equal(parse(":filter: 10de:*\n:hosts: ~\n"), 0);
}

static void what_nova_is_told_is_parsed(void **state)
{
	(void)state;
	assert_int_equal(
		parse(":filter:\n"
		      ":alias:\n"
		      "  - name: gpu\n"
		      "    filter: '10de:'\n"
		      "    nova: {resource_class: GPU-x, traits: [a, 'HW_B, c'], managed: no, live_migratable: ON}\n"
		      "  - {name: gpu, role: vf, nova: {traits: }}\n"
		      "  - {name: net, role: vf, nova: {physical_network: physnet1, managed: 'True'}}\n"
		      "  - {name: none, role: vf, nova: }\n"),
		0);
	assert_string_equal(captured.text, "");
	assert_int_equal(config->alias_count, 4);
	assert_string_equal(config->aliases[0].nova[ALIAS_NOVA_RESOURCE_CLASS], "GPU-x");
	assert_string_equal(config->aliases[0].nova[ALIAS_NOVA_TRAITS], "a,HW_B,c");
	assert_string_equal(config->aliases[0].nova[ALIAS_NOVA_MANAGED], "no");
	assert_string_equal(config->aliases[0].nova[ALIAS_NOVA_LIVE_MIGRATABLE], "yes");
	assert_null(config->aliases[0].nova[ALIAS_NOVA_PHYSICAL_NETWORK]);
	assert_string_equal(config->aliases[2].nova[ALIAS_NOVA_PHYSICAL_NETWORK], "physnet1");
	assert_string_equal(config->aliases[2].nova[ALIAS_NOVA_MANAGED], "yes");
	for (size_t i = 0; i < ALIAS_NOVA_COUNT; i++) {
		assert_null(config->aliases[1].nova[i]);
		assert_null(config->aliases[3].nova[i]);
	}
}

static void aliases_and_sources_are_parsed(void **state)
{
	(void)state;
	assert_int_equal(parse(":filter:\n"), 0);
	assert_int_equal(config->alias_count, 0);
	assert_int_equal(config->owners, OWNER_ALL);
	assert_int_equal(parse(":filter:\n"
			       ":owners: vfio, cmdline\n"
			       ":alias:\n"
			       "  - :name: a1\n"
			       "    :filter: ['8086:1520', '8086:1521']\n"
			       "    :role: vf\n"
			       "  - {name: 10GE, short_address: '28:00.1', numa_node: 1}\n"),
			 0);
	assert_int_equal(config->owners, OWNER_VFIO | OWNER_CMDLINE);
	assert_int_equal(config->alias_count, 2);
	assert_string_equal(config->aliases[0].name, "a1");
	assert_string_equal(rules(&config->aliases[0].filters), "8086:1520 8086:1521");
	assert_true(config->aliases[0].has_role);
	assert_int_equal(config->aliases[0].role, SRIOV_VF);
	assert_false(config->aliases[0].has_numa_node);
	assert_string_equal(config->aliases[1].name, "10GE");
	assert_string_equal(rules(&config->aliases[1].addresses), "28:00.1");
	assert_int_equal(config->aliases[1].numa_node, 1);
	/* a host section replaces the whole list */
	assert_int_equal(
		parse(":alias: [{name: a, role: vf}, {name: b, role: pf}]\n"
		      ":owners: none\n"
		      ":hosts: {gpu-7: {alias: [{name: c, role: vf}], owners: [libvirt]}, other: {alias: , owners: all}}\n"),
		0);
	assert_int_equal(config->alias_count, 1);
	assert_string_equal(config->aliases[0].name, "c");
	assert_int_equal(config->owners, OWNER_LIBVIRT);
	assert_int_equal(parse(":owners: none\n:hosts: {gpu-7: {alias: , owners: }}\n"), 0);
	assert_int_equal(config->owners, 0);
}

static void what_is_normal_for_vfs_is_parsed(void **state)
{
	const struct vf_defaults *normal;

	(void)state;
	assert_int_equal(parse(":filter:\n"), 0);
	normal = &config->vf_defaults;
	assert_false(normal->any_mac || normal->vlan || normal->no_spoof_check || normal->trust ||
		     normal->rss_query || normal->link_state || normal->min_rate ||
		     normal->max_rate);
	assert_int_equal(
		parse(":vf_defaults: {mac: any, vlan: 4094, spoof_check: false, trust: on, "
		      "rss_query: yes, link_state: enable, min_rate: 10, max_rate: '1000'}\n"),
		0);
	assert_string_equal(captured.text, "");
	normal = &config->vf_defaults;
	assert_true(normal->any_mac && normal->no_spoof_check && normal->trust &&
		    normal->rss_query);
	assert_int_equal(normal->vlan, 4094);
	assert_string_equal(normal->link_state, "enable");
	assert_int_equal(normal->min_rate, 10);
	assert_int_equal(normal->max_rate, 1000);
	assert_int_equal(parse(":vf_defaults: {spoof_check: true, trust: no, rss_query: off}\n"),
			 0);
	normal = &config->vf_defaults;
	assert_false(normal->no_spoof_check || normal->trust || normal->rss_query);
	/* a host section replaces the whole map */
	assert_int_equal(
		parse(":vf_defaults: {vlan: 5, trust: on}\n"
		      ":hosts: {gpu-7: {vf_defaults: {vlan: 6}}, other: {vf_defaults: {vlan: 7}}}\n"),
		0);
	assert_int_equal(config->vf_defaults.vlan, 6);
	assert_false(config->vf_defaults.trust);
	assert_int_equal(parse(":vf_defaults: {vlan: 5}\n:hosts: {gpu-7: {vf_defaults: }}\n"), 0);
	assert_int_equal(config->vf_defaults.vlan, 0);
	/* unknown keys are only warnings */
	assert_int_equal(parse(":vf_defaults: {trusted: on, speed: 5}\n"), 0);
	assert_contains(captured.text,
			"pci.conf:1:16: unknown key 'trusted' ignored (did you mean 'trust'?)\n");
	assert_contains(captured.text, "unknown key 'speed' ignored; valid keys: mac, vlan, ");
}

static void errors_are_reported_with_their_location(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{":filter: 10de\n",
		 "pci.conf:1:10: invalid filter '10de': needs at least VENDOR:DEVICE; "
		 "use '10de:' for any device of vendor 10de\n"},
		{":filter: '0x10de:*'\n", "without 0x"},
		{":filter: ['10de:*', 'zz:']\n", "pci.conf:1:21: invalid filter 'zz:': "},
		{":filter: *:10d3\n", "quotes around it"},
		{":filter: 10de:\n", "quotes around it"},
		{":filter:\n\t- 10de:*\n", "indent with spaces, not tabs"},
		{":filter: {a: b}\n",
		 "pci.conf:1:10: :filter: must be a string or a list of strings, not a map\n"},
		{":filter:\n  - 10de: x\n",
		 "pci.conf:2:5: each item of :filter: must be a string; quote values that contain ': '\n"},
		{":filter:\n  -\n", "pci.conf:2:4: empty item in :filter:\n"},
		{":filter:\n  - [a]\n", "each item of :filter: must be a string"},
		{":filter: '0:0'\n:filter: '10de:*'\n",
		 "pci.conf:2:1: duplicate key ':filter' (first on line 1)\n"},
		{":filter: '0:0'\nfilter: '10de:*'\n",
		 "pci.conf:2:1: duplicate key 'filter' (first on line 1)\n"},
		{":short_address: '07:00'\n",
		 "pci.conf:1:17: invalid PCI address '07:00': expected e.g. 07:00.0, 0000:07:00.0, 07:00.0=10de:2204 or the path 00:1c.0/00.0\n"},
		{":short_address: [07:00.0, 07:20.0]\n", "invalid PCI address '07:20.0'"},
		{":device_name: 'a('\n",
		 "invalid regular expression 'a(': missing closing parenthesis, at character 3\n"},
		{":device_name: 'gpu['\n", "pci.conf:1:15: invalid regular expression 'gpu['"},
		{":device_name: ['((((a{1000}){1000}){1000}){1000})']\n",
		 "invalid regular expression"},
		{":nvidia_vendors: '10deg'\n",
		 "invalid vendor id '10deg': expected four hex digits, e.g. 10de\n"},
		{":nvidia_vendors: '0x10de'\n", "invalid vendor id"},
		{":nvidia_vendors: -1\n", "invalid vendor id"},
		{":hosts: x\n", "pci.conf:1:9: :hosts: must be a map of host names"},
		{":hosts: {a: b}\n", "pci.conf:1:13: host 'a' must be a map of keys: :filter:"},
		{":hosts: {other: {filter: zz}}\n", "invalid filter 'zz'"},
		{":hosts: {a: {}, a: {}}\n", "duplicate key 'a' (first on line 1)\n"},
		{":hosts:\n  'gpu[': {filter: '10de:*'}\n",
		 "pci.conf:2:3: invalid host pattern 'gpu[': '[' without ']'\n"},
		{":hosts: {'a[]b': {}}\n", "invalid host pattern 'a[]b': '[' without ']'\n"},
		{":hosts: {'a\\': }\n", "invalid host pattern 'a\\': '\\' at its end\n"},
		{":owners: nobody\n",
		 "pci.conf:1:10: unknown source 'nobody' (all, none, or a comma-separated list of vfio,"},
		{":owners: [vfio, libvrt]\n",
		 "pci.conf:1:17: unknown source 'libvrt' (did you mean 'libvirt'?)\n"},
		{":owners: {a: b}\n", ":owners: must be a string or a list of strings"},
		{":owners: [all, libvirt]\n",
		 "pci.conf:1:16: 'all' and 'none' cannot be combined with other sources\n"},
		{":owners: [libvirt, all]\n",
		 "pci.conf:1:20: 'all' and 'none' cannot be combined with other sources\n"},
		{":owners:\n- none\n- vfio\n",
		 "pci.conf:3:3: 'all' and 'none' cannot be combined with other sources\n"},
		{":owners: 'all, none'\n",
		 "pci.conf:1:10: 'all' and 'none' cannot be combined with other sources\n"},
		{":hosts: {gpu-7: {owners: [none, all]}}\n",
		 "cannot be combined with other sources\n"},
		{":alias: a1\n", "pci.conf:1:9: :alias: must be a list of maps"},
		{":alias: {name: a1}\n", ":alias: must be a list of maps"},
		{":alias: [a1]\n", "each item of :alias: must be a map of keys: name, filter"},
		{":alias: [{filter: '1:2'}]\n", "pci.conf:1:10: alias without a name"},
		{":alias: [{name: a1}]\n",
		 "pci.conf:1:10: alias 'a1' has no condition: add filter, short_address,"},
		{":alias: [{name: 'a 1', role: vf}]\n", "pci.conf:1:17: invalid alias name 'a 1'"},
		{":alias: [{name: 'a:1', role: vf}]\n", "invalid alias name"},
		{":alias: [{name: summary, role: vf}]\n",
		 "invalid alias name 'summary': reserved\n"},
		{":alias: [{name: , role: vf}]\n", "name must be one string\n"},
		{":alias: [{name: [a], role: vf}]\n", "name must be one string\n"},
		{":alias: [{name: a, role: VF}]\n",
		 "pci.conf:1:26: invalid role 'VF': expected pf, vf or pci\n"},
		{":alias: [{name: a, numa_node: -1}]\n",
		 "numa_node must be a number, e.g. 0, not '-1'\n"},
		{":alias: [{name: a, numa_node: 123456}]\n", "numa_node must be a number"},
		{":alias: [{name: a, filter: zz}]\n", "invalid filter 'zz'"},
		{":alias: [{name: a, name: b, role: vf}]\n",
		 "duplicate key 'name' (first on line 1)\n"},
		{":hosts: {other: {alias: [{name: a}]}}\n", "alias 'a' has no condition"},
		{":alias: [{name: a, nova: {managed: yes}}]\n", "alias 'a' has no condition"},
		{":alias: [{name: a, role: vf, nova: yes}]\n",
		 "pci.conf:1:36: nova must be a map of keys: physical_network, resource_class,"},
		{":alias:\n- {name: a, role: vf, nova: {managed: si}}\n",
		 "pci.conf:2:39: managed must be yes or no, not 'si'\n"},
		{":alias: [{name: a, role: vf, nova: {live_migratable: [yes]}}]\n",
		 "live_migratable must be one string\n"},
		{":alias: [{name: a, role: vf, nova: {managed: }}]\n",
		 "managed must be one string\n"},
		{":alias: [{name: a, role: vf, nova: {resource_class: 'a\"b'}}]\n",
		 "pci.conf:1:53: invalid resource_class 'a\"b': expected up to 255 letters"},
		{":alias: [{name: a, role: vf, nova: {physical_network: ''}}]\n",
		 "invalid physical_network '': expected"},
		{":alias: [{name: a, role: vf, nova: {traits: [a, 'b c']}}]\n",
		 "pci.conf:1:49: invalid trait 'b c': expected up to 255 letters"},
		{":alias: [{name: a, role: vf, nova: {traits: {a: b}}}]\n",
		 ":traits: must be a string or a list of strings, not a map"},
		{":alias: [{name: a, role: vf, nova: {managed: yes, managed: no}}]\n",
		 "duplicate key 'managed' (first on line 1)"},
		{":alias:\n- {name: a, role: vf, nova: {managed: yes}}\n- {name: a, role: pf, nova: {traits: t}}\n",
		 "pci.conf:3:3: another item of alias 'a' has nova already: one item has it for all\n"},
		{":vf_defaults: on\n",
		 "pci.conf:1:15: :vf_defaults: must be a map of keys: mac, vlan, spoof_check,"},
		{":vf_defaults: {mac: '52:54:00:00:00:01'}\n",
		 "pci.conf:1:21: mac must be any, not '52:54:00:00:00:01'\n"},
		{":vf_defaults: {vlan: 4095}\n",
		 "vlan must be a number from 0 to 4094, not '4095'\n"},
		{":vf_defaults: {vlan: -1}\n", "vlan must be a number"},
		{":vf_defaults: {vlan: }\n", "vlan must be one string\n"},
		{":vf_defaults: {trust: maybe}\n", "trust must be true or false, not 'maybe'\n"},
		{":vf_defaults: {spoof_check: [no]}\n", "spoof_check must be one string\n"},
		{":vf_defaults: {link_state: up}\n",
		 "invalid link_state 'up': expected auto, enable or disable\n"},
		{":vf_defaults: {max_rate: 1000 Mbit}\n",
		 "max_rate must be a number of Mbit/s, e.g. 1000, not '1000 Mbit'\n"},
		{":vf_defaults: {min_rate: 9999999999}\n", "min_rate must be a number"},
		{":vf_defaults: {vlan: 1, vlan: 2}\n", "duplicate key 'vlan' (first on line 1)"},
		{":hosts: {other: {vf_defaults: {vlan: x}}}\n", "vlan must be a number"},
		{"just a text\n", "pci.conf:1:1: the file must be a map of keys"},
		{"- a\n- b\n", "the file must be a map of keys"},
		{":filter: '0:0'\n---\n:filter: '*:*'\n",
		 "pci.conf:3:1: only one YAML document is allowed; remove the '---'\n"},
		{":filter: \"a\\0b:\"\n", "pci.conf:1:10: NUL character in a string\n"},
		{"? [a]\n: b\n", "a key must be a string"},
		{":filter: &a [*a]\n", "must be a string"},
		{":filter: !10de:1eb8\n",
		 "pci.conf:1:10: '!10de:1eb8' is a tag in YAML, because it begins with !; put quotes"},
		{":filter:\n  - 8086:*\n  - !10de:*\n", "pci.conf:3:5: '!10de:*' is a tag in YAML"},
		{":filter: [8086:*, !10de:1eb8]\n",
		 "while scanning a tag; put quotes around a filter"},
		{":filter: ! 10de:1eb8\n", "pci.conf:1:10: '!' is a tag in YAML"},
		{":filter: '!!10de:1eb8'\n", "pci.conf:1:10: invalid filter '!!10de:1eb8': "},
		{":filter: '8086:*,!10de'\n", "pci.conf:1:10: invalid filter '!10de': "},
		{":filter: !!str\n",
		 "pci.conf:1:10: unsupported tag 'tag:yaml.org,2002:str'; remove it\n"},
		{"!ruby/object:Set {}\n", "unsupported tag"},
		{"filter: [[[[[[[[[[[[[[[[[a]]]]]]]]]]]]]]]]]\n",
		 "pci.conf:1:24: lists and maps nested more than 16 deep\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].text), -EINVAL);
		assert_true(captured.errors >= 1);
		if (!strstr(captured.text, cases[i].message))
			fail_msg("%s\nlogged: %s\nnot: %s", cases[i].text, captured.text,
				 cases[i].message);
		assert_null(config);
	}
}

/* An invalid value is not also reported as missing. */
static void an_error_has_no_follow_up_errors(void **state)
{
	static const char *const cases[] = {
		":alias: [{name: a, role: virtual}]\n",
		":alias: [{name: a, numa_node: zero}]\n",
		":alias: [{name: a, filter: zz}]\n",
		":alias: [{name: a, filter: {}}]\n",
		":alias: [{name: 'my device', role: vf}]\n",
		":alias: [{name: 'my device'}]\n",
		":alias: [{name: , filter: '1:2'}]\n",
		":alias: [{role: virtual}]\n",
		":alias: [{}]\n",
		":owners: [all, libvirt, none]\n",
		":filter: 'a\n:b\n",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i]), -EINVAL);
		if (captured.errors != 1)
			fail_msg("%s\nlogged: %s", cases[i], captured.text);
	}
	/* independent errors are both reported */
	assert_int_equal(parse(":alias: [{name: 'a b', role: virtual}]\n"), -EINVAL);
	assert_int_equal(captured.errors, 2);
}

static void an_unclosed_quote_is_reported_where_it_opens(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{":filter: '10de:*\n", "pci.conf:1:10: this quote is never closed\n"},
		{":filter: \"10de:*\n# comment\n", "pci.conf:1:10: this quote is never closed\n"},
		{":filter:\n  - '10de:*\n  - 8086:1\n",
		 "pci.conf:2:5: this quote is never closed\n"},
		{":filter: '10de:*\n---\n", "pci.conf:1:10: this quote is never closed\n"},
		/* closed by a quote that was meant to open the next string */
		{":filter: '10de:*\n:short_address: '07:00.0'\n",
		 "pci.conf:1:10: this quote is closed only on line 2\n"},
		{":filter:\n  - '10de:*\n  - '1002:*'\n",
		 "pci.conf:2:5: this quote is closed only on line 3\n"},
		{":filter: '10de:*\n:short_address: ['07:00.0']\n",
		 "pci.conf:1:10: this quote is closed only on line 2\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].text), -EINVAL);
		if (!strstr(captured.text, cases[i].message) || captured.errors != 1)
			fail_msg("%s\nlogged: %s\nnot: %s", cases[i].text, captured.text,
				 cases[i].message);
	}
	/* a multi-line string is not blamed for an error elsewhere */
	assert_int_equal(parse(":device_name: 'a\n  b'\n:filter: [\n"), -EINVAL);
	assert_null(strstr(captured.text, "quote"));
}

static void invalid_bytes_are_reported_with_line_and_column(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{":filter: '1:2' # caf\xe9\n", "pci.conf:1:21: not UTF-8: "},
		{"# \xc3\xa9\xc3\xa9 \xff\n", "pci.conf:1:6: not UTF-8: "},
		{"# a\r\n# b\n  # \xc3(\n", "pci.conf:3:5: not UTF-8: "},
		{"# end \xc3", "pci.conf:1:7: not UTF-8: "},
		{"\x01\n", "pci.conf:1:1: control characters are not allowed\n"},
		{"a: 1\n# \x1b[31m\n", "pci.conf:2:3: control characters are not allowed\n"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		assert_int_equal(parse(cases[i].text), -EINVAL);
		if (!strstr(captured.text, cases[i].message) || captured.errors != 1)
			fail_msg("%s\nlogged: %s\nnot: %s", cases[i].text, captured.text,
				 cases[i].message);
	}
	/* for UTF-16 the offset of the byte is reported */
	assert_int_equal(parse_bytes("\xff\xfe:\0\0\xdc", 6), -EINVAL);
	assert_contains(captured.text, "pci.conf: byte 4: ");
}

static void a_long_path_does_not_hide_the_line(void **state)
{
	struct log log = log_capture_add(&captured);
	char path[2000];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(config_parse(path, "filter: zz\n", 11, "h", &log, &config), -EINVAL);
	assert_contains(captured.text, "xxx:1:9: invalid filter 'zz'");
}

static void all_errors_are_logged_in_one_run(void **state)
{
	(void)state;
	assert_int_equal(
		parse(":filter: [a, b]\n:short_address: c\n:device_name: '('\n:nonsense: 1\n"),
		-EINVAL);
	assert_int_equal(captured.errors, 4);
	assert_int_equal(captured.warnings, 1);
}

static void an_unknown_key_is_a_warning(void **state)
{
	(void)state;
	assert_int_equal(
		parse(":fitler: '10de:*'\n:filter: '8086:*'\n:hosts: {gpu-7: {hosts: {}}}\n"
		      ":alias: [{name: a, role: vf, hosts: x}]\n"),
		0);
	assert_int_equal(captured.errors, 0);
	assert_int_equal(captured.warnings, 3);
	assert_contains(captured.text,
			"pci.conf:4:30: unknown key 'hosts' ignored; valid keys: name, filter,");
	assert_contains(captured.text,
			"pci.conf:1:1: unknown key ':fitler' ignored (did you mean ':filter:'?)\n");
	assert_contains(captured.text,
			"pci.conf:3:18: unknown key 'hosts' ignored; valid keys: :filter:,");
	assert_string_equal(rules(&config->filters), "8086:*");
}

static void hostile_files_are_rejected(void **state)
{
	size_t size = CONFIG_SIZE_MAX - 1;
	char *text = malloc(size + 1);

	(void)state;
	/* deep nesting, at full size */
	memset(text, '[', size);
	assert_int_equal(parse_bytes(text, size), -EINVAL);
	/* one very long scalar */
	memset(text, 'x', size);
	assert_int_equal(parse_bytes(text, size), -EINVAL);
	/* billion laughs */
	assert_int_equal(
		parse("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\n"
		      "d: &d [*c,*c,*c,*c,*c,*c]\nfilter: [*d,*d,*d]\n"),
		-EINVAL);
	/* a million keys, each of which is compared with all before it; a thousand repetitions of a
	 * long list */
	text[0] = '\0';
	for (size_t i = 0, at = 0; at < size - 32; i++)
		at += (size_t)sprintf(text + at, "key%zu: x\n", i);
	assert_int_equal(parse(text), -EINVAL);
	assert_contains(captured.text, "too many nodes: at most 20000 strings, lists and maps");
	strcpy(text, "a: &a [x,x,x,x,x,x,x,x]\nhosts:\n");
	for (size_t i = 0, at = strlen(text); i < 1000; i++)
		at += (size_t)sprintf(text + at, "  h%zu: {device_name: *a}\n", i);
	assert_int_equal(parse(text), -EINVAL);
	assert_contains(captured.text, "too many nodes: at most 20000 strings, lists and maps");
	free(text);
}

static void unreadable_files_are_logged(void **state)
{
	struct log log = log_capture_add(&captured);
	char path[] = "/tmp/test-config.XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(config_load("/nowhere/pci.conf", "h", &log, &config), -ENOENT);
	assert_contains(captured.text, "/nowhere/pci.conf: No such file");
	assert_int_equal(config_load("/tmp", "h", &log, &config), -EISDIR);
	assert_int_equal(ftruncate(fd, CONFIG_SIZE_MAX + 1), 0);
	assert_int_equal(config_load(path, "h", &log, &config), -EFBIG);
	assert_contains(captured.text, "file too large (limit 1048575 bytes)");
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(config_load(path, "h", &log, &config), 0);
	assert_string_equal(config->path, path);
	close(fd);
	unlink(path);
}

static void the_shipped_file_selects_no_device(void **state)
{
	struct log log = log_capture_add(&captured);
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/etc/pci.conf",
		 getenv("SOURCES") ? getenv("SOURCES") : ".");
	assert_int_equal(config_load(path, "h", &log, &config), 0);
	assert_string_equal(captured.text, "");
	assert_string_equal(rules(&config->filters), "0:0");
	assert_false(config->addresses.restricts);
	assert_false(config->names.restricts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_spellings_of_a_filter_are_equivalent, setup,
						teardown),
		cmocka_unit_test_setup_teardown(numbers_in_yaml_are_strings, setup, teardown),
		cmocka_unit_test_setup_teardown(null_empty_and_missing_keys_differ, setup,
						teardown),
		cmocka_unit_test_setup_teardown(exclusions_can_be_anywhere_in_a_filter, setup,
						teardown),
		cmocka_unit_test_setup_teardown(regular_expressions_keep_their_commas, setup,
						teardown),
		cmocka_unit_test_setup_teardown(rules_know_their_line_and_column, setup, teardown),
		cmocka_unit_test_setup_teardown(host_sections_override_general_keys, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_nova_is_told_is_parsed, setup, teardown),
		cmocka_unit_test_setup_teardown(aliases_and_sources_are_parsed, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_normal_for_vfs_is_parsed, setup, teardown),
		cmocka_unit_test_setup_teardown(errors_are_reported_with_their_location, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_error_has_no_follow_up_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unclosed_quote_is_reported_where_it_opens, setup,
						teardown),
		cmocka_unit_test_setup_teardown(invalid_bytes_are_reported_with_line_and_column,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_path_does_not_hide_the_line, setup,
						teardown),
		cmocka_unit_test_setup_teardown(all_errors_are_logged_in_one_run, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unknown_key_is_a_warning, setup, teardown),
		cmocka_unit_test_setup_teardown(hostile_files_are_rejected, setup, teardown),
		cmocka_unit_test_setup_teardown(unreadable_files_are_logged, setup, teardown),
		cmocka_unit_test_setup_teardown(the_shipped_file_selects_no_device, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
