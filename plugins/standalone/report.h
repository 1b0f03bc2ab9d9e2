/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From options to a written report: common code of the subcommands that write an inventory. */
#ifndef PCIPROBE_STANDALONE_REPORT_H
#define PCIPROBE_STANDALONE_REPORT_H

#include "plugins/standalone/options.h"

/* Initializes REPORT from OPTIONS, except probe and inventory. The caller frees report->columns.
 * Errors are logged. Returns an enum status. */
int report_begin(struct report *report, const struct options *options);

/* Returns the details (enum detail) that must be read for REPORT and OPTIONS, plus EXTRA, and
 * stores them in report->details. */
unsigned report_details(struct report *report, const struct options *options, unsigned extra);

/* A report as a whole: nothing of one that cannot be completed is written, since readers may not
 * check the exit status. */
struct report_text {
	char *text; /* of SIZE bytes, without a NUL; NULL if it is empty */
	size_t size;
};

/* Returns 0 or a negative errno (not logged). Free RET with report_text_free. */
int report_make_text(const struct writer *writer, const struct report *report,
		     struct report_text *ret);
void report_text_free(struct report_text *text);

/* Writes REPORT to standard output in the format of OPTIONS. Errors are logged. Returns an enum
 * status. */
int report_write(const struct report *report, const struct options *options);

/* Logs why devices have an unknown owner, each reason once. Does nothing if the output includes the
 * reasons, or report_log_sources has logged the one reason for all of them. */
void report_unknown_owners(const struct options *options, const struct inventory *inventory);

/* Logs how the host differs from :expect: of pci.conf, in formats for people. */
void report_findings(const struct options *options, const struct inventory *inventory);

/* Logs that no device is selected, why, and what to do. If that is the result of command line
 * options, or POLLED (the output is one that another program reads periodically), it is logged only
 * if standard error is a terminal. */
void report_empty_selection(const struct options *options, bool polled, struct probe *probe,
			    const struct inventory *inventory);

/* Logs which sources of ownership failed, and the consequence for the devices shown. */
void report_log_sources(const struct options *options, const struct inventory *inventory);

#endif
