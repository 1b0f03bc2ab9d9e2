/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which of the selected devices are listed, by properties that are known only after reading them,
 * and their order. */
#ifndef PCIPROBE_STANDALONE_ROWS_H
#define PCIPROBE_STANDALONE_ROWS_H

#include "probe/device.h"
#include "probe/fields.h"
#include "probe/log.h"
#include "probe/strings.h"

/* {0} lists all devices in order of address. */
struct rows {
	unsigned states;		/* 1 << enum ownership of each listed state; 0: all */
	struct strings owners, drivers; /* one of each must match; empty: all */
	bool no_bridges;
	const struct field **sort; /* most significant first; owned, the fields are not */
	size_t sort_count;
};

/* Returns what a state that --state accepts means. */
const char *rows_state_help(enum ownership state);

/* Parse the comma-separated arguments of --state and --driver. Return 0, -EINVAL (logged) for an
 * unknown state, or -ENOMEM. */
int rows_add_states(struct rows *rows, const char *list, const struct log *log);
int rows_add_drivers(struct rows *rows, const char *list);

/* Returns whether ROWS has a filter. */
bool rows_are_filtered(const struct rows *rows);

/* Returns the details (enum detail) that must be read for rows_filter and rows_sort. */
unsigned rows_details(const struct rows *rows);

/* Deselects the devices that are not listed. */
void rows_filter(const struct rows *rows, struct inventory *inventory);

/* Returns the selected devices, terminated by NULL and sorted: numbers by value, other values with
 * strverscmp(3), devices without a value last, equal devices by address. NULL if out of memory; the
 * caller frees the array, but not the devices, which belong to the inventory. */
const struct pci_device **rows_sort(const struct rows *rows, const struct inventory *inventory);

void rows_free(struct rows *rows);

#endif
