/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json: one object, see pciprobe.schema.json. Each device is serialized separately, so that memory
 * use doesn't grow with the number of devices. */
#include "common/jsonvalue.h"
#include "plugins/standalone/formats/jsonfield.h"
#include "plugins/standalone/formats/jsonfinding.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/ownership/ownership.h"
#include "probe/pool.h"

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 1

static int write_device(FILE *out, const struct report *report, const struct pci_device *device)
{
	struct json_object *object = json_object_new_object();
	int error = 0;

	for (size_t i = 0; i < report->column_count; i++)
		jsonfield_add(object, report->columns[i], device, &error);
	if (device->incomplete)
		jsonvalue_add(object, "incomplete", json_object_new_boolean(1), &error);
	return jsonvalue_write(out, object, error);
}

static void append_rule(struct json_object *rules, const char *key, const struct rule *rule,
			int *error)
{
	struct json_object *object = json_object_new_object();

	jsonvalue_add_string(object, "key", key, error);
	jsonvalue_add_string(object, "text", rule_text(rule), error);
	jsonvalue_add_string(object, "location", rule_location(rule), error);
	jsonvalue_append(rules, object, error);
}

static int write_selection(FILE *out, const struct report *report)
{
	const struct selection *selection = probe_selection(report->probe);
	const char *path = probe_config(report->probe)->path;
	struct json_object *object = json_object_new_object(), *rules = json_object_new_array();
	int error = 0;

	jsonvalue_add(object, "total", json_object_new_uint64(report->inventory->count), &error);
	jsonvalue_add(object, "selected", json_object_new_uint64(report->inventory->selected),
		      &error);
	if (path)
		jsonvalue_add_string(object, "config", path, &error);
	for (size_t i = 0; i < selection->count; i++) {
		const struct rule_list *list = selection->lists[i];

		for (size_t j = 0; j < list->count; j++)
			append_rule(rules, list->key, list->rules[j], &error);
	}
	jsonvalue_add(object, "rules", rules, &error);
	return jsonvalue_write(out, object, error);
}

static int write_sources(FILE *out, const struct inventory *inventory)
{
	struct json_object *list = json_object_new_array();
	int error = 0;

	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++) {
		const struct source_report *source = &inventory->sources[i];
		struct json_object *object = json_object_new_object();

		jsonvalue_add_string(object, "name", source->name, &error);
		jsonvalue_add_string(object, "state", source_state_name(source->state), &error);
		if (*source->why)
			jsonvalue_add_string(object, "reason", source->why, &error);
		jsonvalue_append(list, object, &error);
	}
	fputs(",\n  \"sources\": ", out);
	return jsonvalue_write(out, list, error);
}

static void append_pool(struct json_object *list, const struct pool *pool, int *error)
{
	struct json_object *object = json_object_new_object();

	jsonvalue_add_string(object, "name", pool->alias, error);
	jsonvalue_add(object, "total", json_object_new_uint64(pool->total), error);
	for (unsigned i = 0; i < OWNERSHIP_COUNT; i++)
		jsonvalue_add(object, ownership_name(i), json_object_new_uint64(pool->states[i]),
			      error);
	jsonvalue_add(object, "available", json_object_new_uint64(pool->available), error);
	jsonvalue_append(list, object, error);
}

static int write_pools(FILE *out, const struct report *report)
{
	struct json_object *list = json_object_new_array();
	struct pool *pools = NULL;
	size_t count = 0;
	int error = pools_count(probe_config(report->probe), report->inventory, &pools, &count);

	if (!list)
		error = -ENOMEM;
	for (size_t i = 0; i < count; i++)
		append_pool(list, &pools[i], &error);
	free(pools);
	fputs(",\n  \"aliases\": ", out);
	return jsonvalue_write(out, list, error);
}

static int write_finding(FILE *out, const struct finding *finding)
{
	int error = 0;
	struct json_object *object = jsonfinding_new(finding, &error);

	return jsonvalue_write(out, object, error);
}

static int write_findings(FILE *out, const struct inventory *inventory)
{
	int error;

	fputs(",\n  \"findings\": [", out);
	for (size_t i = 0; i < inventory->finding_count; i++) {
		fprintf(out, "%s    ", i ? ",\n" : "\n");
		error = write_finding(out, &inventory->findings[i]);
		if (error)
			return error;
	}
	fputs(inventory->finding_count ? "\n  ]" : "]", out);
	if (inventory->findings_omitted)
		fprintf(out, ",\n  \"findings_omitted\": %zu", inventory->findings_omitted);
	return 0;
}

static int write_header(FILE *out, const struct report *report)
{
	const struct inventory *inventory = report->inventory;
	struct json_object *host = NULL; /* null: unknown */
	char time[32];
	struct tm utc;
	int error;

	if (*inventory->host && !(host = jsonvalue_string(inventory->host)))
		return -ENOMEM;
	gmtime_r(&inventory->time.tv_sec, &utc);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(out, "{\n  \"schema\": %d,\n  \"version\": \"%s\",\n", SCHEMA_VERSION,
		PACKAGE_VERSION);
	fprintf(out, "  \"host\": ");
	error = jsonvalue_write(out, host, 0);
	if (error < 0)
		return error;
	fprintf(out,
		",\n  \"time\": \"%s\",\n  \"incomplete\": %zu,\n  \"uninspected_processes\": %zu,\n  \"selection\": ",
		time, inventory->incomplete, inventory->unseen);
	return 0;
}

int write_json(const struct report *report, FILE *out)
{
	const char *separator = "\n";
	int error = write_header(out, report);

	if (!error)
		error = write_selection(out, report);
	if (!error && (report->details & DETAIL_OWNERSHIP))
		error = write_sources(out, report->inventory);
	if (!error && (report->details & DETAIL_POOLS) == DETAIL_POOLS)
		error = write_pools(out, report);
	if (!error && report->inventory->compared)
		error = write_findings(out, report->inventory);
	if (error)
		return error;
	fputs(",\n  \"devices\": [", out);
	report_foreach(report, device) {
		fprintf(out, "%s    ", separator);
		error = write_device(out, report, device);
		if (error)
			return error;
		separator = ",\n";
	}
	fprintf(out, "%s]\n}\n", report->inventory->selected ? "\n  " : "");
	return 0;
}
