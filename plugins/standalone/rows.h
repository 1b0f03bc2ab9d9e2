/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the selected devices are listed, by what is only known once they are read, and in which
 * order. */
#ifndef PCIPROBE_STANDALONE_ROWS_H
#define PCIPROBE_STANDALONE_ROWS_H

#include "probe/device.h"
#include "probe/fields.h"
#include "probe/log.h"
#include "probe/strings.h"

/* {0} lists all, in order of address. */
struct rows {
	unsigned states;		/* 1 << enum ownership for each that is listed; 0: all */
	struct strings owners, drivers; /* one of them must match; none: all */
	bool no_bridges;
	const struct field **sort; /* the most significant first */
	size_t sort_count;
};

/* Prints the states that --state accepts, with what they mean. */
void rows_print_states(void);

/* Add what the arguments of --state and --driver name, with commas between them. Return 0, -EINVAL
 * for a name that is not a state, which is logged, or -ENOMEM. */
int rows_add_states(struct rows *rows, const char *list, const struct log *log);
int rows_add_drivers(struct rows *rows, const char *list);

/* Whether some selected devices may not be listed. */
bool rows_are_filtered(const struct rows *rows);

/* What must be read for it: enum detail. */
unsigned rows_details(const struct rows *rows);

/* Deselects the devices that are not listed. */
void rows_filter(const struct rows *rows, struct inventory *inventory);

/* Returns the selected devices, terminated by NULL and sorted: numbers by value, other values with
 * strverscmp(3), devices without a value last, equal devices by address. NULL if out of memory; the
 * caller frees the array, but not the devices, which belong to the inventory. */
const struct pci_device **rows_sort(const struct rows *rows, const struct inventory *inventory);

void rows_free(struct rows *rows);

#endif
