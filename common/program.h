/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the main of every program begins and ends with. */
#ifndef PCIPROBE_COMMON_PROGRAM_H
#define PCIPROBE_COMMON_PROGRAM_H

#include "probe/log.h"

#include <stdbool.h>

/* Opens those of the three standard descriptors that are closed, so that no file of ours takes
 * their place. Ignores SIGPIPE, so that nothing ends half-way for want of a reader. Returns whether
 * it was ignored before. */
bool program_begin(void);

/* Prints a message to standard error behind the program's NAME: "pciprobe: warning: ...". Without
 * warnings where QUIET, with what is for debugging only where VERBOSE. */
void program_log(const char *name, enum message_level level, const char *text, bool quiet,
		 bool verbose);

/* Closes standard output. Returns STATUS, or FAILED where not everything could be written, which is
 * logged through LOG.
 *
 * A reader that has gone, as head(1) does, is no error: the process then ends by SIGPIPE, like
 * programs that never ignored it, or with STATUS unless that is 0. Where SIGPIPE was ignored before
 * (PIPE_IGNORED, of program_begin) it is an error like others. */
int program_end(const struct log *log, int status, int failed, bool pipe_ignored);

/* Returns the width of the terminal that standard output is, in columns; 0 if it is not a terminal.
 */
unsigned program_terminal_width(void);

#endif
