/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Options as a table: one row each for getopt, for the help and for what a verb takes. */
#ifndef PCIPROBE_COMMON_COMMANDLINE_H
#define PCIPROBE_COMMON_COMMANDLINE_H

#include <stddef.h>

struct option_row {
	const char *name;
	char letter;	      /* capitals have no short form, except J and V */
	const char *argument; /* for the help: "FILE"; NULL: it takes none */
	const char *help;
};

/* No program has more of them. */
#define OPTION_ROWS_MAX 48

/* Takes one option of the command line; '?' is one that nobody knows, of which getopt has told.
 * Returns -1 to go on, else the status to end with. */
typedef int option_take(void *data, int letter, char *argument);

/* Reads the options among the ARGC words at ARGV. ROWS ends with a row without name. USED gets the
 * letters of those that came, each once. Returns -1 and at *ret_words the other words, closed by
 * NULL; or the status that TAKE gave. */
int commandline_parse(const struct option_row *rows, int argc, char **argv, option_take *take,
		      void *data, char used[static OPTION_ROWS_MAX + 1], char ***ret_words);

/* The first letter in USED that stands neither in COMMON nor in TAKEN, as the name of its option;
 * NULL: none. */
const char *commandline_refused(const struct option_row *rows, const char *used, const char *common,
				const char *taken);

/* Prints the options for a help text: those in LETTERS, or all for NULL. */
void commandline_print(const struct option_row *rows, const char *letters);

#endif
