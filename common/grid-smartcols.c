/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libsmartcols escapes unprintable characters. */
#include "common/grid.h"
#include "common/smartcols.h"

#include <errno.h>

static int add_columns(const struct smartcols *scols, struct libscols_table *table,
		       const struct grid *grid, unsigned flags)
{
	bool first = true;

	for (size_t i = 0; i < grid->column_count; i++) {
		const struct grid_column *column = &grid->columns[i];
		int column_flags = (column->right ? SCOLS_FL_RIGHT : 0) |
				   (column->flexible && (flags & GRID_TRUNCATE) ? SCOLS_FL_TRUNC
										: 0) |
				   ((flags & GRID_TREE) && first ? SCOLS_FL_TREE : 0);

		if (column->hidden)
			continue;
		if (!scols->scols_table_new_column(table, column->heading, 0.1, column_flags))
			return -ENOMEM;
		first = false;
	}
	return 0;
}

/* Transfers the ownership of ROW's texts to LINE. */
static int move_cells(const struct smartcols *scols, struct libscols_line *line,
		      const struct grid *grid, struct grid_row *row)
{
	size_t index = 0;

	for (size_t i = 0; i < grid->column_count; i++) {
		struct grid_cell *cell = &row->cells[i];

		if (grid->columns[i].hidden)
			continue;
		if (cell->text) {
			if (scols->scols_line_refer_data(line, index, cell->text) < 0)
				return -ENOMEM;
			cell->text = NULL;
		}
		if (cell->color)
			scols->scols_cell_set_color(scols->scols_line_get_cell(line, index),
						    cell->color);
		index++;
	}
	return 0;
}

static int add_rows(const struct smartcols *scols, struct libscols_table *table,
		    const struct grid *grid)
{
	/* lines have the same numbers as rows */
	for (size_t i = 0; i < grid->row_count; i++) {
		struct grid_row *row = &grid->rows[i];
		struct libscols_line *parent =
			row->parent < 0 ? NULL
					: scols->scols_table_get_line(table, (size_t)row->parent);
		struct libscols_line *line = scols->scols_table_new_line(table, parent);

		if (!line || move_cells(scols, line, grid, row) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int print_table(const struct smartcols *scols, struct libscols_table *table,
		       struct grid *grid, unsigned flags, FILE *out)
{
	int error;

	/* without memory libsmartcols prints less, and reports nothing */
	errno = 0;
	scols->scols_table_set_stream(table, out);
	scols->scols_table_enable_colors(table, !!(flags & GRID_COLORS));
	scols->scols_table_enable_noheadings(table, !(flags & GRID_HEADINGS));
	scols->scols_table_set_termforce(table, flags & GRID_TRUNCATE ? SCOLS_TERMFORCE_AUTO
								      : SCOLS_TERMFORCE_NEVER);
	error = add_columns(scols, table, grid, flags);
	if (error == 0)
		error = add_rows(scols, table, grid);
	if (error < 0)
		return error;
	error = scols->scols_print_table(table);
	if (errno == ENOMEM)
		return -ENOMEM;
	return error < 0 ? -EIO : 0;
}

int grid_write(struct grid *grid, unsigned flags, FILE *out)
{
	struct libscols_table *table;
	struct smartcols scols;
	int error;

	error = smartcols_load(grid->log, &scols);
	if (error < 0)
		return error;
	table = scols.scols_new_table();
	if (!table)
		return -ENOMEM;
	error = print_table(&scols, table, grid, flags, out);
	scols.scols_unref_table(table);
	return error;
}
