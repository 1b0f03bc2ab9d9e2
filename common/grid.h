/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The cells of a table or tree, fitted to the width of a terminal: columns are hidden and texts
 * truncated, never wrapped. */
#ifndef PCIPROBE_COMMON_GRID_H
#define PCIPROBE_COMMON_GRID_H

#include "probe/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct grid_column {
	char *heading;	 /* owned by the grid */
	bool right;	 /* right-aligned */
	bool flexible;	 /* truncated before columns are hidden */
	bool keep_empty; /* not hidden if all its cells are empty */
	unsigned rank;	 /* columns of higher rank are hidden first; 0: never */
	bool hidden;	 /* set by grid_fit */
	size_t width;	 /* set by grid_fit, in terminal columns */
};

struct grid_cell {
	char *text;	   /* owned by the grid; NULL: empty */
	const char *color; /* "green"; NULL: none */
};

struct grid_row {
	ssize_t parent;		 /* index of the parent row in a tree; -1: none */
	size_t depth;		 /* number of ancestors in the tree */
	struct grid_cell *cells; /* one per column */
};

struct grid {
	const struct log *log; /* for grid_write; NULL: none */
	struct grid_column *columns;
	size_t column_count;
	struct grid_row *rows;
	size_t row_count;
};

/* Adds a column; must be called before rows are added. HEADING is copied. Returns the column, whose
 * properties the caller sets, or NULL if out of memory. The next call invalidates it. */
struct grid_column *grid_add_column(struct grid *grid, const char *heading);

/* Adds a row of empty cells as a child of row PARENT (-1: none). Returns its index, or -ENOMEM. */
ssize_t grid_add_row(struct grid *grid, ssize_t parent);

/* Hides columns that are empty in all rows, then fits the rows to WIDTH terminal columns (0:
 * unlimited): hides columns by rank and truncates texts, which then end in an ellipsis. Characters
 * that the locale cannot print are replaced by '?'. The caller must have called setlocale. Returns
 * 0 or -ENOMEM. */
int grid_fit(struct grid *grid, size_t width);

/* Returns the width of TEXT in terminal columns. */
size_t grid_text_width(const char *text);

/* Adds a row of copies of the texts that follow, up to NULL, and the columns for them if there are
 * none yet. For lists without headings. An empty text is an empty cell. Returns 0 or -ENOMEM. */
int grid_add_texts(struct grid *grid, ...) __attribute__((sentinel));

enum grid_flag {
	GRID_HEADINGS = 1 << 0,
	GRID_COLORS = 1 << 1,
	GRID_TREE = 1 << 2,	/* draw the first column as a tree, needs libsmartcols */
	GRID_TRUNCATE = 1 << 3, /* not fitted: flexible columns end at the terminal's edge, needs
				   libsmartcols */
};

/* Writes GRID as a table; FLAGS: enum grid_flag. The texts of GRID may be moved out of it. Returns
 * 0 or a negative errno: -ELIBACC if libsmartcols is missing, which is logged. Implemented by
 * grid-smartcols.c, or grid-plain.c in builds without libsmartcols. */
int grid_write(struct grid *grid, unsigned flags, FILE *out);

/* Writes GRID to OUT without headings, at any width, and frees its members. ERROR is that of adding
 * to it, 0 for none. Returns 0 or a negative errno. */
int grid_write_list(struct grid *grid, int error, FILE *out);

void grid_free_members(struct grid *grid);
#define _cleanup_grid_ __attribute__((cleanup(grid_free_members)))

#endif
