/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The start and the end of every program's main. */
#ifndef PCIPROBE_COMMON_PROGRAM_H
#define PCIPROBE_COMMON_PROGRAM_H

#include "probe/log.h"

#include <limits.h>
#include <stdbool.h>

/* Opens /dev/null for each standard descriptor that is closed, so that no file opened later gets
 * its number. Ignores SIGPIPE, so that a closed pipe does not interrupt the program. Returns
 * whether SIGPIPE was ignored before. */
bool program_begin(void);

/* Prints a message to standard error, after the program's NAME: "pciprobe: warning: ...". Warnings
 * are omitted if QUIET, debug messages unless VERBOSE. */
void program_log(const char *name, enum message_level level, const char *message, bool quiet,
		 bool verbose);

/* Closes standard output. Returns STATUS, or FAILED after a write error, which is logged through
 * LOG.
 *
 * A pipe whose reader exited, as head(1) does, is not an error: unless STATUS is set, the process
 * then kills itself with SIGPIPE, like programs that do not ignore it. If SIGPIPE was ignored at
 * the start (PIPE_IGNORED, returned by program_begin), it is a write error like any other. */
int program_end(const struct log *log, int status, int failed, bool pipe_ignored);

/* Returns the path of a helper program: INSTALLED, or if that does not exist and the program runs
 * in its build directory the one there, in BUFFER. INSTALLED may be NULL. */
const char *program_helper(const char *installed, char buffer[static PATH_MAX]);

/* Returns the width of the terminal that standard output is, in columns; 0 if it is not a terminal.
 */
unsigned program_terminal_width(void);

#endif
