/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe list */
#include "plugins/standalone/report.h"
#include "common/text.h"

#include <stdlib.h>
#include <unistd.h>

/* An empty list would leave a person wondering; a script reads it for what it is. */
static void tell_nothing_selected(const struct options *options, const struct probe *probe,
				  const struct inventory *inventory)
{
	const char *path = probe_config(probe)->path;
	bool narrowed = options->filters.count || options->slots.count || options->names.count ||
			rows_are_filtered(&options->rows);

	if (inventory->selected || !isatty(STDERR_FILENO) || options->quiet)
		return;
	fprintf(stderr, "0 of %zu cards selected%s", inventory->count, path || narrowed ? " by " : "");
	text_write_plain(stderr, path ? path : "");
	fprintf(stderr, "%s%s%s\n", path && narrowed ? " and " : "", narrowed ? "the command line" : "",
		path ? "; --all shows every card" : "");
}

static int list_cards(const struct options *options, struct report *report)
{
	struct inventory *inventory = NULL;
	int status = STATUS_FAILED;

	if (options_probe(options, report_details(report, options, 0), &report->probe) < 0)
		return STATUS_FAILED;
	if (probe_read(report->probe, &inventory) == 0) {
		rows_apply(&options->rows, inventory);
		report->inventory = inventory;
		status = report_write(report, options);
		report_tell_sources(options, inventory);
		tell_nothing_selected(options, report->probe, inventory);
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
		status = list_cards(options, &report);
	free(report.columns);
	return status;
}
