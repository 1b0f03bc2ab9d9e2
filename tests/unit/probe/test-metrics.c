/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "probe/details/details.h"
#include "probe/expect/finding.h"
#include "probe/metrics.h"
#include "probe/ownership/vfs.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>

static void series_have_unique_names_and_a_measure(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		for (const char *c = field_series(&FIELDS[i]); *c; c++)
			assert_true(islower((unsigned char)*c) || *c == '_');
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(field_series(&FIELDS[i]), field_series(&FIELDS[j]));
		if (FIELDS[i].measure != MEASURE_NONE)
			assert_non_null(measure_name(FIELDS[i].measure));
	}
	for (size_t i = 0; i < HOST_METRIC_COUNT; i++)
		assert_non_null(measure_name(HOST_METRICS[i].measure));
}

static void only_numbers_are_measured(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIELD_COUNT; i++) {
		enum field_type type = FIELDS[i].type;

		if (FIELDS[i].measure == MEASURE_NONE)
			continue;
		assert_true(type == FIELD_NUMBER || type == FIELD_REAL || type == FIELD_FLAG);
		assert_int_equal(FIELDS[i].details & ~DETAIL_METRICS, 0);
	}
	assert_int_equal(DETAIL_METRICS & DETAIL_NAMES, 0);
}

/* -1: absent, -2: unknown. */
static double measured(const struct pci_device *device, const char *name)
{
	double value = -1;

	if (!field_measure(field_find(name), device, &value))
		return -1;
	return isnan(value) ? -2 : value;
}

#define assert_measured(device, name, value) \
	assert_true(fabs(measured(device, name) - (value)) < 0.001)

static void unknown_values_are_not_absent(void **state)
{
	const struct pci_device nothing = {0};
	const struct pci_device unknown = {.present = HAS_OWNERSHIP,
					   .ownership = OWNERSHIP_UNKNOWN};
	const struct pci_device held = {.present = HAS_OWNERSHIP | HAS_LINK_SPEED,
					.ownership = OWNERSHIP_HELD,
					.link.speed = 2.5};

	(void)state;
	assert_measured(&nothing, "in_use", -1);
	assert_measured(&nothing, "vfs_free", -1);
	assert_measured(&nothing, "link_speed", -1);
	assert_measured(&unknown, "in_use", -2);
	assert_measured(&unknown, "conflict", -2);
	assert_measured(&unknown, "link_degraded", -1);
	assert_measured(&held, "in_use", 1);
	assert_measured(&held, "conflict", 0);
	assert_measured(&held, "link_speed", 2.5);
	assert_measured(&held, "driver", -1); /* no measurement */
	assert_measured(&held, "vendor", -1);
}

#define PF                 \
	{                  \
		1, 0, 0, 0 \
	}

static void a_pf_counts_its_vfs(void **state)
{
	struct pci_device devices[] = {
		{.address = PF,
		 .selected = true,
		 .present = HAS_VFS_ENABLED | HAS_OWNERSHIP,
		 .ownership = OWNERSHIP_HOST,
		 .sriov = {.role = SRIOV_PF, .vfs_enabled = 3}},
		{.address = {1, 0, 0, 1},
		 .selected = true,
		 .present = HAS_PF | HAS_OWNERSHIP,
		 .ownership = OWNERSHIP_HELD,
		 .sriov = {.role = SRIOV_VF, .pf = PF}},
		{.address = {1, 0, 0, 2},
		 .selected = true,
		 .present = HAS_PF | HAS_OWNERSHIP,
		 .ownership = OWNERSHIP_FREE,
		 .sriov = {.role = SRIOV_VF, .pf = PF}},
		{.address = {1, 0, 0, 3},
		 .selected = true,
		 .present = HAS_PF | HAS_OWNERSHIP,
		 .ownership = OWNERSHIP_FREE,
		 .sriov = {.role = SRIOV_VF, .pf = PF}},
		{.address = {2, 0, 0, 0},
		 .selected = true,
		 .present = HAS_VFS_ENABLED | HAS_OWNERSHIP,
		 .ownership = OWNERSHIP_FREE,
		 .sriov = {.role = SRIOV_PF}},
	};
	struct inventory inventory = {
		.devices = devices, .count = COUNT(devices), .selected = COUNT(devices)};

	(void)state;
	vfs_count(&inventory);
	assert_measured(&devices[0], "vfs_in_use", 1);
	assert_measured(&devices[0], "vfs_free", 2);
	assert_measured(&devices[0], "vfs_enabled", 3);
	assert_measured(&devices[1], "vfs_free", -1);
	assert_measured(&devices[4], "vfs_in_use", 0);
	assert_measured(&devices[4], "vfs_free", 0);

	/* the state of a VF is unknown */
	devices[2].ownership = OWNERSHIP_UNKNOWN;
	vfs_count(&inventory);
	assert_measured(&devices[0], "vfs_free", -2);

	/* a VF is not selected */
	devices[2].ownership = OWNERSHIP_FREE;
	devices[2].selected = false;
	vfs_count(&inventory);
	assert_measured(&devices[0], "vfs_in_use", -1);
}

struct visited {
	char text[1024];
};

static void record_metric(void *data, const struct metric *metric)
{
	struct visited *visited = data;
	size_t length = strlen(visited->text);
	char model[MODEL_SIZE];

	if (metric->measure == MEASURE_DURATION)
		return;
	if (metric->measure == MEASURE_TRAFFIC) {
		snprintf(visited->text + length, sizeof(visited->text) - length,
			 "device:%s=%" PRIu64 ":%" PRIu64 " ", metric->name, metric->rx,
			 metric->tx);
		return;
	}
	snprintf(visited->text + length, sizeof(visited->text) - length, "%s:%s-%s=%g ",
		 metric->device ? "device"
		 : metric->pool ? pool_name(metric->pool, model)
				: "host",
		 measure_name(metric->measure), metric->name, metric->value);
}

static void all_metrics_are_visited(void **state)
{
	char name[] = "a1", *names[] = {name};
	struct alias aliases[] = {{.name = names[0]}};
	const struct config config = {.aliases = aliases, .alias_count = 1};
	struct owner owners[] = {{.pid = 1}, {.pid = 2}};
	struct pci_device devices[] = {
		{.selected = true,
		 .present = HAS_OWNERSHIP | HAS_NUMA_NODE | HAS_AER_FATAL,
		 .ownership = OWNERSHIP_HELD,
		 .owners = owners,
		 .owner_count = 2,
		 .numa_node = 1,
		 .aer.fatal = 7,
		 .vendor = 0x8086,
		 .device = 0x1520,
		 .aliases = {names, 1}},
		{.present = HAS_NUMA_NODE},
		{.selected = true,
		 .present = HAS_OWNERSHIP,
		 .ownership = OWNERSHIP_UNKNOWN,
		 .vendor = 0x8086,
		 .device = 0x1520},
	};
	const struct inventory inventory = {.devices = devices, .count = 3, .selected = 2};
	struct visited visited = {0};

	(void)state;
	assert_int_equal(metrics_walk(&config, &inventory, DETAIL_METRICS, record_metric, &visited),
			 0);
	assert_string_equal(
		visited.text,
		"device:gauge-numa_node=1 device:errors-aer_fatal=7 device:gauge-in_use=1 device:gauge-conflict=1 "
		"device:gauge-in_use=nan device:gauge-conflict=nan "
		"a1:count-total=1 a1:count-in_use=1 a1:count-free=0 a1:count-available=0 "
		"8086:1520:count-total=2 8086:1520:count-in_use=1 8086:1520:count-free=0 8086:1520:count-available=0 "
		"host:count-devices=2 host:count-in_use=1 host:count-free=0 host:count-reserved=0 "
		"host:count-unknown=1 host:count-conflict=1 ");
}

static void traffic_is_visited_in_pairs(void **state)
{
	struct vf_settings vf = {.present = VF_HAS_COUNTERS,
				 .rx_bytes = 1500,
				 .tx_bytes = UINT64_MAX,
				 .rx_packets = 3,
				 .broadcast = 9};
	struct pci_device device = {.selected = true, .vf = &vf};
	const struct inventory inventory = {.devices = &device, .count = 1, .selected = 1};
	struct visited visited = {0};

	(void)state;
	assert_int_equal(metrics_walk(NULL, &inventory, DETAIL_OF_VFS, record_metric, &visited), 0);
	assert_string_equal(visited.text,
			    "device:if_octets=1500:18446744073709551615 device:if_packets=3:0 "
			    "device:if_dropped=0:0 "
			    "0000:0000:count-total=1 host:count-devices=1 ");
	/* not all drivers count */
	vf.present = 0;
	visited.text[0] = '\0';
	assert_int_equal(metrics_walk(NULL, &inventory, DETAIL_OF_VFS, record_metric, &visited), 0);
	assert_string_equal(visited.text, "0000:0000:count-total=1 host:count-devices=1 ");
}

static void metrics_that_were_not_read_are_omitted(void **state)
{
	struct pci_device device = {.selected = true, .vendor = 0x8086, .device = 0x1520};
	const struct inventory inventory = {.devices = &device, .count = 1, .selected = 1};
	struct visited visited = {0};

	(void)state;
	assert_int_equal(metrics_walk(NULL, &inventory, DETAIL_LINK, record_metric, &visited), 0);
	assert_string_equal(visited.text, "8086:1520:count-total=1 host:count-devices=1 ");
}

static void findings_are_counted_by_kind_if_anything_is_expected(void **state)
{
	struct pci_device device = {.selected = true,
				    .present = HAS_EXPECTATION,
				    .findings = 1u << FINDING_DEGRADED | 1u << FINDING_UNKNOWN};
	struct finding findings[] = {{.kind = FINDING_MISSING, .devices = 3},
				     {.kind = FINDING_DEGRADED, .devices = 1},
				     {.kind = FINDING_MISSING, .devices = 1}};
	struct inventory inventory = {.devices = &device,
				      .count = 1,
				      .selected = 1,
				      .compared = true,
				      .findings = findings,
				      .finding_count = 3};
	struct visited visited = {0};

	(void)state;
	assert_int_equal(metrics_walk(NULL, &inventory, DETAIL_EXPECT, record_metric, &visited), 0);
	assert_string_equal(
		visited.text,
		"device:gauge-finding=1 0000:0000:count-total=1 host:count-devices=1 "
		"host:count-expect_missing=4 host:count-expect_moved=0 host:count-expect_degraded=1 "
		"host:count-expect_changed=0 host:count-expect_unexpected=0 "
		"host:count-expect_unknown=0 ");
	device.findings = 1u << FINDING_UNKNOWN;
	assert_measured(&device, "has_findings", -2);
	device.findings = 0;
	assert_measured(&device, "has_findings", 0);
	/* no finding is not the same as no expectation */
	device.present = 0;
	inventory.compared = false;
	visited.text[0] = '\0';
	assert_int_equal(metrics_walk(NULL, &inventory, DETAIL_EXPECT, record_metric, &visited), 0);
	assert_string_equal(visited.text, "0000:0000:count-total=1 host:count-devices=1 ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(series_have_unique_names_and_a_measure),
		cmocka_unit_test(only_numbers_are_measured),
		cmocka_unit_test(unknown_values_are_not_absent),
		cmocka_unit_test(a_pf_counts_its_vfs),
		cmocka_unit_test(all_metrics_are_visited),
		cmocka_unit_test(traffic_is_visited_in_pairs),
		cmocka_unit_test(metrics_that_were_not_read_are_omitted),
		cmocka_unit_test(findings_are_counted_by_kind_if_anything_is_expected),
	};

	return cmocka_run_group_tests_name("metrics", tests, NULL, NULL);
}
