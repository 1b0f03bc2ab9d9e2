/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From options to a report, and out. What verbs that write an inventory have in common. */
#ifndef PCIPROBE_STANDALONE_REPORT_H
#define PCIPROBE_STANDALONE_REPORT_H

#include "plugins/standalone/options.h"

/* Fills REPORT in but for probe and inventory. Its columns are to be freed. Faults are told.
 * Returns an enum status. */
int report_begin(struct report *report, const struct options *options);

/* Notes in it and returns what must be read for it, and MORE: enum detail. */
unsigned report_details(struct report *report, const struct options *options, unsigned more);

/* Writes it to standard output, in the format of the options. Returns an enum status. */
int report_write(const struct report *report, const struct options *options);

/* Says on standard error why devices have an unknown owner, each reason once, where the format of
 * the options has no room for it and report_log_sources does not. */
void report_unknown_owners(const struct options *options, const struct inventory *inventory);

/* Says on standard error that no device is selected, why, and what to do. Where it is only the
 * command line that selects none, an answer like any other, this is said on a terminal only; and so
 * it is of a FORMAT (its name; NULL: none) that another program reads every minute. */
void report_empty_selection(const struct options *options, const char *format, struct probe *probe,
			    const struct inventory *inventory);

/* Tells on standard error which sources of ownership could not answer, and what that means. */
void report_log_sources(const struct options *options, const struct inventory *inventory);

#endif
