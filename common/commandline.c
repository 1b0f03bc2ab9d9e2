/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "common/commandline.h"

#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool has_short_form(char letter)
{
	return letter >= 'a' || letter == 'J' || letter == 'V';
}

static void fill_getopt(const struct option_row *rows, struct option *longs, char *shorts)
{
	for (size_t i = 0; i < OPTION_ROWS_MAX && rows[i].name; i++) {
		int has_argument = rows[i].argument ? required_argument : no_argument;

		longs[i] = (struct option){rows[i].name, has_argument, NULL, rows[i].letter};
		if (!has_short_form(rows[i].letter))
			continue;
		*shorts++ = rows[i].letter;
		if (rows[i].argument)
			*shorts++ = ':';
	}
}

int commandline_parse(const struct option_row *rows, int argc, char **argv, option_handler *handle,
		      void *data, char used[static OPTION_ROWS_MAX + 1], char ***ret_args)
{
	struct option longs[OPTION_ROWS_MAX + 1] = {0};
	char shorts[OPTION_ROWS_MAX * 2 + 1] = "";
	int letter, status;

	memset(used, 0, OPTION_ROWS_MAX + 1);
	fill_getopt(rows, longs, shorts);
	while ((letter = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		status = handle(data, letter, optarg);
		if (status >= 0)
			return status;
		if (!strchr(used, letter))
			used[strlen(used)] = (char)letter;
	}
	*ret_args = argv + optind;
	return -1;
}

const char *commandline_rejected(const struct option_row *rows, const char *used,
				 const char *common, const char *accepted)
{
	for (; *used; used++) {
		if (strchr(common, *used) || strchr(accepted, *used))
			continue;
		for (size_t i = 0; rows[i].name; i++)
			if (rows[i].letter == *used)
				return rows[i].name;
	}
	return NULL;
}

void commandline_print(const struct option_row *rows, const char *letters)
{
	char option[40];

	for (; rows->name; rows++) {
		bool is_short = has_short_form(rows->letter);

		if (letters && !strchr(letters, rows->letter))
			continue;
		snprintf(option, sizeof(option), "%c%c%s --%s%s%s", is_short ? '-' : ' ',
			 is_short ? rows->letter : ' ', is_short ? "," : " ", rows->name,
			 rows->argument ? " " : "", rows->argument ? rows->argument : "");
		printf("  %-26s %s\n", option, rows->help);
	}
}
