/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/expect/finding.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

#define GPU(at, ...)                                                                            \
	{                                                                                       \
		.address = at, .vendor = 0x10de, .device = 0x2204, .class = 0x0300, __VA_ARGS__ \
	}
#define NIC(at, ...)                                                                            \
	{                                                                                       \
		.address = at, .vendor = 0x8086, .device = 0x1520, .class = 0x0200, __VA_ARGS__ \
	}
#define AT(b)              \
	{                  \
		.bus = (b) \
	}

static struct config *config;
static struct log_capture captured;

static int teardown(void **state)
{
	(void)state;
	config_free(config);
	config = NULL;
	return 0;
}

static void load_config(const char *text)
{
	struct log log = log_capture_add(&captured);

	config_free(config);
	config = NULL;
	captured = (struct log_capture){0};
	assert_int_equal(config_parse("pci.conf", text, strlen(text), "host1", &log, &config), 0);
	assert_string_equal(captured.text, "");
}

/* One line per finding: "LINE KIND PROPERTY [ADDRESS] xDEVICES expected EXPECTED seen SEEN". */
static void describe(const struct inventory *inventory, char *text, size_t size)
{
	text[0] = '\0';
	for (size_t i = 0; i < inventory->finding_count; i++) {
		const struct finding *finding = &inventory->findings[i];
		const char *reason = finding_reason_name(finding->reason);
		char address[ADDRESS_SIZE] = "-";
		size_t length = strlen(text);

		if (finding->has_address)
			address_format(&finding->address, address);
		snprintf(text + length, size - length,
			 "%.*s %s%s%s %s %s x%u expected %s seen %s\n",
			 (int)strcspn(finding->location + strlen("pci.conf:"), ":"),
			 finding->location + strlen("pci.conf:"), finding_kind_name(finding->kind),
			 reason ? "/" : "", reason ? reason : "",
			 expect_property_name(finding->property), address, finding->devices,
			 finding->expected ? finding->expected : "-",
			 finding->seen ? finding->seen : "-");
	}
}

/* Compares COUNT devices, sorted by address, with the configuration. */
static void assert_findings(const char *text, struct pci_device *devices, size_t count,
			    const char *expected)
{
	struct inventory inventory = {.devices = devices, .count = count, .selected = count};
	char found[4096];

	load_config(text);
	for (size_t i = 0; i < count; i++) {
		devices[i].selected = true;
		devices[i].findings = devices[i].expected = 0;
	}
	assert_int_equal(expectations_mark(&config->expectations, config->aliases,
					   config->alias_count, NULL, NULL, &inventory),
			 0);
	assert_int_equal(findings_read(&config->expectations, &inventory), 0);
	describe(&inventory, found, sizeof(found));
	findings_free(inventory.findings, inventory.finding_count);
	assert_string_equal(found, expected);
}

#define ASSERT_FINDINGS(text, devices, expected) \
	assert_findings(text, devices, COUNT(devices), expected)

static void a_host_as_expected_has_no_findings(void **state)
{
	struct pci_device devices[] = {
		GPU(AT(1), .driver = MUTABLE("vfio-pci"), .link = {.speed = 16, .width = 16},
		    .numa_node = 1, .path = MUTABLE("0000:00:01.0/00.0")),
		GPU(AT(2), .driver = MUTABLE("nvidia"), .link = {.speed = 32, .width = 32}),
		NIC(AT(3), .sriov = {.role = SRIOV_PF, .vfs_enabled = 8}),
	};

	(void)state;
	devices[0].present = HAS_LINK_SPEED | HAS_LINK_WIDTH | HAS_NUMA_NODE;
	devices[1].present = HAS_LINK_SPEED | HAS_LINK_WIDTH;
	devices[2].present = HAS_SRIOV | HAS_VFS_ENABLED;
	ASSERT_FINDINGS(":expect:\n"
			"- {filter: '10de:*', count: 2, driver: [vfio-pci, nvidia],\n"
			"   link_speed: 16, link_width: 16}\n"
			"- {short_address: '00:01.0/00.0=10de:2204', numa_node: 1}\n"
			"- {short_address: '02:00.0'}\n"
			"- {filter: '::0200', min_count: 1, vfs: 8}\n"
			"- {filter: '1002:*', count: 0}\n"
			":expect_complete: true\n",
			devices, "");
	assert_true(devices[0].present & HAS_EXPECTATION);
}

static void devices_that_do_not_exist_are_missing(void **state)
{
	struct pci_device devices[] = {GPU(AT(1)), GPU(AT(2)), NIC(AT(3))};

	(void)state;
	ASSERT_FINDINGS(":expect:\n"
			"- {filter: '10de:*', count: 4}\n"
			"- {filter: '10de:*', min_count: 3}\n"
			"- {filter: '1002:*'}\n"
			"- {short_address: '04:00.0'}\n"
			"- {short_address: '05:00.0=1002:1234'}\n",
			devices,
			"2 missing count - x2 expected 4 seen 2\n"
			"3 missing min_count - x1 expected 3 seen 2\n"
			"4 missing min_count - x1 expected 1 seen 0\n"
			"5 missing short_address - x1 expected 04:00.0 seen -\n"
			"6 missing short_address - x1 expected 05:00.0=1002:1234 seen -\n");
}

static void a_device_with_the_same_ids_elsewhere_has_moved(void **state)
{
	struct pci_device devices[] = {GPU(AT(1), .path = MUTABLE("0000:00:01.0/00.0"),
					   .driver = MUTABLE("nvidia")),
				       GPU(AT(2), .path = MUTABLE("0000:00:02.0/00.0")),
				       NIC(AT(3), .path = MUTABLE("0000:00:03.0/00.0"))};

	(void)state;
	/* one moved, one missing: a device that is at its place has not moved, nor one that is
	 * taken for another; the properties are compared at the new place, too */
	ASSERT_FINDINGS(":expect:\n"
			"- {short_address: '00:09.0/00.0=10de:2204', driver: vfio-pci}\n"
			"- {short_address: '02:00.0=10de:2204'}\n"
			"- {short_address: '0a:00.0=10de:2204'}\n",
			devices,
			"2 moved short_address 0000:01:00.0 x1 expected 00:09.0/00.0=10de:2204 "
			"seen 0000:00:01.0/00.0=10de:2204\n"
			"2 changed driver 0000:01:00.0 x1 expected vfio-pci seen nvidia\n"
			"4 missing short_address - x1 expected 0a:00.0=10de:2204 seen -\n");
	assert_int_equal(devices[0].findings, 1u << FINDING_MOVED | 1u << FINDING_CHANGED);
	/* two that were exchanged */
	ASSERT_FINDINGS(":expect:\n"
			"- {short_address: '02:00.0=8086:1520'}\n"
			"- {short_address: '03:00.0=10de:2204'}\n"
			"- {short_address: '01:00.0=10de:2204'}\n",
			devices,
			"2 moved short_address 0000:03:00.0 x1 expected 02:00.0=8086:1520 "
			"seen 0000:03:00.0=8086:1520\n"
			"3 moved short_address 0000:02:00.0 x1 expected 03:00.0=10de:2204 "
			"seen 0000:02:00.0=10de:2204\n");
}

static void another_device_at_the_place_is_a_change(void **state)
{
	struct pci_device devices[] = {GPU(AT(1)), NIC(AT(2))};

	(void)state;
	ASSERT_FINDINGS(":expect:\n"
			"- {short_address: '01:00.0=1002:1234', driver: vfio-pci}\n"
			"- {filter: '8086:*'}\n"
			":expect_complete: true\n",
			devices,
			"2 changed short_address 0000:01:00.0 x1 expected 01:00.0=1002:1234 "
			"seen 0000:01:00.0=10de:2204\n");
}

static void a_slower_or_narrower_link_is_degraded(void **state)
{
	struct pci_device devices[] = {
		GPU(AT(1), .link = {.speed = 2.5, .width = 16}),
		GPU(AT(2), .link = {.speed = 16, .width = 8}),
	};

	(void)state;
	devices[0].present = devices[1].present = HAS_LINK_SPEED | HAS_LINK_WIDTH;
	ASSERT_FINDINGS(":expect:\n- {filter: '10de:*', link_speed: 16.0, link_width: 16}\n",
			devices,
			"2 degraded link_speed 0000:01:00.0 x1 expected 16.0 seen 2.5\n"
			"2 degraded link_width 0000:02:00.0 x1 expected 16 seen 8\n");
	assert_int_equal(devices[0].findings, 1u << FINDING_DEGRADED);
}

static void other_properties_that_differ_are_changes(void **state)
{
	struct pci_device devices[] = {
		GPU(AT(1), .driver = MUTABLE("nouveau"), .numa_node = 1,
		    .sriov = {.vfs_enabled = 4}, .ownership = OWNERSHIP_HOST),
		GPU(AT(2), .ownership = OWNERSHIP_HELD),
	};

	(void)state;
	devices[0].present = HAS_NUMA_NODE | HAS_SRIOV | HAS_VFS_ENABLED | HAS_OWNERSHIP;
	devices[1].present = HAS_SRIOV | HAS_OWNERSHIP;
	ASSERT_FINDINGS(":expect:\n"
			"- {filter: '10de:*', driver: 'vfio-pci, nvidia', numa_node: 0, vfs: 8,\n"
			"   state: [free, held]}\n",
			devices,
			"2 changed driver 0000:01:00.0 x1 expected vfio-pci, nvidia seen nouveau\n"
			"2 changed numa_node 0000:01:00.0 x1 expected 0 seen 1\n"
			"2 changed state 0000:01:00.0 x1 expected free, held seen host\n"
			"2 changed vfs 0000:01:00.0 x1 expected 8 seen 4\n"
			"2 changed driver 0000:02:00.0 x1 expected vfio-pci, nvidia seen none\n"
			"2 changed numa_node 0000:02:00.0 x1 expected 0 seen -\n"
			"2 changed vfs 0000:02:00.0 x1 expected 8 seen 0\n");
	ASSERT_FINDINGS(":expect:\n- {short_address: '02:00.0', driver: none, vfs: 0}\n", devices,
			"");
}

static void too_many_devices_are_unexpected(void **state)
{
	struct pci_device devices[] = {GPU(AT(1)), GPU(AT(2)), GPU(AT(3))};

	(void)state;
	ASSERT_FINDINGS(":expect:\n"
			"- {filter: '10de:*', count: 1}\n"
			"- {filter: '10de:*', min_count: 1}\n",
			devices, "2 unexpected count - x2 expected 1 seen 3\n");
}

static void other_devices_are_unexpected_only_in_a_complete_list(void **state)
{
	struct pci_device devices[] = {
		NIC(AT(1), .sriov = {.role = SRIOV_PF, .vfs_enabled = 1}),
		NIC(AT(2), .sriov = {.role = SRIOV_VF, .pf = AT(1)}),
		GPU(AT(3)),
		GPU(AT(4)),
	};

	(void)state;
	devices[0].present = HAS_SRIOV | HAS_VFS_ENABLED;
	devices[1].present = HAS_SRIOV | HAS_PF;
	devices[1].device = 0x10ed;
	ASSERT_FINDINGS(":expect:\n- {filter: '8086:1520', vfs: 1}\n", devices, "");
	/* VFs are counted by their PF; a GPU is expected */
	ASSERT_FINDINGS(":expect:\n"
			"- {filter: '8086:1520', vfs: 1}\n"
			"- {short_address: '03:00.0'}\n"
			":expect_complete: true\n",
			devices,
			"4 unexpected expect_complete 0000:04:00.0 x1 expected - seen 10de:2204\n");
	ASSERT_FINDINGS(":expect:\n"
			"- {filter: '8086:1520'}\n"
			"- {filter: '10de:*'}\n"
			":expect_complete: true\n",
			devices,
			"4 unexpected expect_complete 0000:02:00.0 x1 expected - seen 8086:10ed\n");
	ASSERT_FINDINGS(":expect:\n:expect_complete: false\n", devices, "");
}

static void what_could_not_be_read_is_unknown(void **state)
{
	struct pci_device devices[] = {
		GPU(AT(1), .incomplete = true),
		GPU(AT(2), .runtime_status = MUTABLE("suspended")),
		GPU(AT(3), .unknown_reason = MUTABLE("libvirt: no answer")),
	};

	(void)state;
	devices[2].present = HAS_OWNERSHIP;
	ASSERT_FINDINGS(
		":expect:\n"
		"- {short_address: '01:00.0', driver: nvidia, numa_node: 0, vfs: 1, link_width: 1}\n"
		"- {short_address: '02:00.0', link_speed: 8, link_width: 8, driver: none}\n"
		"- {short_address: '03:00.0', state: free}\n"
		"- {short_address: '02:00.0', state: free}\n"
		"- {short_address: '0000:00:01.0/00.0=10de:2204'}\n",
		devices,
		"2 unknown/unreadable driver 0000:01:00.0 x1 expected nvidia seen -\n"
		"2 unknown/unreadable link_width 0000:01:00.0 x1 expected 1 seen -\n"
		"2 unknown/unreadable numa_node 0000:01:00.0 x1 expected 0 seen -\n"
		"2 unknown/unreadable vfs 0000:01:00.0 x1 expected 1 seen -\n"
		"3 unknown/suspended link_speed 0000:02:00.0 x1 expected 8.0 seen -\n"
		"3 unknown/suspended link_width 0000:02:00.0 x1 expected 8 seen -\n"
		"4 unknown/owner state 0000:03:00.0 x1 expected free seen -\n"
		"5 unknown/not-selected state 0000:02:00.0 x1 expected free seen -\n"
		"6 unknown/unreadable short_address - x1 expected 0000:00:01.0/00.0=10de:2204 seen -\n");
}

static void a_device_whose_ids_could_not_be_read_is_not_missing(void **state)
{
	static const char text[] = ":expect:\n"
				   "- {short_address: '02:00.0=10de:2204'}\n"
				   "- {short_address: '03:00.0=10de:2204'}\n"
				   "- {short_address: '00:01.0/00.0=8086:1520'}\n"
				   "- {filter: '10de:*', count: 2}\n"
				   "- {filter: '10de:*', count: 1}\n"
				   "- {filter: '10de:*', min_count: 1}\n"
				   "- {filter: '10de:*', min_count: 4}\n"
				   "- {short_address: '05:00.0=10de:2204'}\n"
				   "- {short_address: '05:00.0'}\n";
	struct pci_device devices[] = {GPU(AT(1), .path = MUTABLE("0000:00:02.0/00.0"))};
	struct pci_address unread = AT(2);
	struct inventory inventory = {
		.devices = devices, .count = 1, .unread = &unread, .unread_count = 1};
	char found[2048];

	(void)state;
	load_config(text);
	assert_int_equal(findings_read(&config->expectations, &inventory), 0);
	describe(&inventory, found, sizeof(found));
	findings_free(inventory.findings, inventory.finding_count);
	assert_string_equal(
		found,
		"2 unknown/unreadable short_address - x1 expected 02:00.0=10de:2204 seen -\n"
		"3 moved short_address 0000:01:00.0 x1 expected 03:00.0=10de:2204 "
		"seen 0000:01:00.0=10de:2204\n"
		"4 unknown/unreadable short_address - x1 expected 00:01.0/00.0=8086:1520 seen -\n"
		"5 unknown/unreadable count - x1 expected 2 seen 1\n"
		"6 unknown/unreadable count - x1 expected 1 seen 1\n"
		"8 missing min_count - x3 expected 4 seen 1\n"
		"9 unknown/unreadable short_address - x1 expected 05:00.0=10de:2204 seen -\n"
		"10 missing short_address - x1 expected 05:00.0 seen -\n");
}

static void findings_of_two_readings_are_compared_by_their_subject(void **state)
{
	struct expectation group = {.filter = MUTABLE("10de:*")}, same = group,
			   one = {.short_address = MUTABLE("01:00.0")};
	struct finding slow = {.kind = FINDING_DEGRADED,
			       .property = EXPECT_LINK_SPEED,
			       .expectation = &group,
			       .location = "pci.conf:2:3",
			       .has_address = true,
			       .address = AT(1),
			       .expected = MUTABLE("16.0"),
			       .seen = MUTABLE("8.0")};
	struct finding slower = slow, other = slow, edited = slow, missing = slow, moved = slow;

	(void)state;
	slower.seen = MUTABLE("2.5");
	other.address.bus = 2;
	edited.location = "pci.conf:3:3";
	edited.expectation = &same;
	assert_true(finding_same(&slow, &slow));
	assert_true(finding_same(&slow, &edited));
	assert_true(finding_same_subject(&slow, &slower));
	assert_false(finding_same(&slow, &slower));
	assert_false(finding_same_subject(&slow, &other));
	same.alias = MUTABLE("a1");
	assert_false(finding_same_subject(&slow, &edited));
	edited.expectation = NULL;
	assert_false(finding_same_subject(&slow, &edited));
	/* one device, wherever it is */
	missing.property = moved.property = EXPECT_SHORT_ADDRESS;
	missing.expectation = moved.expectation = &one;
	missing.kind = FINDING_MISSING;
	missing.has_address = false;
	moved.kind = FINDING_MOVED;
	assert_true(finding_same_subject(&missing, &moved));
	assert_false(finding_same(&missing, &moved));
}

static void a_hostile_configuration_makes_a_bounded_number_of_findings(void **state)
{
	enum { DEVICES = 256, ITEMS = 64 };
	static struct pci_device devices[DEVICES];
	struct inventory inventory = {.devices = devices, .count = DEVICES};
	char text[ITEMS * 40] = ":expect:\n";

	(void)state;
	for (unsigned i = 0; i < ITEMS; i++)
		strcat(text, "- {filter: ':', driver: other}\n");
	for (unsigned i = 0; i < DEVICES; i++)
		devices[i].address.bus = (uint8_t)i;
	load_config(text);
	assert_int_equal(findings_read(&config->expectations, &inventory), 0);
	assert_int_equal(inventory.finding_count, FINDINGS_MAX);
	assert_int_equal(inventory.findings_omitted, DEVICES * ITEMS - FINDINGS_MAX);
	assert_int_equal(findings_count(&inventory, FINDING_CHANGED), FINDINGS_MAX);
	findings_free(inventory.findings, inventory.finding_count);
}

/* ---- reading ---- */

static struct read_trace trace;

/* Reads FAKE twice, the second time like a monitor, and compares the findings. */
static void assert_read(struct fakesys *fake, const char *text, const char *expected)
{
	struct log log = log_capture_add(&captured);
	struct probe_options options = {.log = log,
					.sysroot = fake->path,
					.config_home = "/etc/pciprobe/pci.conf",
					.details = DETAIL_EXPECT,
					.observer = trace_read,
					.observer_data = &trace};
	struct inventory *first, *second;
	struct probe *probe;
	char found[4096];

	trace = (struct read_trace){0};
	captured = (struct log_capture){0};
	fakesys_file(fake, "etc/pciprobe/pci.conf", text);
	assert_int_equal(probe_new(&options, &probe), 0);
	assert_int_equal(probe_read(probe, &first), 0);
	assert_int_equal(probe_read_again(probe, first, false, &second), 0);
	assert_int_equal(first->finding_count, second->finding_count);
	for (size_t i = 0; i < first->finding_count; i++)
		assert_true(finding_same(&first->findings[i], &second->findings[i]));
	inventory_free(second);
	found[0] = '\0';
	for (size_t i = 0; i < first->finding_count; i++) {
		const struct finding *finding = &first->findings[i];
		size_t length = strlen(found);

		snprintf(found + length, sizeof(found) - length, "%s %s %s\n",
			 finding_kind_name(finding->kind), expect_property_name(finding->property),
			 finding->seen ? finding->seen : "-");
	}
	inventory_free(first);
	probe_free(probe);
	assert_string_equal(found, expected);
}

static struct fakesys *new_machine(void)
{
	struct fakesys *fake = fakesys_new();

	fakesys_pci(fake, "0000:00:01.0", .vendor = 0x8086, .device = 1, .class = 0x060400);
	fakesys_pci(fake, "0000:01:00.0", .vendor = 0x10de, .device = 0x2204, .class = 0x030000,
		    .driver = "nouveau", .below = "0000:00:01.0");
	fakesys_pci(fake, "0000:02:00.0", .vendor = 0x8086, .device = 0x1520, .class = 0x020000,
		    .driver = "igb");
	fakesys_attribute(fake, "0000:01:00.0", "numa_node", "0\n");
	fakesys_attribute(fake, "0000:02:00.0", "numa_node", "1\n");
	fakesys_attribute(fake, "0000:01:00.0", "max_link_speed", "16.0 GT/s PCIe\n");
	fakesys_attribute(fake, "0000:01:00.0", "current_link_speed", "2.5 GT/s PCIe\n");
	return fake;
}

static void devices_that_are_not_selected_are_compared(void **state)
{
	struct fakesys *fake = new_machine();

	(void)state;
	assert_read(
		fake,
		":filter: '8086:1520'\n"
		":expect:\n"
		"- {short_address: '00:01.0/00.0=10de:2204', driver: vfio-pci, link_speed: 16}\n"
		"- {short_address: '02:00.0', numa_node: 0}\n",
		"changed driver nouveau\ndegraded link_speed 2.5\nchanged numa_node 1\n");
	fakesys_free(fake);
}

static void only_what_an_item_states_is_read_and_only_of_its_devices(void **state)
{
	struct fakesys *fake = new_machine();

	(void)state;
	assert_read(fake,
		    ":filter: '*:*'\n"
		    ":expect:\n"
		    "- {filter: '10de:*', numa_node: 0}\n"
		    "- {filter: '8086:1520', driver: igb}\n",
		    "");
	assert_contains(trace.text, "0000:01:00.0/numa_node");
	assert_null(strstr(trace.text, "0000:02:00.0/numa_node"));
	assert_contains(trace.text, "0000:02:00.0/driver");
	assert_null(strstr(trace.text, "0000:01:00.0/driver"));
	assert_null(strstr(trace.text, "current_link"));
	assert_null(strstr(trace.text, "proc/1"));
	assert_null(strstr(trace.text, "physfn"));
	/* counting needs no more than the ids */
	assert_read(fake, ":filter: '*:*'\n:expect: [{filter: '10de:*', count: 2}]\n",
		    "missing count 1\n");
	assert_null(strstr(trace.text, "numa_node"));
	assert_null(strstr(trace.text, "driver"));
	fakesys_free(fake);
}

static void an_alias_is_met_by_devices_that_are_not_selected(void **state)
{
	struct fakesys *fake = new_machine();

	(void)state;
	assert_read(fake,
		    ":filter: '10de:*'\n"
		    ":alias:\n"
		    "- {name: net, filter: '8086:1520', numa_node: 1}\n"
		    "- {name: net0, filter: '8086:1520', numa_node: 0}\n"
		    ":expect:\n"
		    "- {alias: net, count: 1, driver: igb}\n"
		    "- {alias: net0, count: 1, driver: igb}\n",
		    "missing count 0\n");
	assert_null(strstr(trace.text, "0000:01:00.0/driver"));
	fakesys_free(fake);
}

static void the_role_of_an_alias_that_could_not_be_read_is_unknown(void **state)
{
	struct fakesys *fake = new_machine();

	(void)state;
	fakesys_attribute(fake, "0000:02:00.0", "numa_node", "garbage\n");
	assert_read(fake,
		    ":filter: '10de:*'\n"
		    ":alias: [{name: net, filter: '8086:1520', numa_node: 1}]\n"
		    ":expect: [{alias: net, count: 1}]\n",
		    "unknown count 0\n");
	fakesys_free(fake);
}

static void the_state_of_selected_devices_is_read_if_it_is_stated(void **state)
{
	struct fakesys *fake = new_machine();

	(void)state;
	fakesys_directory(fake, "proc/1");
	assert_read(fake,
		    ":filter: '10de:*'\n"
		    ":expect:\n"
		    "- {filter: '10de:*', state: free}\n"
		    "- {filter: '8086:1520', state: free}\n",
		    "changed state host\nunknown state -\n");
	fakesys_free(fake);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_host_as_expected_has_no_findings, teardown),
		cmocka_unit_test_teardown(devices_that_do_not_exist_are_missing, teardown),
		cmocka_unit_test_teardown(a_device_with_the_same_ids_elsewhere_has_moved, teardown),
		cmocka_unit_test_teardown(another_device_at_the_place_is_a_change, teardown),
		cmocka_unit_test_teardown(a_slower_or_narrower_link_is_degraded, teardown),
		cmocka_unit_test_teardown(other_properties_that_differ_are_changes, teardown),
		cmocka_unit_test_teardown(too_many_devices_are_unexpected, teardown),
		cmocka_unit_test_teardown(other_devices_are_unexpected_only_in_a_complete_list,
					  teardown),
		cmocka_unit_test_teardown(what_could_not_be_read_is_unknown, teardown),
		cmocka_unit_test_teardown(a_device_whose_ids_could_not_be_read_is_not_missing,
					  teardown),
		cmocka_unit_test(findings_of_two_readings_are_compared_by_their_subject),
		cmocka_unit_test_teardown(
			a_hostile_configuration_makes_a_bounded_number_of_findings, teardown),
		cmocka_unit_test(devices_that_are_not_selected_are_compared),
		cmocka_unit_test(only_what_an_item_states_is_read_and_only_of_its_devices),
		cmocka_unit_test(an_alias_is_met_by_devices_that_are_not_selected),
		cmocka_unit_test(the_role_of_an_alias_that_could_not_be_read_is_unknown),
		cmocka_unit_test(the_state_of_selected_devices_is_read_if_it_is_stated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
