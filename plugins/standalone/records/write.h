/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the differences between records and host, one line each. */
#ifndef PCIPROBE_STANDALONE_RECORDS_WRITE_H
#define PCIPROBE_STANDALONE_RECORDS_WRITE_H

#include "plugins/standalone/records/compare.h"

#include <stdio.h>

/* Write all differences of COMPARISON, as text or as one JSON object in each line. Return 0 or
 * -ENOMEM. */
int differences_write(const struct comparison *comparison, FILE *out);
int differences_write_json(const struct comparison *comparison, FILE *out);

#endif
