/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of aliases on the command line: a mistyped one is an error, not an alias without devices.
 */
#ifndef PCIPROBE_STANDALONE_ALIASNAME_H
#define PCIPROBE_STANDALONE_ALIASNAME_H

#include "probe/config/config.h"

#include <stdbool.h>

/* Whether CONFIG defines the alias NAME; if not, an error with the defined ones is logged. */
bool aliasname_check(const char *name, const struct config *config, const struct log *log);

#endif
