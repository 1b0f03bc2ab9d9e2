/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/report.h"

#include "plugins/standalone/columns.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wants_colors(void)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

/* How often collectd asks, in seconds; 0: it didn't start us, or said nothing that makes sense. */
static double collectd_interval(void)
{
	const char *text = getenv("COLLECTD_INTERVAL");
	char *end = NULL;
	double interval = text ? strtod(text, &end) : 0;

	return end && end != text && !*end && interval > 0 && interval < 1e9 ? interval : 0;
}

int report_begin(struct report *report, const struct options *options)
{
	const struct writer *writer = options->writer;
	int error;

	*report = (struct report){
		.headings = !options->no_headings,
		.usage = options->usage,
		.teaming = options->teaming,
		.terminal = isatty(STDOUT_FILENO),
		.colors = wants_colors(),
		.collectd_host = getenv("COLLECTD_HOSTNAME"),
		.collectd_interval = collectd_interval(),
	};
	if (!writer->columns && options->columns) {
		log_error(&options->log, "the format '%s' has columns of its own, -o can't change them", writer->name);
		return STATUS_USAGE;
	}
	if (!writer->columns && options->rows.sort_count) {
		log_error(&options->log,
			  "the format '%s' has an order of its own, --sort can't change it",
			  writer->name);
		return STATUS_USAGE;
	}
	if (options->teaming && strcmp(writer->name, "libvirt") != 0) {
		log_error(&options->log, "--teaming is of the format libvirt alone: -f libvirt");
		return STATUS_USAGE;
	}
	if (!writer->columns)
		return STATUS_OK;
	error = columns_parse(options->columns, writer->columns, &options->log, &report->columns, &report->column_count);
	return !error ? STATUS_OK : error == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
}

unsigned report_details(struct report *report, const struct options *options, unsigned more)
{
	report->details = options->writer->details | (report->usage ? DETAIL_USAGE : 0) |
			  rows_details(&options->rows) | more;
	for (size_t i = 0; i < report->column_count; i++)
		report->details |= report->columns[i]->details;
	return report->details;
}

int report_write(const struct report *report, const struct options *options)
{
	int error = options->writer->write(report, stdout);

	if (!error)
		return status_of(report->inventory);
	log_error(&options->log, "%s: %s", options->writer->name, strerror(-error));
	return STATUS_FAILED;
}

void report_tell_sources(const struct options *options, const struct inventory *inventory)
{
	if (inventory->unseen)
		log_warning(&options->log, "%zu processes could not be looked at: a card that nobody is seen to have may still "
			    "be a VM's. Run as root to know", inventory->unseen);
	else if (inventory->sources[0].state == SOURCE_PARTLY)
		log_warning(&options->log, "%s: devices shown without an owner may be in use", inventory->sources[0].why);
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++) {
		const struct source_report *source = &inventory->sources[i];

		/* what is wrong with the processes has been told */
		if (!((1u << i) & (OWNER_LIBVIRT | OWNER_PROXMOX)))
			continue;
		if (source->state == SOURCE_PARTLY)
			log_warning(&options->log, "%s: %s. Devices without a known owner are unknown", source->name, source->why);
		if (source->state == SOURCE_FAILED)
			log_warning(&options->log, "%s gave no answer (%s): a card that nobody is seen to have may still be "
				    "reserved. --owners tells whom to ask", source->name, source->why);
	}
}
