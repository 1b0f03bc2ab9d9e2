/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/help.h"

#include "common/commandline.h"
#include "common/grid.h"
#include "plugins/standalone/checks/check.h"
#include "plugins/standalone/options.h"
#include "probe/ownership/ownership.h"
#include "probe/ownership/sources.h"

#include <ctype.h>
#include <stdio.h>

static int list_formats(struct grid *grid)
{
	int error = 0;

	for (size_t i = 0; i < WRITER_COUNT && error == 0; i++)
		error = grid_add_texts(grid, WRITERS[i].name, WRITERS[i].help, NULL);
	for (size_t i = 0; i < EVENT_FORMAT_COUNT && error == 0; i++)
		if (!writer_find(EVENT_FORMATS[i].name))
			error = grid_add_texts(grid, EVENT_FORMATS[i].name, EVENT_FORMATS[i].help,
					       NULL);
	return error;
}

static int list_columns(struct grid *grid)
{
	char help[160];
	int error = 0;

	for (size_t i = 0; i < FIELD_COUNT && error == 0; i++) {
		const char *unit = FIELDS[i].unit;

		snprintf(help, sizeof(help), "%s%s%s%s", FIELDS[i].help, unit ? " (" : "",
			 unit ? unit : "", unit ? ")" : "");
		error = grid_add_texts(grid, FIELDS[i].name, help, NULL);
	}
	return error;
}

static int list_states(struct grid *grid)
{
	int error = 0;

	for (unsigned i = 0; i < OWNERSHIP_COUNT && error == 0; i++)
		error = grid_add_texts(grid, ownership_name(i), rows_state_help(i), NULL);
	return error;
}

static int list_sources(struct grid *grid)
{
	int error = 0;

	for (size_t i = 0; i < OWNER_SOURCE_COUNT && error == 0; i++)
		error = grid_add_texts(grid, SOURCES[i].name, SOURCES[i].help, NULL);
	return error;
}

static int list_checks(struct grid *grid)
{
	int error = 0;

	for (size_t i = 0; i < SERVICE_CHECK_COUNT && error == 0; i++) {
		const struct service_check *check = &SERVICE_CHECKS[i];
		char help[160];

		snprintf(help, sizeof(help), "%s%s%s%s%s%s", check->help, check->range ? " (" : "",
			 check->range ? service_state_name(check->state) : "",
			 check->range ? " unless " : "", check->range ? check->range : "",
			 check->range ? ")" : "");
		error = grid_add_texts(grid, check->name, help, NULL);
	}
	return error;
}

static int list_releases(struct grid *grid)
{
	char version[40];
	int error = 0;

	for (size_t i = 0; i < NOVA_RELEASE_COUNT && error == 0; i++) {
		snprintf(version, sizeof(version), "Nova %s", NOVA_RELEASES[i].version);
		error = grid_add_texts(grid, NOVA_RELEASES[i].name, version, NULL);
	}
	return error;
}

int help_print_values(int letter, const struct log *log)
{
	static const struct {
		char letter;
		int (*list)(struct grid *grid);
	} lists[] = {
		{'f', list_formats}, {'o', list_columns},
		{'R', list_columns}, {'A', list_states},
		{'O', list_sources}, {'E', list_releases},
		{'w', list_checks},  {CRITICAL_LETTER, list_checks},
	};
	struct grid grid = {.log = log};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (lists[i].letter == letter)
			return grid_write_list(&grid, lists[i].list(&grid), stdout) < 0
				       ? STATUS_FAILED
				       : STATUS_OK;
	return -1;
}

void help_print(void)
{
	char usage[40];

	printf("Usage: pciprobe [SUBCOMMAND] [OPTION...]\n"
	       "List the PCI devices of this host, whether they can be assigned to VMs, and their "
	       "current owners.\n\nSubcommands:\n");
	for (const struct subcommand *subcommand = SUBCOMMANDS; subcommand->name; subcommand++) {
		snprintf(usage, sizeof(usage), "%s %s", subcommand->name, subcommand->arguments);
		printf("  %-26s %s\n", usage, subcommand->help);
	}
	printf("\nOptions:\n");
	commandline_print(OPTION_ROWS, NULL);
	printf("\nFormats:\n");
	for (size_t i = 0; i < WRITER_COUNT; i++)
		printf("  %-26s %s\n", WRITERS[i].name, WRITERS[i].help);
	for (size_t i = 0; i < EVENT_FORMAT_COUNT; i++)
		if (!writer_find(EVENT_FORMATS[i].name))
			printf("  %-26s %s\n", EVENT_FORMATS[i].name, EVENT_FORMATS[i].help);
	printf("\nExit status: 0 success, 1 nothing could be listed, 2 usage error, 3 listed, but "
	       "some devices could not be\n"
	       "read completely. 'pciprobe help SUBCOMMAND' shows the options of one subcommand. "
	       "See pciprobe(1), pci.conf(5).\n");
}

void help_print_subcommand(const struct subcommand *subcommand)
{
	struct option_row rows[OPTION_ROWS_MAX + 1];
	char letters[OPTION_ROWS_MAX + 1];

	options_rows(subcommand->run == run_service_check, rows);
	snprintf(letters, sizeof(letters), "%s" COMMON_OPTIONS, subcommand->options);
	printf("Usage: pciprobe %s%s%s [OPTION...]\n%c%s.\n\nOptions:\n", subcommand->name,
	       *subcommand->arguments ? " " : "", subcommand->arguments,
	       toupper((unsigned char)*subcommand->help), subcommand->help + 1);
	commandline_print(rows, letters);
	printf("\nSee pciprobe(1).\n");
}
