/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The output of a format, for tests. */
#ifndef PCIPROBE_TESTS_UNIT_STANDALONE_OUTPUT_H
#define PCIPROBE_TESTS_UNIT_STANDALONE_OUTPUT_H

#include "plugins/standalone/formats/writer.h"

/* Reads a host with OPTIONS, and what FORMAT needs, and returns what FORMAT writes with the
 * settings in REPORT; the caller frees it. EDIT, if not NULL, modifies the inventory before. A
 * failure fails the test. */
char *output_of_format(const char *format, struct probe_options options, struct report report,
		       void (*edit)(struct inventory *));

#endif
