/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe list */
#include "plugins/standalone/report.h"

#include <stdlib.h>

static int list_devices(struct options *options, struct report *report)
{
	struct inventory *inventory = NULL;
	int status = STATUS_FAILED;

	if (options_probe(options, report_details(report, options, 0), &report->probe) < 0)
		return STATUS_FAILED;
	if (probe_read(report->probe, &inventory) == 0) {
		rows_filter(&options->rows, inventory);
		report->inventory = inventory;
		status = report_write(report, options);
		report_log_sources(options, inventory);
		report_unknown_owners(options, inventory);
		report_findings(options, inventory);
		report_empty_selection(options, options->writer->flags & WRITER_POLLED,
				       report->probe, inventory);
	}
	inventory_free(inventory);
	probe_free(report->probe);
	return status;
}

int run_list(struct options *options)
{
	struct report report;
	int status = report_begin(&report, options);

	if (status == STATUS_OK)
		status = list_devices(options, &report);
	free(report.columns);
	return status;
}
