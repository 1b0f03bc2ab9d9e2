/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format dot. tests/conformance/test-dot.py parses it with Graphviz. */
#include "tests/unit/test.h"

#include "tests/unit/fakesys.h"
#include "tests/unit/standalone/output.h"

#define SETTINGS                                               \
	"graph pciprobe {\n"                                   \
	"  rankdir=LR; ranksep=0.3; nodesep=0.1;\n"            \
	"  color=grey; fontname=Helvetica; fontsize=9;\n"      \
	"  node [shape=box, style=filled, fillcolor=white];\n" \
	"  node [fontname=Helvetica, fontsize=10];\n"

#define FORTY_LESS_2 "a2345678901234567890123456789012345678"

static struct fakesys *fake;
static struct log_capture captured;

static int setup(void **state)
{
	(void)state;
	fake = fakesys_new();
	fakesys_process(fake, 1, "/sbin/init");
	captured = (struct log_capture){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fakesys_free(fake);
	return 0;
}

/* The output for the devices that FILTER matches, or all if it is NULL; the caller frees it. EDIT,
 * if not NULL, modifies the inventory. */
static char *output_of(const char *filter, void (*edit)(struct inventory *))
{
	struct rule_list filters = {.key = "-d", .location = "command line", .kind = RULE_FILTER};
	struct probe_options options = {
		.log = log_capture_add(&captured), .sysroot = fake->path, .filters = &filters};
	char *string;

	if (filter)
		assert_int_equal(rule_list_add(&filters, filter, "-d", &options.log), 0);
	string = output_of_format("dot", options, (struct report){0}, edit);
	rule_list_free(&filters);
	return string;
}

static void add_vm(const char *name, const char *group)
{
	char cmdline[256], target[32];
	int length = snprintf(cmdline, sizeof(cmdline), "qemu-system-x86_64%c-name%c%s", 0, 0,
			      name);

	snprintf(target, sizeof(target), "/dev/vfio/%s", group);
	fakesys_add_process(fake, 77, cmdline, (size_t)length + 1);
	fakesys_descriptor(fake, 77, 9, target);
}

static void add_devices(void)
{
	fakesys_file(fake, "proc/sys/kernel/hostname", "host1\n");
	fakesys_pci(fake, "0000:00:01.0", .vendor = 0xfff0, .device = 1, .class = 0x060400,
		    .driver = "pcieport", .group = "1");
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0xfff0, .device = 2, .class = 0x020000,
		    .driver = "e1000e");
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0xfff0, .device = 3, .class = 0x060400,
		    .below = "0000:00:01.0", .driver = "pcieport", .group = "1");
	fakesys_pci(fake, "0000:02:00.0", .vendor = 0xfff0, .device = 4, .class = 0x030000,
		    .below = "0000:00:01.0/0000:01:00.0", .driver = "vfio-pci", .group = "10");
	fakesys_pci(fake, "0000:02:01.0", .vendor = 0x8086, .device = 0x10d3, .class = 0x020000,
		    .below = "0000:00:01.0/0000:01:00.0", .driver = "vfio-pci", .group = "9");
	add_vm("one-42", "10");
}

static void the_topology_is_a_tree_and_groups_are_clusters(void **state)
{
	char *string;

	(void)state;
	add_devices();
	string = output_of(NULL, NULL);
	assert_string_equal(
		string, SETTINGS
		"  host [label=\"host1\"];\n"
		"  \"0000:00:02.0\" [label=\"00:02.0 e1000e\\nEthernet controller fff0:0002\\n"
		"host\", fillcolor=lightgrey];\n"
		"  subgraph cluster_group_1 {\n"
		"    label=\"group 1\";\n"
		"    \"0000:00:01.0\" [label=\"00:01.0 pcieport\\nPCI bridge fff0:0001\"];\n"
		"    \"0000:01:00.0\" [label=\"01:00.0 pcieport\\nPCI bridge fff0:0003\"];\n"
		"  }\n"
		"  subgraph cluster_group_9 {\n"
		"    label=\"group 9\";\n"
		"    \"0000:02:01.0\" [label=\"02:01.0 vfio-pci\\n"
		"82574L Gigabit Network Connection\\nfree\", fillcolor=palegreen];\n"
		"  }\n"
		"  subgraph cluster_group_10 {\n"
		"    label=\"group 10\";\n"
		"    \"0000:02:00.0\" [label=\"02:00.0 vfio-pci\\n"
		"VGA compatible controller fff0:0004\\nheld by one-42\", fillcolor=lightskyblue];\n"
		"  }\n"
		"  host -- \"0000:00:02.0\";\n"
		"  host -- \"0000:00:01.0\";\n"
		"  \"0000:00:01.0\" -- \"0000:01:00.0\";\n"
		"  \"0000:01:00.0\" -- \"0000:02:01.0\";\n"
		"  \"0000:01:00.0\" -- \"0000:02:00.0\";\n"
		"}\n");
	free(string);
}

static void bridges_above_a_selected_device_are_drawn(void **state)
{
	char *string;

	(void)state;
	add_devices();
	string = output_of("8086:10d3", NULL);
	assert_string_equal(
		string, SETTINGS
		"  host [label=\"host1\"];\n"
		"  \"0000:00:01.0\" [label=\"00:01.0\\nPCI bridge fff0:0001\", style=dashed];\n"
		"  \"0000:01:00.0\" [label=\"01:00.0\\nPCI bridge fff0:0003\", style=dashed];\n"
		"  subgraph cluster_group_9 {\n"
		"    label=\"group 9\";\n"
		"    \"0000:02:01.0\" [label=\"02:01.0 vfio-pci\\n"
		"82574L Gigabit Network Connection\\nfree\", fillcolor=palegreen];\n"
		"  }\n"
		"  host -- \"0000:00:01.0\";\n"
		"  \"0000:00:01.0\" -- \"0000:01:00.0\";\n"
		"  \"0000:01:00.0\" -- \"0000:02:01.0\";\n"
		"}\n");
	free(string);
}

static void an_empty_selection_is_a_valid_graph(void **state)
{
	char *string;

	(void)state;
	fakesys_pci(fake, "0000:00:02.0", .vendor = 0xfff0, .device = 2, .class = 0x020000);
	string = output_of("ffff:", NULL);
	assert_string_equal(string, SETTINGS "  host [label=\"host\"];\n}\n");
	free(string);
}

static void hostile_names_do_not_break_the_syntax(void **state)
{
	static const char *const names[][2] = {
		{"a\"];\n}\nb", "a\\\"];?}?b"},
		{"\\", "\\\\"},
		{"\\\"", "\\\\\\\""},
		{"\\N\\G\\\n\x1b[2J", "\\\\N\\\\G\\\\??[2J"},
		{"&lt;<b>&#34;", "&amp;lt;<b>&amp;#34;"},
		{"\xff"
		 "d\u00fcse\u2028",
		 "?d\u00fcse?"},
		{FORTY_LESS_2 "\u00fc\\", FORTY_LESS_2 "\u00fc\\\\"},
		{FORTY_LESS_2 "\u00fc\\\"", FORTY_LESS_2 "\u00fc\\\\\u2026"},
	};
	char expected[256], *string;

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		fakesys_free(fake);
		setup(NULL);
		fakesys_file(fake, "proc/sys/kernel/hostname", names[i][0]);
		fakesys_pci(fake, "0000:02:00.0", .vendor = 0xfff0, .device = 4, .class = 0x030000,
			    .driver = "vfio-pci", .group = "10");
		add_vm(names[i][0], "10");
		string = output_of(NULL, NULL);
		snprintf(expected, sizeof(expected), "\\nheld by %s\", fillcolor=lightskyblue];\n",
			 names[i][1]);
		assert_contains(string, expected);
		free(string);
	}
}

static char *copy(const char *string)
{
	return string ? strdup(string) : NULL;
}

static void add_owner(struct pci_device *device, enum ownership ownership, struct owner owner)
{
	owner.name = copy(owner.name);
	owner.program = copy(owner.program);
	owner.frontend_id = copy(owner.frontend_id);
	owner.reserves = ownership == OWNERSHIP_RESERVED;
	device->ownership = ownership;
	device->owners = realloc(device->owners, (device->owner_count + 1) * sizeof(owner));
	device->owners[device->owner_count++] = owner;
}

static void set_states(struct inventory *inventory)
{
	struct pci_device *devices = inventory->devices;
	char web[] = "web", program[] = "vfio-test", db[] = "db", id[] = "105";

	devices[0].ownership = OWNERSHIP_UNKNOWN;
	devices[0].unknown_reason = copy("3 processes \"could\nnot\" be inspected");
	add_owner(&devices[1], OWNERSHIP_HELD, (struct owner){.name = web});
	add_owner(&devices[1], OWNERSHIP_HELD, (struct owner){.program = program});
	add_owner(&devices[2], OWNERSHIP_RESERVED, (struct owner){.name = db});
	add_owner(&devices[3], OWNERSHIP_RESERVED,
		  (struct owner){.frontend = "proxmox", .frontend_id = id});
	add_owner(&devices[4], OWNERSHIP_RESERVED, (struct owner){0});
}

static void each_state_has_its_color(void **state)
{
	char *string;

	(void)state;
	for (unsigned i = 1; i <= 5; i++) {
		char address[16];

		snprintf(address, sizeof(address), "0000:0%u:00.0", i);
		fakesys_pci(fake, address, .vendor = 0xfff0, .device = i, .class = 0x020000);
	}
	string = output_of(NULL, set_states);
	assert_contains(string, "0001\\nunknown\", fillcolor=plum, "
				"tooltip=\"3 processes \\\"could?not\\\" be inspected\"];\n");
	assert_contains(string, "0002\\nconflict\\nheld by web\\n"
				"held by vfio-test\", fillcolor=salmon];\n");
	assert_contains(string, "0003\\nreserved for db\", fillcolor=khaki];\n");
	assert_contains(string, "0004\\nreserved for proxmox 105\", fillcolor=khaki];\n");
	assert_contains(string, "0005\\nreserved for an unknown owner\", fillcolor=khaki];\n");
	free(string);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_topology_is_a_tree_and_groups_are_clusters),
		TEST(bridges_above_a_selected_device_are_drawn),
		TEST(an_empty_selection_is_a_valid_graph),
		TEST(hostile_names_do_not_break_the_syntax),
		TEST(each_state_has_its_color),
	};

	return cmocka_run_group_tests_name("dot", tests, NULL, NULL);
}
