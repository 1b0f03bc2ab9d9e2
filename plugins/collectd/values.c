/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/values.h"

#include "plugins/collectd/instance.h"
#include "probe/metrics.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* Details that each group of values, or combination of groups, needs. */
static const struct {
	unsigned report, details;
} NEEDS[] = {
	{0, DETAIL_NUMA_NODE | DETAIL_IOMMU_GROUP | DETAIL_EXPECT},
	{REPORT_LINK, DETAIL_LINK},
	{REPORT_AER, DETAIL_AER},
	{REPORT_OWNER, DETAIL_OWNERSHIP | DETAIL_DRIVER | DETAIL_IOMMU_GROUP},
	{REPORT_SRIOV, DETAIL_SRIOV},
	{REPORT_VF, DETAIL_OF_VFS},
	{REPORT_POOLS, DETAIL_ALIASES},
	{REPORT_POOLS | REPORT_OWNER, DETAIL_POOLS},
};

unsigned values_details(unsigned report)
{
	unsigned details = 0;

	for (size_t i = 0; i < COUNT(NEEDS); i++)
		if ((NEEDS[i].report & report) == NEEDS[i].report)
			details |= NEEDS[i].details;
	return details;
}

static const char *name_instance(const struct metric *metric, const struct settings *settings,
				 char buffer[static INSTANCE_SIZE])
{
	if (metric->device)
		return instance_of(metric->device, settings->format, buffer);
	return metric->pool ? pool_name(metric->pool, buffer) : INSTANCE_SUMMARY;
}

struct values_output {
	const struct settings *settings;
};

/* The counters read from the kernel may be any number. */
static int64_t derive_of(uint64_t counter)
{
	return counter < INT64_MAX ? (int64_t)counter : INT64_MAX;
}

static void dispatch_metric(void *data, const struct metric *metric)
{
	const struct values_output *output = data;
	const struct settings *settings = output->settings;
	char instance[INSTANCE_SIZE];
	struct value value = {.type = measure_name(metric->measure),
			      .type_instance = metric->name,
			      .gauge = metric->value};

	if (metric->pool && !(settings->report & REPORT_POOLS))
		return;
	value.instance = name_instance(metric, settings, instance);
	if (metric->measure == MEASURE_ERRORS) {
		value.kind = VALUE_DERIVE;
		value.derive = metric->value < (double)INT64_MAX ? (int64_t)metric->value
								 : INT64_MAX;
	}
	if (metric->measure == MEASURE_TRAFFIC) {
		value.kind = VALUE_TRAFFIC;
		value.type = metric->name;
		value.type_instance = "";
		value.derive = derive_of(metric->rx);
		value.tx = derive_of(metric->tx);
	}
	dispatch_value(&value);
}

void values_dispatch(const struct inventory *inventory, const struct config *config,
		     const struct settings *settings)
{
	struct values_output output = {settings};

	metrics_walk(config, inventory, values_details(settings->report), dispatch_metric, &output);
}
