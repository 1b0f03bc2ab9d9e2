/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Command line options as a table for getopt, for the help and for the options that a subcommand
 * accepts. */
#ifndef PCIPROBE_COMMON_COMMANDLINE_H
#define PCIPROBE_COMMON_COMMANDLINE_H

#include <stddef.h>

struct option_row {
	const char *name;
	char letter;	      /* capitals have no short form, except J and V */
	const char *argument; /* for the help: "FILE"; NULL: no argument */
	const char *help;
};

/* The largest table. */
#define OPTION_ROWS_MAX 48

/* Handles one option. LETTER is '?' for an unknown option, which getopt has reported. Returns -1 to
 * continue, else the exit status. */
typedef int option_handler(void *data, int letter, char *argument);

/* Parses the options in ARGV and calls HANDLE for each. ROWS ends with a row without a name. USED
 * is set to the letters of the options that were given, each once. Returns -1, with *ret_args set
 * to the remaining arguments, which end with NULL; or the exit status that HANDLE returned. */
int commandline_parse(const struct option_row *rows, int argc, char **argv, option_handler *handle,
		      void *data, char used[static OPTION_ROWS_MAX + 1], char ***ret_args);

/* Returns the name of the first option in USED that is neither in COMMON nor in ACCEPTED; NULL if
 * there is none. */
const char *commandline_rejected(const struct option_row *rows, const char *used,
				 const char *common, const char *accepted);

/* Prints the help of the options in LETTERS, or of all if it is NULL. */
void commandline_print(const struct option_row *rows, const char *letters);

#endif
