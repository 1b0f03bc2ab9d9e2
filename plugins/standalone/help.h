/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Help texts, generated from the tables of subcommands, options, formats and fields. */
#ifndef PCIPROBE_STANDALONE_HELP_H
#define PCIPROBE_STANDALONE_HELP_H

#include "plugins/standalone/options.h"

/* Print the help of the program, or of one subcommand. Shell completion parses both: each
 * subcommand and option is the first word of a line that begins with two spaces. */
void help_print(void);
void help_print_subcommand(const struct subcommand *subcommand);

/* Prints the values that the option LETTER accepts. Returns an exit status, or -1 without printing
 * anything for an option without such a list. */
int help_print_values(int letter, const struct log *log);

#endif
