/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the program prints about itself, from its own tables. */
#ifndef PCIPROBE_STANDALONE_HELP_H
#define PCIPROBE_STANDALONE_HELP_H

#include "plugins/standalone/options.h"

#include <stdbool.h>

/* The help of the program, or of one subcommand. Shell completion reads both: the subcommands and
 * options, each the first word of a line that begins with two spaces. */
void help_print(void);
void help_print_subcommand(const struct subcommand *subcommand);

/* Lists the values that the option LETTER accepts. Returns false for an option whose values are not
 * listed. */
bool help_print_values(int letter);

#endif
