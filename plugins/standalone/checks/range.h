/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threshold ranges as the guidelines of Monitoring Plugins define them
 * (https://www.monitoring-plugins.org/doc/guidelines.html, "Threshold and Ranges"):
 *
 *   10     alert if the value is < 0 or > 10
 *   10:    alert if it is < 10
 *   ~:10   alert if it is > 10
 *   10:20  alert if it is < 10 or > 20
 *   @10:20 alert if it is >= 10 and <= 20 */
#ifndef PCIPROBE_STANDALONE_CHECKS_RANGE_H
#define PCIPROBE_STANDALONE_CHECKS_RANGE_H

#include <stdbool.h>

/* Longest text of a range. */
#define RANGE_TEXT_MAX 40

struct range {
	double low, high; /* may be infinite */
	bool is_inside;	  /* '@': alert if the value is in the range */
};

/* Parses TEXT completely: numbers are decimal, without exponents, whatever the locale. Returns
 * NULL, or what is wrong with TEXT, a constant; *RET stays untouched then. */
const char *range_parse(const char *text, struct range *ret);

/* Whether VALUE, which may be infinite, must be reported. */
bool range_alerts(const struct range *range, double value);

#endif
