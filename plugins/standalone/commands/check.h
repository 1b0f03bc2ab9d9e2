/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of "pciprobe check" that main needs: a plugin of Nagios has no other output than that
 * on standard output, which begins with the state. */
#ifndef PCIPROBE_STANDALONE_COMMANDS_CHECK_H
#define PCIPROBE_STANDALONE_COMMANDS_CHECK_H

#include "plugins/standalone/options.h"

/* Keeps a message for the output. */
void check_keep_message(struct options *options, enum message_level level, const char *message);

/* Writes that the state is unknown, and the messages. Returns SERVICE_UNKNOWN. */
int check_failed(const struct options *options);

#endif
