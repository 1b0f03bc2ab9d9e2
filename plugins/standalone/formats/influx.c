/* SPDX-License-Identifier: GPL-2.0-or-later */
/* influx, and telegraf for events: InfluxDB's line protocol,
 * https://docs.influxdata.com/influxdb/v1/write_protocols/line_protocol_reference/. One line for
 * the host, each pool, each device, each owner and the traffic of each VF; or one for an event.
 * Properties to group by are tags, measurements are fields. */
#include "common/text.h"
#include "plugins/standalone/findingtext.h"
#include "plugins/standalone/formats/eventformat.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct line {
	FILE *out;
	char separator; /* before the next field */
};

/* Empty tags are not allowed, and backslashes cannot be escaped: replace them by slashes. */
static int write_tag(FILE *out, const char *name, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	for (char *p = copy; (p = strchr(p, '\\'));)
		*p = '/';
	if (*copy) {
		fprintf(out, ",%s=", name);
		text_write_escaped(out, copy, ", =");
	}
	free(copy);
	return 0;
}

static void begin_field(struct line *line, const char *name)
{
	fprintf(line->out, "%c%s=", line->separator, name);
	line->separator = ',';
}

static void write_string(struct line *line, const char *name, const char *value)
{
	begin_field(line, name);
	fputc('"', line->out);
	text_write_escaped(line->out, value, "\\\"");
	fputc('"', line->out);
}

/* InfluxDB's integers are signed 64-bit. */
static void write_measurement(struct line *line, const char *name, enum measure measure,
			      bool is_whole, double value)
{
	if (isnan(value))
		return;
	begin_field(line, name);
	if (is_whole)
		fprintf(line->out, "%" PRId64 "i",
			value < (double)INT64_MAX ? (int64_t)value : INT64_MAX);
	else
		write_number(line->out, measure, value);
}

static int begin_line(FILE *out, const struct inventory *inventory, const char *measurement)
{
	fputs(measurement, out);
	return write_tag(out, "host", inventory->host);
}

static void end_line(FILE *out, const struct timespec *time)
{
	fprintf(out, " %lld%09ld\n", (long long)time->tv_sec, time->tv_nsec);
}

/* Ids, addresses and short strings are tags; names and lists are too long to group by. */
static bool is_tag(const struct field *field)
{
	return field->measure == MEASURE_NONE && !(field->details & DETAIL_ANY_NAME) &&
	       (field->type == FIELD_TEXT || field->type == FIELD_HEX ||
		field->type == FIELD_ADDRESS);
}

static int write_column(struct line *line, const struct pci_device *device,
			const struct field *field, bool tags)
{
	struct field_value value = {0};
	char *string;
	int error = 0;

	if (field->measure != MEASURE_NONE || is_owner_column(field) || is_tag(field) != tags ||
	    !field->get(device, &value))
		return 0;
	string = value_text(field, device, &value);
	if (!string)
		return -ENOMEM;
	if (tags)
		error = write_tag(line->out, field_series(field), string);
	else
		write_string(line, field_series(field), string);
	free(string);
	return error;
}

static int write_device(FILE *out, const struct report *report, const struct pci_device *device)
{
	struct line line = {.out = out, .separator = ' '};
	int error = begin_line(out, report->inventory, "pciprobe");
	double value;

	for (size_t i = 0; i < report->column_count && !error; i++)
		error = write_column(&line, device, report->columns[i], true);
	/* a line needs at least one field, and this one is always known */
	begin_field(&line, "incomplete");
	fputs(device->incomplete ? "true" : "false", out);
	for (size_t i = 0; i < report->column_count && !error; i++)
		error = write_column(&line, device, report->columns[i], false);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (FIELDS[i].measure != MEASURE_TRAFFIC &&
		    field_measure(&FIELDS[i], device, &value))
			write_measurement(&line, field_series(&FIELDS[i]), FIELDS[i].measure,
					  FIELDS[i].type != FIELD_REAL, value);
	end_line(out, &report->inventory->time);
	return error;
}

static int write_owner(FILE *out, const struct report *report, const struct pci_device *device,
		       size_t index)
{
	char address[ADDRESS_SIZE];
	int error = begin_line(out, report->inventory, "pciprobe_owner");

	fprintf(out, ",address=%s", address_format(&device->address, address));
	for (size_t i = 0; i < report->column_count && !error; i++) {
		const struct field *field = report->columns[i];
		struct field_value value = {0};

		if (!is_owner_column(field) || !field->get(device, &value))
			continue;
		if (field->type == FIELD_NUMBERS && value.list.number(device, index))
			fprintf(out, ",%s=%" PRIu64, field_series(field),
				value.list.number(device, index));
		else if (field->type == FIELD_LIST)
			error = write_tag(out, field_series(field), value.list.item(device, index));
	}
	fputs(" holds=1i", out);
	end_line(out, &report->inventory->time);
	return error;
}

/* The tags name the VM whose traffic it is. */
static int write_traffic(FILE *out, const struct report *report, const struct pci_device *device)
{
	const struct owner *holder = device_holder(device);
	struct line line = {.out = out, .separator = ' '};
	char address[ADDRESS_SIZE];
	double value;
	int error;

	if (!device->vf || !(device->vf->present & VF_HAS_COUNTERS))
		return 0;
	error = begin_line(out, report->inventory, "pciprobe_vf");
	fprintf(out, ",address=%s", address_format(&device->address, address));
	if (!error && holder && holder->name)
		error = write_tag(out, "vm", holder->name);
	if (!error && holder && holder->frontend_id)
		error = write_tag(out, "vm_id", holder->frontend_id);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		if (FIELDS[i].measure == MEASURE_TRAFFIC &&
		    field_measure(&FIELDS[i], device, &value))
			write_measurement(&line, field_series(&FIELDS[i]), MEASURE_TRAFFIC, true,
					  value);
	end_line(out, &report->inventory->time);
	return error;
}

static int write_host(FILE *out, const struct report *report)
{
	struct line line = {.out = out, .separator = ' '};
	int error = begin_line(out, report->inventory, "pciprobe_host");

	for (size_t i = 0; i < HOST_METRIC_COUNT; i++) {
		const struct host_metric *metric = &HOST_METRICS[i];

		write_measurement(&line, metric->name, metric->measure,
				  metric->measure == MEASURE_COUNT, metric->get(report->inventory));
	}
	end_line(out, &report->inventory->time);
	return error;
}

static int write_pools(FILE *out, const struct report *report, const struct pool *pools,
		       size_t count)
{
	char model[MODEL_SIZE];
	int error = 0;

	for (size_t i = 0; i < count && !error; i++) {
		struct line line = {.out = out, .separator = ' '};

		error = begin_line(out, report->inventory, "pciprobe_pool");
		if (!error)
			error = write_tag(out, pools[i].alias ? "alias" : "model",
					  pool_name(&pools[i], model));
		for (size_t j = 0; j < POOL_METRIC_COUNT; j++)
			write_measurement(&line, POOL_METRICS[j].name, MEASURE_COUNT, true,
					  (double)POOL_METRICS[j].get(&pools[i]));
		end_line(out, &report->inventory->time);
	}
	return error;
}

static int write_all_pools(FILE *out, const struct report *report)
{
	struct pool *pools;
	size_t count;
	int error;

	error = pools_count(probe_config(report->probe), report->inventory, &pools, &count);
	if (error)
		return error;
	error = write_pools(out, report, pools, count);
	free(pools);
	if (error)
		return error;
	error = pools_count_models(report->inventory, &pools, &count);
	if (error)
		return error;
	error = write_pools(out, report, pools, count);
	free(pools);
	return error;
}

int write_influx(const struct report *report, FILE *out)
{
	int error = write_host(out, report);

	if (error)
		return error;
	error = write_all_pools(out, report);
	if (error)
		return error;
	report_foreach(report, device) {
		error = write_device(out, report, device);
		if (!error)
			error = write_traffic(out, report, device);
		for (size_t i = 0; i < device->owner_count && !error; i++)
			error = write_owner(out, report, device, i);
		if (error)
			return error;
	}
	return 0;
}

static void write_integer(struct line *line, const char *name, uint64_t number)
{
	begin_field(line, name);
	fprintf(line->out, "%" PRIu64 "i", number < INT64_MAX ? number : INT64_MAX);
}

/* Numbers stay numbers. */
static int write_event_field(struct line *line, const char *name, const struct field *field,
			     const struct pci_device *device, const struct field_value *value)
{
	char *string;

	if (field->type == FIELD_NUMBER || field->type == FIELD_FLAG) {
		write_integer(line, name, value->number);
		return 0;
	}
	if (field->type == FIELD_REAL) {
		begin_field(line, name);
		write_number(line->out, MEASURE_GAUGE, value->real);
		return 0;
	}
	string = value_text(field, device, value);
	if (!string)
		return -ENOMEM;
	write_string(line, name, string);
	free(string);
	return 0;
}

/* "after_driver" and so on. */
static int write_event_state(struct line *line, const char *prefix, const struct event *event,
			     const struct pci_device *device)
{
	char name[64];
	int error = 0;

	for (size_t i = 0; device && i < FIELD_COUNT && !error; i++) {
		struct field_value value = {0};

		if (!event_has_field(event->kind, &FIELDS[i]) || !FIELDS[i].get(device, &value))
			continue;
		snprintf(name, sizeof(name), "%s_%s", prefix, FIELDS[i].name);
		error = write_event_field(line, name, &FIELDS[i], device, &value);
	}
	return error;
}

static int write_event_tags(FILE *out, const struct event *event)
{
	const struct pci_device *device = event_device(event);
	const struct owner *owner = event->owner;
	char address[ADDRESS_SIZE];
	int error = 0;

	fprintf(out, ",event=%s,severity=%s", EVENT_TYPES[event->kind].name,
		SEVERITY_NAMES[event_severity(event)]);
	if (device)
		fprintf(out, ",address=%s,vendor=%04x,device=%04x",
			address_format(&device->address, address), device->vendor, device->device);
	if (owner && owner->name)
		error = write_tag(out, "vm", owner->name);
	if (!error && owner && owner->frontend_id)
		error = write_tag(out, "vm_id", owner->frontend_id);
	return error;
}

static void write_event_owner(struct line *line, const struct owner *owner)
{
	if (owner->uuid)
		write_string(line, "owner_uuid", owner->uuid);
	if (owner->program)
		write_string(line, "owner_program", owner->program);
	if (owner->pid)
		write_integer(line, "owner_pid", (uint64_t)owner->pid);
	if (owner->mdev)
		write_string(line, "owner_mdev", owner->mdev);
	write_string(line, "evidence", owner->source);
}

/* InfluxDB keeps one line for each time and combination of tags: two events of a device at the same
 * time get different nanoseconds. */
int write_influx_event(const struct event *event, const struct event_context *context, FILE *out)
{
	struct line line = {.out = out, .separator = ' '};
	struct timespec time = context->inventory->time;
	char finding[FINDING_TEXT_SIZE];
	int error = begin_line(out, context->inventory, "pciprobe_event");

	if (!error)
		error = write_event_tags(out, event);
	write_integer(&line, "sequence", context->sequence);
	if (event->kind == EVENT_STATE)
		write_integer(&line, "devices", context->inventory->selected);
	if (event->errors)
		write_integer(&line, "errors", event->errors);
	if (context->config)
		write_string(&line, "config", context->config);
	if (event->finding) {
		write_string(&line, "finding", finding_text(event->finding, finding));
		write_string(&line, "location", event->finding->location);
	}
	if (event->owner)
		write_event_owner(&line, event->owner);
	if (!error)
		error = write_event_state(&line, "before", event, event->was);
	if (!error)
		error = write_event_state(&line, "after", event, event->is);
	time.tv_nsec += context->offset;
	if (time.tv_nsec >= 1000000000) {
		time.tv_nsec -= 1000000000;
		time.tv_sec++;
	}
	end_line(out, &time);
	return error;
}
