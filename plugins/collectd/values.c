/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/values.h"

#include "plugins/collectd/instance.h"
#include "probe/fields.h"
#include "probe/pool.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

/* How a field becomes a value. What a card doesn't have isn't sent. */
static const struct metric {
	const char *field;
	const char *type, *type_instance;
	unsigned report; /* enum report; 0: always */
} METRICS[] = {
	{"ownership", "gauge", "in_use", REPORT_OWNER},
	{"numa_node", "gauge", "numa_node", 0},
	{"iommu_group", "gauge", "iommu_group", 0},
	{"link_width", "gauge", "link_width", REPORT_LINK},
	{"link_speed", "gauge", "link_speed_gts", REPORT_LINK},
	{"link_degraded", "gauge", "link_degraded", REPORT_LINK},
	{"aer_correctable", "errors", "aer_correctable", REPORT_AER},
	{"aer_nonfatal", "errors", "aer_nonfatal", REPORT_AER},
	{"aer_fatal", "errors", "aer_fatal", REPORT_AER},
	{"vfs_total", "count", "vf_total", REPORT_SRIOV},
	{"vfs_enabled", "count", "vf_enabled", REPORT_SRIOV},
};

static bool is_reported(const struct metric *metric, unsigned report)
{
	return !metric->report || (metric->report & report);
}

unsigned values_details(unsigned report)
{
	unsigned details = 0;

	for (size_t i = 0; i < COUNT(METRICS); i++)
		if (is_reported(&METRICS[i], report))
			details |= field_find(METRICS[i].field)->details;
	return details;
}

/* A field's value as a number. Of the fields above only ownership is a text. */
static double number_of(const struct field *field, const struct field_value *value)
{
	switch (field->type) {
	case FIELD_NUMBER:
		return (double)value->number;
	case FIELD_REAL:
		return value->real;
	default:
		return strcmp(value->text, "unknown") == 0 ? (double)NAN : strcmp(value->text, "held") == 0;
	}
}

static void dispatch_metric(const struct metric *metric, const struct pci_device *device, const char *instance)
{
	const struct field *field = field_find(metric->field);
	struct value value = {.instance = instance, .type = metric->type, .type_instance = metric->type_instance};
	struct field_value found;

	if (!field->get(device, &found))
		return;
	if (strcmp(metric->type, "errors") == 0) {
		value.kind = VALUE_DERIVE;
		value.derive = (int64_t)found.number; /* so many that it would turn negative nobody lives to see */
	} else {
		value.gauge = number_of(field, &found);
	}
	dispatch_value(&value);
}

/* Cards by what they are used for. Those that the host itself uses are neither in use by a VM nor free for one. */
struct tally {
	unsigned total, in_use, free, unknown, conflict;
};

static void tally_add(struct tally *tally, const struct pci_device *device)
{
	tally->total++;
	tally->in_use += device->ownership == OWNERSHIP_HELD;
	tally->free += device->ownership == OWNERSHIP_FREE;
	tally->unknown += device->ownership == OWNERSHIP_UNKNOWN;
	tally->conflict += device_has_conflict(device);
}

static void dispatch_count(const char *instance, const char *what, double count)
{
	const struct value value = {.instance = instance, .type = "count", .type_instance = what, .gauge = count};

	dispatch_value(&value);
}

/* Of its VFs; nothing unless all of them are known, which rules for cards can prevent. */
static void dispatch_vfs(const struct inventory *inventory, const struct pci_device *pf, const char *instance)
{
	struct tally vfs = {0};

	if (!(pf->present & HAS_VFS_ENABLED))
		return;
	inventory_foreach(inventory, device)
		if ((device->present & HAS_PF) && address_compare(&device->sriov.pf, &pf->address) == 0)
			tally_add(&vfs, device);
	if (vfs.total != pf->sriov.vfs_enabled)
		return;
	dispatch_count(instance, "vf_in_use", vfs.unknown ? (double)NAN : vfs.in_use);
	dispatch_count(instance, "vf_free", vfs.unknown ? (double)NAN : vfs.free);
}

static void dispatch_card(const struct inventory *inventory, const struct settings *settings, const struct pci_device *device)
{
	const unsigned vf_use = REPORT_SRIOV | REPORT_OWNER;
	char instance[INSTANCE_SIZE];

	instance_of(device, settings->format, instance);
	for (size_t i = 0; i < COUNT(METRICS); i++)
		if (is_reported(&METRICS[i], settings->report))
			dispatch_metric(&METRICS[i], device, instance);
	if ((settings->report & vf_use) == vf_use)
		dispatch_vfs(inventory, device, instance);
}

static bool is_first_of_model(const struct inventory *inventory, const struct pci_device *of)
{
	inventory_foreach(inventory, device)
		if (device->vendor == of->vendor && device->device == of->device)
			return device == of;
	return false;
}

static void dispatch_pool(const char *instance, const struct settings *settings, double total, double in_use, double free)
{
	dispatch_count(instance, "total", total);
	if (!(settings->report & REPORT_OWNER))
		return;
	dispatch_count(instance, "in_use", in_use);
	dispatch_count(instance, "free", free);
}

static void dispatch_models(const struct inventory *inventory, const struct settings *settings)
{
	char instance[INSTANCE_SIZE];

	inventory_foreach(inventory, of) {
		struct tally tally = {0};

		if (!is_first_of_model(inventory, of))
			continue;
		inventory_foreach(inventory, device)
			if (device->vendor == of->vendor && device->device == of->device)
				tally_add(&tally, device);
		dispatch_pool(instance_of_model(of, instance), settings, tally.total, tally.in_use, tally.free);
	}
}

/* An alias that no card has is sent too: none is what there is of it. Without memory it is left out this once. */
static void dispatch_aliases(const struct inventory *inventory, const struct config *config, const struct settings *settings)
{
	struct pool *pools = NULL;
	size_t count = 0;

	if (pools_count(config, inventory, &pools, &count) < 0)
		return;
	for (size_t i = 0; i < count; i++)
		dispatch_pool(pools[i].alias, settings, (double)pools[i].total, (double)pools[i].states[OWNERSHIP_HELD],
			      (double)pools[i].states[OWNERSHIP_FREE]);
	free(pools);
}

static void dispatch_summary(const struct inventory *inventory, const struct settings *settings, double seconds)
{
	const struct value duration = {
		.instance = INSTANCE_SUMMARY, .type = "duration", .type_instance = "probe", .gauge = seconds,
	};
	struct tally tally = {0};

	inventory_foreach(inventory, device)
		tally_add(&tally, device);
	dispatch_count(INSTANCE_SUMMARY, "devices", tally.total);
	if (settings->report & REPORT_OWNER) {
		dispatch_count(INSTANCE_SUMMARY, "in_use", tally.in_use);
		dispatch_count(INSTANCE_SUMMARY, "free", tally.free);
		dispatch_count(INSTANCE_SUMMARY, "unknown", tally.unknown);
		dispatch_count(INSTANCE_SUMMARY, "conflict", tally.conflict);
	}
	dispatch_value(&duration);
}

void values_dispatch(const struct inventory *inventory, const struct config *config, const struct settings *settings,
		     double seconds)
{
	inventory_foreach(inventory, device)
		dispatch_card(inventory, settings, device);
	if (settings->report & REPORT_POOLS) {
		dispatch_models(inventory, settings);
		dispatch_aliases(inventory, config, settings);
	}
	dispatch_summary(inventory, settings, seconds);
}
