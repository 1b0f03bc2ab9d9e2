/* SPDX-License-Identifier: GPL-2.0-or-later */
/* pciprobe help */
#include "plugins/standalone/help.h"

#include "plugins/standalone/options.h"

int run_help(struct options *options)
{
	const struct subcommand *subcommand;

	if (!options->argument_count) {
		help_print();
		return STATUS_OK;
	}
	subcommand = subcommand_find(options->arguments[0], &options->log);
	if (!subcommand)
		return STATUS_USAGE;
	help_print_subcommand(subcommand);
	return STATUS_OK;
}
