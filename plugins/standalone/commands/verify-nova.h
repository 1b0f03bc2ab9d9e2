/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIPROBE_STANDALONE_COMMANDS_VERIFY_NOVA_H
#define PCIPROBE_STANDALONE_COMMANDS_VERIFY_NOVA_H

#include "plugins/standalone/options.h"

/* Prints which devices of this host each device_spec and alias of the nova.conf at PATH matches.
 * Returns an exit status; errors are logged. */
int verify_nova_conf(struct options *options, const char *path);

#endif
