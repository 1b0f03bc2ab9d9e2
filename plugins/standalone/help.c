/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/help.h"

#include "common/commandline.h"
#include "plugins/standalone/options.h"
#include "probe/ownership/sources.h"

#include <ctype.h>
#include <stdio.h>

static void print_formats(void)
{
	for (size_t i = 0; i < WRITER_COUNT; i++)
		printf("%-18s %s\n", WRITERS[i].name, WRITERS[i].help);
}

static void print_columns(void)
{
	for (size_t i = 0; i < FIELD_COUNT; i++)
		printf("%-18s %s%s%s%s\n", FIELDS[i].name, FIELDS[i].help,
		       FIELDS[i].unit ? " (" : "", FIELDS[i].unit ? FIELDS[i].unit : "",
		       FIELDS[i].unit ? ")" : "");
}

static void print_sources(void)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		printf("%-12s %s\n", SOURCES[i].name, SOURCES[i].help);
}

bool help_print_values(int letter)
{
	static const struct {
		char letter;
		void (*print)(void);
	} lists[] = {
		{'f', print_formats},	  {'o', print_columns}, {'R', print_columns},
		{'A', rows_print_states}, {'O', print_sources},
	};

	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++)
		if (lists[i].letter == letter) {
			lists[i].print();
			return true;
		}
	return false;
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
	printf("\nExit status: 0 success, 1 nothing could be listed, 2 usage error, 3 listed, but "
	       "some devices could not be\n"
	       "read completely. 'pciprobe help SUBCOMMAND' shows the options of one subcommand. "
	       "See pciprobe(1), pci.conf(5).\n");
}

void help_print_subcommand(const struct subcommand *subcommand)
{
	char letters[OPTION_ROWS_MAX + 1];

	snprintf(letters, sizeof(letters), "%s" COMMON_OPTIONS, subcommand->options);
	printf("Usage: pciprobe %s%s%s [OPTION...]\n%c%s.\n\nOptions:\n", subcommand->name,
	       *subcommand->arguments ? " " : "", subcommand->arguments,
	       toupper((unsigned char)*subcommand->help), subcommand->help + 1);
	commandline_print(OPTION_ROWS, letters);
	printf("\nSee pciprobe(1).\n");
}
