/* SPDX-License-Identifier: GPL-2.0-or-later */
/* collectd: what collectd's exec plugin and its unixsock take, collectd-exec(5) and
 * collectd-unixsock(5). The identifiers are those of the plugin pciprobe.so. */
#include "common/text.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/metrics.h"

#include <math.h>
#include <string.h>

/* Of an owner's name, and of owners, what a notification's 255 characters have room for. */
#define FACT_SIZE 48
#define FACTS_MAX 3

struct collectd_output {
	FILE *out;
	const struct report *report;
};

/* A part of an identifier. A slash would end it. */
static void write_part(FILE *out, const char *text)
{
	for (const char *slash; (slash = strchr(text, '/')); text = slash + 1) {
		char part[256];

		snprintf(part, sizeof(part), "%.*s_", (int)(slash - text), text);
		text_write_escaped(out, part, "\\\"");
	}
	text_write_escaped(out, text, "\\\"");
}

static const char *host_of(const struct report *report)
{
	if (report->collectd_host && *report->collectd_host)
		return report->collectd_host;
	return *report->inventory->host ? report->inventory->host : "localhost";
}

static void write_value(void *data, const struct metric *metric)
{
	const struct collectd_output *output = data;
	const struct report *report = output->report;
	FILE *out = output->out;
	char address[ADDRESS_SIZE], model[MODEL_SIZE];

	fputs("PUTVAL \"", out);
	write_part(out, host_of(report));
	fputs("/pciprobe-", out);
	write_part(out, metric->device ? address_format(&metric->device->address, address)
			: metric->pool ? pool_name(metric->pool, model)
				       : "summary");
	fprintf(out, "/%s-%s\"", measure_name(metric->measure), metric->name);
	if (report->collectd_interval > 0)
		fprintf(out, " interval=%.3f", report->collectd_interval);
	fputs(" N:", out);
	if (isnan(metric->value))
		fputc('U', out);
	else
		write_number(out, metric->measure, metric->value);
	fputc('\n', out);
}

/* KEY=TEXT, as one word that ends nothing. A name that is too long for a message is cut. */
static void write_fact(FILE *out, const char *key, const char *text)
{
	char word[FACT_SIZE];
	size_t length = 0;

	for (; *text && length + 1 < sizeof(word); text++)
		word[length++] = strchr(" \"'\\=", *text) ? '?' : *text;
	word[length] = '\0';
	fprintf(out, " %s=", key);
	text_write_plain(out, word);
}

static void write_message(FILE *out, const struct pci_device *device)
{
	char address[ADDRESS_SIZE];

	fprintf(out, "event=conflict address=%s", address_format(&device->address, address));
	for (size_t i = 0; i < device->owner_count && i < FACTS_MAX; i++) {
		const struct owner *owner = &device->owners[i];

		if (owner->name)
			write_fact(out, "vm", owner->name);
		else if (owner->program)
			write_fact(out, "program", owner->program);
		if (owner->pid)
			fprintf(out, " pid=%d", (int)owner->pid);
	}
}

/* The one fault that is one whenever it is seen. What else a notification can tell is a change, and
 * who runs once sees none. */
static void write_conflict(const struct collectd_output *output, const struct pci_device *device)
{
	FILE *out = output->out;
	char address[ADDRESS_SIZE];

	fprintf(out, "PUTNOTIF severity=failure time=%lld host=\"",
		(long long)output->report->inventory->time.tv_sec);
	write_part(out, host_of(output->report));
	fprintf(out,
		"\" plugin=pciprobe plugin_instance=%s type=pci_device type_instance=conflict message=\"",
		address_format(&device->address, address));
	write_message(out, device);
	fputs("\"\n", out);
}

int write_collectd(const struct report *report, FILE *out)
{
	struct collectd_output output = {out, report};
	int error = metrics_walk(probe_config(report->probe), report->inventory, report->details,
				 write_value, &output);

	inventory_foreach(report->inventory, device)
		if (device_has_conflict(device))
			write_conflict(&output, device);
	return error;
}
