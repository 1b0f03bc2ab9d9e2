/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/metrics.h"

#include "probe/expect/finding.h"

#include <math.h>
#include <stdlib.h>

static size_t pool_total(const struct pool *pool)
{
	return pool->total;
}

static size_t pool_in_use(const struct pool *pool)
{
	return pool->states[OWNERSHIP_HELD];
}

static size_t pool_free(const struct pool *pool)
{
	return pool->states[OWNERSHIP_FREE];
}

static size_t pool_available(const struct pool *pool)
{
	return pool->available;
}

const struct pool_metric POOL_METRICS[] = {
	{"total", "number of devices", 0, pool_total},
	{"in_use", "number of devices held by VMs or other processes", DETAIL_OWNERSHIP,
	 pool_in_use},
	{"free", "number of free devices", DETAIL_OWNERSHIP, pool_free},
	{"available", "number of devices that can be assigned to a VM now",
	 DETAIL_OWNERSHIP | DETAIL_GROUP_PEERS, pool_available},
};
const size_t POOL_METRIC_COUNT = sizeof(POOL_METRICS) / sizeof(*POOL_METRICS);

static double devices(const struct inventory *inventory)
{
	return (double)inventory->selected;
}

static double count_owned(const struct inventory *inventory, enum ownership ownership)
{
	size_t count = 0;

	inventory_foreach(inventory, device)
		count += (device->present & HAS_OWNERSHIP) && device->ownership == ownership;
	return (double)count;
}

static double in_use(const struct inventory *inventory)
{
	return count_owned(inventory, OWNERSHIP_HELD);
}

static double host_free(const struct inventory *inventory)
{
	return count_owned(inventory, OWNERSHIP_FREE);
}

static double reserved(const struct inventory *inventory)
{
	return count_owned(inventory, OWNERSHIP_RESERVED);
}

static double unknown(const struct inventory *inventory)
{
	return count_owned(inventory, OWNERSHIP_UNKNOWN);
}

static double conflict(const struct inventory *inventory)
{
	size_t count = 0;

	inventory_foreach(inventory, device)
		count += device_has_conflict(device);
	return (double)count;
}

/* Without expectations, nothing is as expected. */
#define GET_EXPECT(name, kind)                                                                \
	static double expect_##name(const struct inventory *inventory)                        \
	{                                                                                     \
		return inventory->compared ? (double)findings_count(inventory, (kind)) : NAN; \
	}

GET_EXPECT(missing, FINDING_MISSING)
GET_EXPECT(moved, FINDING_MOVED)
GET_EXPECT(degraded, FINDING_DEGRADED)
GET_EXPECT(changed, FINDING_CHANGED)
GET_EXPECT(unexpected, FINDING_UNEXPECTED)
GET_EXPECT(unknown, FINDING_UNKNOWN)

static double probe(const struct inventory *inventory)
{
	return inventory->seconds;
}

const struct host_metric HOST_METRICS[] = {
	{"devices", MEASURE_COUNT, "number of selected devices", 0, devices},
	{"in_use", MEASURE_COUNT, "number of devices held by VMs or other processes",
	 DETAIL_OWNERSHIP, in_use},
	{"free", MEASURE_COUNT, "number of free devices", DETAIL_OWNERSHIP, host_free},
	{"reserved", MEASURE_COUNT, "number of devices reserved for VMs that are not running",
	 DETAIL_OWNERSHIP, reserved},
	{"unknown", MEASURE_COUNT, "number of devices whose owner is unknown", DETAIL_OWNERSHIP,
	 unknown},
	{"conflict", MEASURE_COUNT,
	 "number of devices claimed by several VMs, or by a VM and the host", DETAIL_OWNERSHIP,
	 conflict},
	{"expect_missing", MEASURE_COUNT,
	 "number of devices that pci.conf expects and that are missing", DETAIL_EXPECT,
	 expect_missing},
	{"expect_moved", MEASURE_COUNT, "number of expected devices that are elsewhere",
	 DETAIL_EXPECT, expect_moved},
	{"expect_degraded", MEASURE_COUNT,
	 "number of links that are slower or narrower than pci.conf expects", DETAIL_EXPECT,
	 expect_degraded},
	{"expect_changed", MEASURE_COUNT,
	 "number of other properties of devices that differ from what pci.conf expects",
	 DETAIL_EXPECT, expect_changed},
	{"expect_unexpected", MEASURE_COUNT, "number of devices that pci.conf does not expect",
	 DETAIL_EXPECT, expect_unexpected},
	{"expect_unknown", MEASURE_COUNT,
	 "number of expectations of pci.conf that could not be checked", DETAIL_EXPECT,
	 expect_unknown},
	{"probe", MEASURE_DURATION, "duration of the last reading", 0, probe},
};
const size_t HOST_METRIC_COUNT = sizeof(HOST_METRICS) / sizeof(*HOST_METRICS);

const char *field_series(const struct field *field)
{
	return field->series ? field->series : field->name;
}

bool field_measure(const struct field *field, const struct pci_device *device, double *ret)
{
	struct field_value value = {0};

	if (field->measure == MEASURE_NONE)
		return false;
	if (field->get(device, &value))
		*ret = field->type == FIELD_REAL ? value.real : (double)value.number;
	else if (value.unknown)
		*ret = NAN;
	else
		return false;
	return true;
}

const char *measure_name(enum measure measure)
{
	static const char *const names[] = {
		[MEASURE_GAUGE] = "gauge",     [MEASURE_COUNT] = "count",
		[MEASURE_ERRORS] = "errors",   [MEASURE_DURATION] = "duration",
		[MEASURE_TRAFFIC] = "traffic",
	};

	return names[measure];
}

static bool is_available(unsigned needed, unsigned details)
{
	return (needed & details) == needed;
}

/* Pairs, as in collectd's types for network interfaces. */
static void walk_traffic(const struct pci_device *device, metrics_visitor *visit, void *data)
{
	const struct vf_settings *vf = device->vf;

	if (!vf || !(vf->present & VF_HAS_COUNTERS))
		return;
	const struct metric pairs[] = {
		{.name = "if_octets", .rx = vf->rx_bytes, .tx = vf->tx_bytes},
		{.name = "if_packets", .rx = vf->rx_packets, .tx = vf->tx_packets},
		{.name = "if_dropped", .rx = vf->rx_dropped, .tx = vf->tx_dropped},
	};

	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct metric metric = pairs[i];

		metric.device = device;
		metric.measure = MEASURE_TRAFFIC;
		visit(data, &metric);
	}
}

static void walk_devices(const struct inventory *inventory, unsigned details,
			 metrics_visitor *visit, void *data)
{
	inventory_foreach(inventory, device) {
		for (size_t i = 0; i < FIELD_COUNT; i++) {
			const struct field *field = &FIELDS[i];
			struct metric metric = {.device = device,
						.name = field_series(field),
						.measure = field->measure};

			if (field->measure != MEASURE_TRAFFIC &&
			    is_available(field->details, details) &&
			    field_measure(field, device, &metric.value))
				visit(data, &metric);
		}
		if (is_available(DETAIL_OF_VFS, details))
			walk_traffic(device, visit, data);
	}
}

static void walk_pools(const struct pool *pools, size_t count, unsigned details,
		       metrics_visitor *visit, void *data)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < POOL_METRIC_COUNT; j++) {
			const struct pool_metric *metric = &POOL_METRICS[j];

			if (is_available(metric->details, details))
				visit(data,
				      &(struct metric){.pool = &pools[i],
						       .name = metric->name,
						       .measure = MEASURE_COUNT,
						       .value = (double)metric->get(&pools[i])});
		}
}

static void walk_host(const struct inventory *inventory, unsigned details, metrics_visitor *visit,
		      void *data)
{
	for (size_t i = 0; i < HOST_METRIC_COUNT; i++) {
		const struct host_metric *metric = &HOST_METRICS[i];
		double value = metric->get(inventory);

		if (is_available(metric->details, details) && !isnan(value))
			visit(data, &(struct metric){.name = metric->name,
						     .measure = metric->measure,
						     .value = value});
	}
}

int metrics_walk(const struct config *config, const struct inventory *inventory, unsigned details,
		 metrics_visitor *visit, void *data)
{
	struct pool *aliases = NULL, *models = NULL;
	size_t alias_count = 0, model_count = 0;
	int error = 0;

	if (details & DETAIL_ALIASES)
		error = pools_count(config, inventory, &aliases, &alias_count);
	if (!error)
		error = pools_count_models(inventory, &models, &model_count);
	walk_devices(inventory, details, visit, data);
	walk_pools(aliases, alias_count, details, visit, data);
	walk_pools(models, model_count, details, visit, data);
	walk_host(inventory, details, visit, data);
	free(aliases);
	free(models);
	return error;
}
