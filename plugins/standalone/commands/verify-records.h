/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PCIPROBE_STANDALONE_COMMANDS_VERIFY_RECORDS_H
#define PCIPROBE_STANDALONE_COMMANDS_VERIFY_RECORDS_H

#include "plugins/standalone/options.h"
#include "plugins/standalone/records/frontends.h"

/* Compares the records of FRONTEND in the COUNT files PATHS with this host and prints the
 * differences. Returns an exit status: STATUS_OK if there are none, STATUS_FAILED if there are
 * some, STATUS_PARTIAL if not everything could be determined. */
int verify_records(struct options *options, const struct frontend *frontend, char **paths,
		   size_t count);

#endif
