/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collectd: the plain text protocol of collectd's exec and unixsock plugins, see collectd-exec(5)
 * and collectd-unixsock(5). The identifiers are the same as those of the plugin pciprobe.so. */
#include "common/text.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Limits that keep a notification within collectd's 255 characters. */
#define NAME_SIZE 48
#define OWNERS_MAX 3

struct collectd_output {
	FILE *out;
	const struct report *report;
};

/* Slashes separate the parts of an identifier. */
static void write_identifier_part(FILE *out, const char *string)
{
	for (const char *slash; (slash = strchr(string, '/')); string = slash + 1) {
		char part[256];

		snprintf(part, sizeof(part), "%.*s_", (int)(slash - string), string);
		text_write_escaped(out, part, "\\\"");
	}
	text_write_escaped(out, string, "\\\"");
}

static const char *host_name(const struct report *report)
{
	if (report->format.collectd_host && *report->format.collectd_host)
		return report->format.collectd_host;
	return *report->inventory->host ? report->inventory->host : "localhost";
}

static void write_value(void *data, const struct metric *metric)
{
	const struct collectd_output *output = data;
	const struct report *report = output->report;
	FILE *out = output->out;
	char address[ADDRESS_SIZE], model[MODEL_SIZE];

	fputs("PUTVAL \"", out);
	write_identifier_part(out, host_name(report));
	fputs("/pciprobe-", out);
	write_identifier_part(out, metric->device
					   ? address_format(&metric->device->address, address)
				   : metric->pool ? pool_name(metric->pool, model)
						  : "summary");
	if (metric->measure == MEASURE_TRAFFIC)
		fprintf(out, "/%s\"", metric->name);
	else
		fprintf(out, "/%s-%s\"", measure_name(metric->measure), metric->name);
	if (report->format.collectd_interval > 0)
		fprintf(out, " interval=%.3f", report->format.collectd_interval);
	fputs(" N:", out);
	if (metric->measure == MEASURE_TRAFFIC)
		fprintf(out, "%" PRIu64 ":%" PRIu64, metric->rx, metric->tx);
	else if (isnan(metric->value))
		fputc('U', out);
	else
		write_number(out, metric->measure, metric->value);
	fputc('\n', out);
}

/* Writes KEY=STRING without spaces and quotes, truncated to NAME_SIZE. */
static void write_pair(FILE *out, const char *key, const char *string)
{
	char name[NAME_SIZE];
	size_t length = 0;

	for (; *string && length + 1 < sizeof(name); string++)
		name[length++] = strchr(" \"'\\=", *string) ? '?' : *string;
	name[length] = '\0';
	fprintf(out, " %s=", key);
	text_write_plain(out, name);
}

static void write_owners(FILE *out, const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count && i < OWNERS_MAX; i++) {
		const struct owner *owner = &device->owners[i];

		if (owner->name)
			write_pair(out, "vm", owner->name);
		else if (owner->program)
			write_pair(out, "program", owner->program);
		if (owner->pid)
			fprintf(out, " pid=%d", (int)owner->pid);
	}
}

/* The items are of plain words. */
static void write_list(FILE *out, const char *key, const struct strings *list)
{
	for (size_t i = 0; i < list->count; i++) {
		fprintf(out, " %s=", key);
		for (const char *c = list->items[i]; *c; c++)
			fputc(*c == ' ' ? '_' : *c, out);
	}
}

/* The other notifications of the plugin report changes, which a single run cannot detect. */
static void write_notification(const struct collectd_output *output, const char *severity,
			       const char *event, const struct pci_device *device)
{
	FILE *out = output->out;
	char address[ADDRESS_SIZE];

	fprintf(out, "PUTNOTIF severity=%s time=%lld host=\"", severity,
		(long long)output->report->inventory->time.tv_sec);
	write_identifier_part(out, host_name(output->report));
	fprintf(out,
		"\" plugin=pciprobe plugin_instance=%s type=pci_device type_instance=%s message=\""
		"event=%s address=%s",
		address_format(&device->address, address), event, event, address);
	write_owners(out, device);
	write_list(out, "leftover", &device->leftovers);
	write_list(out, "drift", &device->drift);
	fputs("\"\n", out);
}

int write_collectd(const struct report *report, FILE *out)
{
	struct collectd_output output = {out, report};
	int error = metrics_walk(probe_config(report->probe), report->inventory, report->details,
				 write_value, &output);

	inventory_foreach(report->inventory, device) {
		if (device_has_conflict(device))
			write_notification(&output, "failure", "conflict", device);
		if (device->leftovers.count)
			write_notification(&output, "warning", "leftover", device);
		if (device->drift.count)
			write_notification(&output, "warning", "drift", device);
	}
	return error;
}
