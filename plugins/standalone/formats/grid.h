/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The texts of a table or tree, and how they fit the width of a terminal: columns are left out and
 * texts cut, never wrapped. */
#ifndef PCIPROBE_STANDALONE_FORMATS_GRID_H
#define PCIPROBE_STANDALONE_FORMATS_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

struct grid_column {
	char *heading;	 /* belongs to the grid */
	bool right;	 /* aligned to the right */
	bool flexible;	 /* long texts, which are cut before columns are hidden */
	bool keep_empty; /* shown even when no row has a text in it */
	unsigned rank;	 /* the column of the highest rank is hidden first; 0: never */
	bool hidden;	 /* set by grid_fit */
	size_t width;	 /* set by grid_fit: of its widest text, in columns of the terminal */
};

struct grid_cell {
	char *text;	   /* belongs to the grid; NULL: empty */
	const char *color; /* "green"; NULL: none */
};

struct grid_row {
	ssize_t parent;		 /* the index of the row above it in a tree; -1: none */
	size_t depth;		 /* how many rows are above it in the tree */
	struct grid_cell *cells; /* one per column */
};

struct grid {
	struct grid_column *columns;
	size_t column_count;
	struct grid_row *rows;
	size_t row_count;
};

/* Adds a column, before there is any row. HEADING is copied. Returns it for its properties to be
 * set, or NULL without memory. */
struct grid_column *grid_add_column(struct grid *grid, const char *heading);

/* Adds a row of empty cells below the row PARENT (-1: none). Returns its index, or -ENOMEM. */
ssize_t grid_add_row(struct grid *grid, ssize_t parent);

/* Hides the columns that are empty in all rows, and makes each row fit WIDTH columns of a terminal
 * (0: any width): hides columns by rank, then cuts texts, which then end in an ellipsis. What the
 * locale cannot print becomes '?'. setlocale must have been called. Returns 0 or -ENOMEM. */
int grid_fit(struct grid *grid, size_t width);

/* The columns of a terminal that TEXT takes. */
size_t grid_text_width(const char *text);

/* Writes GRID, which must have been fitted, as a table; REPORT has the settings for headings and
 * colors. The texts of GRID may be moved out of it. Returns 0 or a negative errno. Implemented by
 * table.c, or plaintable.c without libsmartcols. */
struct report;
int grid_write(struct grid *grid, const struct report *report, FILE *out);

void grid_free_members(struct grid *grid);
#define _cleanup_grid_ __attribute__((cleanup(grid_free_members)))

#endif
