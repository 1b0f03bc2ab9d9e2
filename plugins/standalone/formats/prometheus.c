/* SPDX-License-Identifier: GPL-2.0-or-later */
/* prometheus: the text format of node_exporter's textfile collector,
 * https://prometheus.io/docs/instrumenting/exposition_formats/, and openmetrics:
 * https://prometheus.io/docs/specs/om/open_metrics_spec/. The samples are the same, but no text is
 * valid in both: OpenMetrics names the family of a counter without "_total", which the other format
 * does not relate to its samples. Measurements are series; properties of a device are labels of
 * info series with the value 1, to be joined by address. Traffic is a VM's, and also has its name,
 * so that a new VM begins a new series. Unknown or absent values have no series. */
#include "common/text.h"
#include "common/textstream.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/metrics.h"

#include "config.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct output {
	FILE *file;
	bool is_openmetrics;
};

/* A metric family: all series with the same name. HELP and TYPE are written before the first
 * sample, so that empty families are omitted. */
struct family {
	const struct output *out;
	char name[80];
	const char *help;
	enum measure measure;
	bool has_header;
};

static bool is_total(enum measure measure)
{
	return measure == MEASURE_ERRORS || measure == MEASURE_TRAFFIC;
}

/* Only the names of counters may end in "total". */
static struct family family_new(const struct output *out, const char *subject, const char *name,
				enum measure measure, const char *help)
{
	struct family family = {.out = out, .help = help, .measure = measure};
	size_t length = strlen(name), end = strlen("total");
	const char *suffix = is_total(measure)		   ? "_total"
			     : measure == MEASURE_DURATION ? "_duration_seconds"
							   : "";

	if (!is_total(measure) && length >= end && strcmp(name + length - end, "total") == 0) {
		length -= end;
		suffix = "capacity";
	}
	snprintf(family.name, sizeof(family.name), "pciprobe_%s%.*s%s", subject, (int)length, name,
		 suffix);
	return family;
}

static bool ends_with(const char *name, const char *end)
{
	size_t length = strlen(name);

	return length >= strlen(end) && strcmp(name + length - strlen(end), end) == 0;
}

/* OpenMetrics' families have names without the endings of their samples' names, and a unit that is
 * the end of the name. */
static void write_header(const struct family *family)
{
	bool is_info = family->out->is_openmetrics && ends_with(family->name, "_info");
	const char *type = is_total(family->measure) ? "counter" : is_info ? "info" : "gauge";
	const char *end = is_total(family->measure) ? "_total" : is_info ? "_info" : "";
	static const char *const units[] = {"bytes", "seconds"};
	FILE *out = family->out->file;
	char name[sizeof(family->name)];

	strcpy(name, family->name);
	if (family->out->is_openmetrics)
		name[strlen(name) - strlen(end)] = '\0';
	fprintf(out, "# HELP %s %c%s.\n# TYPE %s %s\n", name,
		toupper((unsigned char)family->help[0]), family->help + 1, name, type);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (family->out->is_openmetrics && ends_with(name, units[i]))
			fprintf(out, "# UNIT %s %s\n", name, units[i]);
}

static void begin_sample(struct family *family)
{
	if (!family->has_header)
		write_header(family);
	family->has_header = true;
	fputs(family->name, family->out->file);
}

static void end_sample(struct family *family, double value)
{
	fputc(' ', family->out->file);
	write_number(family->out->file, family->measure, value);
	fputc('\n', family->out->file);
}

static void write_label(FILE *out, const char *name, const char *value)
{
	fprintf(out, ",%s=\"", name);
	text_write_escaped(out, value, "\\\"\n");
	fputc('"', out);
}

static void begin_device(struct family *family, const struct pci_device *device)
{
	char address[ADDRESS_SIZE];

	begin_sample(family);
	fprintf(family->out->file, "{address=\"%s\"", address_format(&device->address, address));
}

static void end_device(struct family *family, double value)
{
	fputc('}', family->out->file);
	end_sample(family, value);
}

static void write_host(const struct output *out, const struct inventory *inventory)
{
	for (size_t i = 0; i < HOST_METRIC_COUNT; i++) {
		const struct host_metric *metric = &HOST_METRICS[i];
		struct family family = family_new(out, "host_", metric->name, metric->measure,
						  metric->help);
		double value = metric->get(inventory);

		if (isnan(value))
			continue;
		begin_sample(&family);
		end_sample(&family, value);
	}
}

static void write_pools(const struct output *out, const char *subject, const struct pool *pools,
			size_t count)
{
	for (size_t i = 0; i < POOL_METRIC_COUNT; i++) {
		const struct pool_metric *metric = &POOL_METRICS[i];
		struct family family = family_new(out, subject, metric->name, MEASURE_COUNT,
						  metric->help);

		for (size_t j = 0; j < count; j++) {
			begin_sample(&family);
			if (pools[j].alias)
				/* needs no escaping: alias_is_name */
				fprintf(out->file, "{alias=\"%s\"}", pools[j].alias);
			else
				fprintf(out->file, "{vendor=\"%04x\",device=\"%04x\"}",
					pools[j].vendor, pools[j].device);
			end_sample(&family, (double)metric->get(&pools[j]));
		}
	}
}

static int write_all_pools(const struct output *out, const struct report *report)
{
	struct pool *pools;
	size_t count;
	int error = pools_count(probe_config(report->probe), report->inventory, &pools, &count);

	if (error < 0)
		return error;
	write_pools(out, "alias_", pools, count);
	free(pools);
	error = pools_count_models(report->inventory, &pools, &count);
	if (error < 0)
		return error;
	write_pools(out, "model_", pools, count);
	free(pools);
	return 0;
}

static void write_vm_labels(FILE *out, const struct pci_device *device)
{
	const struct owner *holder = device_holder(device);

	if (holder && holder->name && *holder->name)
		write_label(out, "vm", holder->name);
	if (holder && holder->frontend_id && *holder->frontend_id)
		write_label(out, "vm_id", holder->frontend_id);
}

static void write_measurement(const struct output *out, const struct report *report,
			      const struct field *field)
{
	bool is_traffic = field->measure == MEASURE_TRAFFIC;
	struct family family = family_new(out, is_traffic ? "" : "device_", field_series(field),
					  field->measure, field->help);
	double value;

	report_foreach(report, device)
		if (field_measure(field, device, &value) && !isnan(value)) {
			begin_device(&family, device);
			if (is_traffic)
				write_vm_labels(out->file, device);
			end_device(&family, value);
		}
}

/* Labels for the columns that describe the device; measurements and owners have separate series. */
static int write_info(const struct output *out, const struct report *report)
{
	struct family family = family_new(out, "device_", "info", MEASURE_GAUGE,
					  "ids, names and location of the device; always 1");

	report_foreach(report, device) {
		begin_device(&family, device);
		for (size_t i = 0; i < report->column_count; i++) {
			const struct field *field = report->columns[i];
			struct field_value value = {0};
			char *string;

			if (field->measure != MEASURE_NONE || (field->details & DETAIL_OWNERSHIP) ||
			    strcmp(field->name, "address") == 0 || !field->get(device, &value))
				continue;
			string = value_text(field, device, &value);
			if (!string)
				return -ENOMEM;
			write_label(out->file, field_series(field), string);
			free(string);
		}
		end_device(&family, 1);
	}
	return 0;
}

static void write_ownership(const struct output *out, const struct report *report)
{
	const struct field *field = field_find("ownership");
	struct family family = family_new(out, "device_", "ownership_info", MEASURE_GAUGE,
					  field->help);
	struct field_value value;

	report_foreach(report, device)
		if (field->get(device, &value)) {
			begin_device(&family, device);
			write_label(out->file, field->name, value.text);
			end_device(&family, 1);
		}
}

static void write_device_aliases(const struct output *out, const struct report *report)
{
	struct family family = family_new(out, "device_", "alias_info", MEASURE_GAUGE,
					  "aliases of the device, one series for each; always 1");

	report_foreach(report, device)
		for (size_t i = 0; i < device->aliases.count; i++) {
			begin_device(&family, device);
			write_label(out->file, "alias", device->aliases.items[i]);
			end_device(&family, 1);
		}
}

/* Returns the labels of the owner INDEX, or NULL if out of memory; the caller frees them. */
static char *owner_labels(const struct report *report, const struct pci_device *device,
			  size_t index)
{
	char *labels = NULL;
	FILE *out = textstream_open(&labels);

	if (!out)
		return NULL;
	for (size_t i = 0; i < report->column_count; i++) {
		const struct field *field = report->columns[i];
		struct field_value value = {0};

		if (!is_owner_column(field) || !field->get(device, &value))
			continue;
		if (field->type == FIELD_NUMBERS && value.list.number(device, index))
			fprintf(out, ",%s=\"%" PRIu64 "\"", field_series(field),
				value.list.number(device, index));
		else if (field->type == FIELD_LIST && *value.list.item(device, index))
			write_label(out, field_series(field), value.list.item(device, index));
	}
	return textstream_close(out, &labels);
}

/* With few columns, two owners can have the same labels. node_exporter rejects the whole file if a
 * series is duplicated. */
static bool is_duplicate(char *const labels[], size_t count, const char *candidate)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(labels[i], candidate) == 0)
			return true;
	return false;
}

static int write_device_owners(struct family *family, const struct report *report,
			       const struct pci_device *device)
{
	char **labels = calloc(device->owner_count, sizeof(*labels));
	int error = labels ? 0 : -ENOMEM;

	for (size_t i = 0; i < device->owner_count && !error; i++) {
		labels[i] = owner_labels(report, device, i);
		if (!labels[i]) {
			error = -ENOMEM;
		} else if (!is_duplicate(labels, i, labels[i])) {
			begin_device(family, device);
			fputs(labels[i], family->out->file);
			end_device(family, 1);
		}
	}
	for (size_t i = 0; labels && i < device->owner_count; i++)
		free(labels[i]);
	free(labels);
	return error;
}

static int write_owners(const struct output *out, const struct report *report)
{
	struct family family = family_new(out, "device_", "owner_info", MEASURE_GAUGE,
					  "owners of the device, one series for each; always 1");

	report_foreach(report, device) {
		int error = device->owner_count ? write_device_owners(&family, report, device) : 0;

		if (error)
			return error;
	}
	return 0;
}

static void write_probe_status(const struct output *out, const struct inventory *inventory)
{
	struct family build = family_new(out, "", "build_info", MEASURE_GAUGE,
					 "version of pciprobe; always 1");
	struct family incomplete =
		family_new(out, "host_", "incomplete", MEASURE_COUNT,
			   "number of devices that could not be read completely");
	struct family unseen = family_new(out, "host_", "uninspected_processes", MEASURE_COUNT,
					  "number of processes that could not be inspected");

	begin_sample(&build);
	fputs("{version=\"" PACKAGE_VERSION "\"}", out->file);
	end_sample(&build, 1);
	begin_sample(&incomplete);
	end_sample(&incomplete, (double)inventory->incomplete);
	begin_sample(&unseen);
	end_sample(&unseen, (double)inventory->unseen);
}

static int write_families(const struct report *report, const struct output *out)
{
	int error;

	write_probe_status(out, report->inventory);
	write_host(out, report->inventory);
	error = write_all_pools(out, report);
	if (error)
		return error;
	error = write_info(out, report);
	if (error)
		return error;
	write_device_aliases(out, report);
	write_ownership(out, report);
	for (size_t i = 0; i < FIELD_COUNT; i++)
		write_measurement(out, report, &FIELDS[i]);
	return write_owners(out, report);
}

int write_prometheus(const struct report *report, FILE *out)
{
	return write_families(report, &(struct output){.file = out});
}

int write_openmetrics(const struct report *report, FILE *out)
{
	int error = write_families(report, &(struct output){.file = out, .is_openmetrics = true});

	if (!error)
		fputs("# EOF\n", out);
	return error;
}
