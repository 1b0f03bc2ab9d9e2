/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the main of every program begins and ends with. */
#ifndef PCIPROBE_COMMON_PROGRAM_H
#define PCIPROBE_COMMON_PROGRAM_H

#include "probe/log.h"

#include <stdbool.h>

/* Opens those of the three standard descriptors that are closed, so that no file of ours takes their place, and makes a
 * closed pipe an error instead of the end. */
void program_begin(void);

/* Prints a message to standard error behind the program's NAME: "pciprobe: warning: ...". Without warnings where QUIET, with
 * what is for debugging only where VERBOSE. */
void program_tell(const char *name, enum message_level level, const char *text, bool quiet, bool verbose);

/* Closes standard output. Returns STATUS, or FAILED where not everything could be written, which is told through LOG. */
int program_end(const struct log *log, int status, int failed);

#endif
