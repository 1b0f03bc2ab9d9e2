/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe list */
#include "plugins/standalone/columns.h"
#include "plugins/standalone/options.h"
#include "common/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool wants_colors(void)
{
	const char *no_color = getenv("NO_COLOR"), *terminal = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && terminal && strcmp(terminal, "dumb") != 0;
}

/* An empty list would leave a person wondering; a script reads it for what it is. */
static void tell_nothing_selected(const struct options *options, const struct probe *probe,
				  const struct inventory *inventory)
{
	const char *path = probe_config(probe)->path;
	bool narrowed = options->filters.count || options->slots.count || options->names.count;

	if (inventory->selected || !isatty(STDERR_FILENO) || options->quiet)
		return;
	fprintf(stderr, "0 of %zu cards selected%s", inventory->count, path || narrowed ? " by " : "");
	text_write_plain(stderr, path ? path : "");
	fprintf(stderr, "%s%s%s\n", path && narrowed ? " and " : "", narrowed ? "the command line" : "",
		path ? "; --all shows every card" : "");
}

static void tell_unseen(const struct options *options, const struct inventory *inventory)
{
	if (inventory->unseen)
		log_warning(&options->log, "%zu processes could not be looked at: a card that nobody is seen to have may still "
			    "be a VM's. Run as root to know", inventory->unseen);
}

static unsigned details_of(const struct report *report, const struct writer *writer)
{
	unsigned details = writer->details | (report->usage ? DETAIL_USAGE : 0);

	for (size_t i = 0; i < report->column_count; i++)
		details |= report->columns[i]->details;
	return details;
}

static int list_cards(const struct options *options, struct report *report)
{
	struct inventory *inventory = NULL;
	int status = STATUS_FAILED, error;

	if (options_probe(options, details_of(report, options->writer), &report->probe) < 0)
		return STATUS_FAILED;
	if (probe_read(report->probe, &inventory) == 0) {
		report->inventory = inventory;
		error = options->writer->write(report, stdout);
		if (error < 0)
			log_error(&options->log, "%s: %s", options->writer->name, strerror(-error));
		else
			status = status_of(inventory);
		tell_unseen(options, inventory);
		tell_nothing_selected(options, report->probe, inventory);
	}
	inventory_free(inventory);
	probe_free(report->probe);
	return status;
}

int run_list(struct options *options)
{
	const struct writer *writer = options->writer;
	struct report report = {
		.headings = !options->no_headings,
		.usage = options->usage,
		.terminal = isatty(STDOUT_FILENO),
		.colors = wants_colors(),
	};
	int status, error;

	if (!writer->columns && options->columns) {
		log_error(&options->log, "the format '%s' has columns of its own, -o can't change them", writer->name);
		return STATUS_USAGE;
	}
	if (writer->columns) {
		error = columns_parse(options->columns, writer->columns, &options->log, &report.columns,
				      &report.column_count);
		if (error < 0)
			return error == -EINVAL ? STATUS_USAGE : STATUS_FAILED;
	}
	status = list_cards(options, &report);
	free(report.columns);
	return status;
}
