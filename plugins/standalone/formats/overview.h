/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table and the tree for people: which rows and columns, and what is in the cells. The columns
 * that the user chose are shown as they are; the others are made short and easy to read, and fit
 * the terminal. */
#ifndef PCIPROBE_STANDALONE_FORMATS_OVERVIEW_H
#define PCIPROBE_STANDALONE_FORMATS_OVERVIEW_H

#include "plugins/standalone/formats/grid.h"
#include "plugins/standalone/formats/writer.h"

/* Fills GRID, which is empty, and calls setlocale; free it with grid_free_members in any case.
 * TREE: with the bridges above the devices. What the user did not choose is to be fitted (grid_fit)
 * to the report's width. Returns 0 or -ENOMEM. */
int overview_read(const struct report *report, bool tree, struct grid *grid);

/* Ends the table on a terminal: "14 devices: 1 held, 2 free, 11 host". */
void overview_write_summary(const struct report *report, FILE *out);

#endif
