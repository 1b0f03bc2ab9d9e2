/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What "pciprobe check" checks: a table of numbers, each of them with the values that are reported
 * unless -w or -c say otherwise. The numbers are functions of what was read, without I/O. */
#ifndef PCIPROBE_STANDALONE_CHECKS_CHECK_H
#define PCIPROBE_STANDALONE_CHECKS_CHECK_H

#include "plugins/standalone/checks/errorcounters.h"
#include "plugins/standalone/checks/threshold.h"
#include "probe/config/config.h"
#include "probe/device.h"

#include <stdio.h>

/* What was read, for the numbers. */
struct check_input {
	const struct config *config;
	const struct inventory *inventory;
	bool has_errors; /* errors is set; if not, see errors_reason */
	struct error_counters errors;
	char *errors_reason;	   /* why the errors before this run are unknown; NULL: known */
	struct strings unfinished; /* one text for each change that vfio-bind has not finished */
	char *unfinished_reason;   /* why it is unknown; NULL: it is known */
	bool has_answer;	   /* there is a last good answer for a frontend */
	double answer_age;	   /* the age of the oldest, in seconds */
	char *answer_reason;	   /* why it is unknown; NULL: it is known */
};

/* A number of which MORE may have to be added: what is unknown. */
struct amount {
	double count;
	double more;	    /* INFINITY: any number */
	bool is_absent;	    /* there is no such number on this host */
	const char *reason; /* why MORE is unknown, if that is not one of the single devices;
			       belongs to the input */
};

/* One row of SERVICE_CHECKS. Either count or measure is set. */
struct service_check {
	const char *name;  /* of the number, in options and performance data: "conflicts" */
	const char *help;  /* one line, lower case, without a full stop */
	const char *one;   /* for the first line of text: "device in conflict" */
	const char *many;  /* "devices in conflict" */
	const char *unit;  /* of performance data; "" is a number of things */
	unsigned details;  /* enum detail: what must be read */
	const char *range; /* what is not reported; NULL: everything, unless -w or -c are given */
	enum service_state state; /* what is reported outside of RANGE */
	const char *advice;	  /* what to do; NULL: nothing in general */

	/* Adds DEVICE to the number. */
	void (*count)(const struct check_input *input, const struct pci_device *device,
		      struct amount *ret);

	/* Writes what is wrong with a DEVICE that was counted, or why that is unknown. NULL:
	 * devices are not listed. */
	void (*explain)(FILE *out, const struct check_input *input,
			const struct pci_device *device);

	/* Sets a number of the whole host. */
	void (*measure)(const struct check_input *input, struct amount *ret);

	/* Appends a text for each thing that was measured. May be NULL. Returns 0 or -ENOMEM. */
	int (*list)(const struct check_input *input, struct strings *ret);
};

extern const struct service_check SERVICE_CHECKS[];
extern const size_t SERVICE_CHECK_COUNT;

/* Returns the check NAME, or NULL (logged) if there is none. */
const struct service_check *service_check_find(const char *name, const struct log *log);

/* The number of CHECK for the devices of ALIAS, or for all selected devices if that is NULL. */
struct amount service_check_amount(const struct service_check *check,
				   const struct check_input *input, const char *alias);

/* What is to be reported of AMOUNT: UNKNOWN unless the state is the same whatever the unknown part
 * is. WARNING and CRITICAL may be NULL. */
enum service_state amount_state(const struct amount *amount, const struct range *warning,
				const struct range *critical);

/* The worse of two states: CRITICAL, UNKNOWN, WARNING, OK. */
enum service_state service_state_worse(enum service_state a, enum service_state b);

/* "WARNING" */
const char *service_state_name(enum service_state state);

#endif
