/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows, columns and cells of the formats table and tree. Columns chosen by the user are shown
 * unchanged; the default columns are abbreviated and fitted to the terminal. */
#ifndef PCIPROBE_STANDALONE_FORMATS_OVERVIEW_H
#define PCIPROBE_STANDALONE_FORMATS_OVERVIEW_H

#include "common/grid.h"
#include "plugins/standalone/formats/writer.h"

/* Calls setlocale and fills GRID, which must be empty; TREE adds the bridges above the devices. If
 * the columns were not chosen by the user, the caller fits it to the report's width (grid_fit).
 * Returns 0 or -ENOMEM; the caller frees GRID with grid_free_members in both cases. */
int overview_read(const struct report *report, bool tree, struct grid *grid);

/* Returns how grid_write displays it: enum grid_flag. */
unsigned overview_grid_flags(const struct report *report);

/* Writes a summary if the output is a terminal: "14 devices: 1 held, 2 free, 11 host". */
void overview_write_summary(const struct report *report, FILE *out);

#endif
