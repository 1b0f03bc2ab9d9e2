/* SPDX-License-Identifier: GPL-2.0-or-later */
/* json: one object, see pciprobe.schema.json. Each device is serialized separately, so that memory
 * use doesn't grow with the number of devices. */
#include "common/jsonvalue.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/ownership/ownership.h"
#include "probe/pool.h"

#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_VERSION 1

/* 0, an unknown number, becomes null: all lists of owners have the same order. */
static int add_number(struct json_object *list, uint64_t number)
{
	struct json_object *item = number ? json_object_new_uint64(number) : NULL;

	if ((item || !number) && json_object_array_add(list, item) == 0)
		return 0;
	json_object_put(item);
	return -ENOMEM;
}

static struct json_object *new_list(enum field_type type, const struct pci_device *device,
				    const struct field_value *value)
{
	struct json_object *list = json_object_new_array();
	int error = list ? 0 : -ENOMEM;

	for (size_t i = 0; !error && i < value->list.count; i++)
		error = type == FIELD_NUMBERS
				? add_number(list, value->list.number(device, i))
				: jsonvalue_append(list,
						   jsonvalue_string(value->list.item(device, i)));
	if (!error)
		return list;
	json_object_put(list);
	return NULL;
}

static struct json_object *new_hex(const struct field *field, uint64_t number)
{
	char string[17];

	snprintf(string, sizeof(string), "%0*llx", (int)field->digits, (unsigned long long)number);
	return json_object_new_string(string);
}

static struct json_object *new_value(const struct field *field, const struct pci_device *device,
				     const struct field_value *value)
{
	char string[64];

	switch (field->type) {
	case FIELD_TEXT:
		return jsonvalue_string(value->text);
	case FIELD_HEX:
		return new_hex(field, value->number);
	case FIELD_NUMBER:
		return json_object_new_uint64(value->number);
	case FIELD_FLAG:
		return json_object_new_boolean(value->number != 0);
	case FIELD_REAL:
		snprintf(string, sizeof(string), "%.1f", value->real);
		return json_object_new_double_s(value->real, string);
	case FIELD_ADDRESS:
		return json_object_new_string(address_format(&value->address, string));
	case FIELD_LIST:
	case FIELD_NUMBERS:
		return new_list(field->type, device, value);
	}
	return NULL;
}

static int write_device(FILE *out, const struct report *report, const struct pci_device *device)
{
	struct json_object *object = json_object_new_object();
	int error = object ? 0 : -ENOMEM;

	for (size_t i = 0; i < report->column_count && !error; i++) {
		const struct field *field = report->columns[i];
		struct field_value value = {0};

		if (field->get(device, &value))
			error = jsonvalue_add(object, field->name,
					      new_value(field, device, &value));
	}
	if (!error && device->incomplete)
		error = jsonvalue_add(object, "incomplete", json_object_new_boolean(1));
	return jsonvalue_write(out, object, error);
}

static int add_rules(struct json_object *rules, const struct rule_list *list)
{
	int error = 0;

	for (size_t i = 0; i < list->count && !error; i++) {
		struct json_object *rule = json_object_new_object();

		error = jsonvalue_append(rules, rule);
		if (!error)
			error = jsonvalue_add(rule, "key", json_object_new_string(list->key));
		if (!error)
			error = jsonvalue_add(rule, "text",
					      jsonvalue_string(rule_text(list->rules[i])));
		if (!error)
			error = jsonvalue_add(rule, "place",
					      jsonvalue_string(rule_location(list->rules[i])));
	}
	return error;
}

static int write_selection(FILE *out, const struct report *report)
{
	const struct selection *selection = probe_selection(report->probe);
	const char *path = probe_config(report->probe)->path;
	struct json_object *object = json_object_new_object(), *rules = json_object_new_array();
	int error = object && rules ? 0 : -ENOMEM;

	if (!error)
		error = jsonvalue_add(object, "seen",
				      json_object_new_uint64(report->inventory->count));
	if (!error)
		error = jsonvalue_add(object, "selected",
				      json_object_new_uint64(report->inventory->selected));
	if (!error && path)
		error = jsonvalue_add(object, "config", jsonvalue_string(path));
	for (size_t i = 0; i < selection->count && !error; i++)
		error = add_rules(rules, selection->lists[i]);
	if (!error)
		error = jsonvalue_add(object, "rules", json_object_get(rules));
	json_object_put(rules);
	return jsonvalue_write(out, object, error);
}

static int write_sources(FILE *out, const struct inventory *inventory)
{
	struct json_object *list = json_object_new_array();
	int error = list ? 0 : -ENOMEM;

	for (size_t i = 0; i < OWNER_SOURCE_COUNT && !error; i++) {
		const struct source_report *source = &inventory->sources[i];
		struct json_object *object = json_object_new_object();

		error = jsonvalue_append(list, object);
		if (!error)
			error = jsonvalue_add(object, "name", json_object_new_string(source->name));
		if (!error)
			error = jsonvalue_add(
				object, "state",
				json_object_new_string(source_state_name(source->state)));
		if (!error && *source->why)
			error = jsonvalue_add(object, "why", jsonvalue_string(source->why));
	}
	fputs(",\n  \"sources\": ", out);
	return jsonvalue_write(out, list, error);
}

static int add_pool(struct json_object *list, const struct pool *pool)
{
	struct json_object *object = json_object_new_object();
	int error = jsonvalue_append(list, object);

	if (!error)
		error = jsonvalue_add(object, "name", json_object_new_string(pool->alias));
	if (!error)
		error = jsonvalue_add(object, "total", json_object_new_uint64(pool->total));
	for (unsigned i = 0; i < OWNERSHIP_COUNT && !error; i++)
		error = jsonvalue_add(object, ownership_name(i),
				      json_object_new_uint64(pool->states[i]));
	return error ? error
		     : jsonvalue_add(object, "available", json_object_new_uint64(pool->available));
}

static int write_pools(FILE *out, const struct report *report)
{
	struct json_object *list = json_object_new_array();
	struct pool *pools = NULL;
	size_t count = 0;
	int error = list ? pools_count(probe_config(report->probe), report->inventory, &pools,
				       &count)
			 : -ENOMEM;

	for (size_t i = 0; i < count && !error; i++)
		error = add_pool(list, &pools[i]);
	free(pools);
	fputs(",\n  \"aliases\": ", out);
	return jsonvalue_write(out, list, error);
}

static int write_header(FILE *out, const struct report *report)
{
	const struct inventory *inventory = report->inventory;
	struct json_object *host = NULL; /* null: unknown */
	char time[32];
	struct tm utc;

	if (*inventory->host && !(host = jsonvalue_string(inventory->host)))
		return -ENOMEM;
	gmtime_r(&inventory->time.tv_sec, &utc);
	strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%SZ", &utc);
	fprintf(out, "{\n  \"schema\": %d,\n  \"version\": \"%s\",\n", SCHEMA_VERSION,
		PACKAGE_VERSION);
	fprintf(out, "  \"host\": ");
	jsonvalue_write(out, host, 0);
	fprintf(out,
		",\n  \"time\": \"%s\",\n  \"incomplete\": %zu,\n  \"unseen\": %zu,\n  \"selection\": ",
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
