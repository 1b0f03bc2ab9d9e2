/* SPDX-License-Identifier: GPL-2.0-or-later */
/* In builds without libsmartcols. */
#include "common/grid.h"

/* The last column is not padded. */
static void write_text(FILE *out, const struct grid_column *column, const char *text, bool last)
{
	size_t width = grid_text_width(text);
	int padding = width < column->width ? (int)(column->width - width) : 0;

	fprintf(out, "%*s%s%*s", column->right ? padding : 0, "", text,
		column->right || last ? 0 : padding, "");
	fputs(last ? "\n" : " ", out);
}

/* ROW NULL: the headings. */
static void write_row(FILE *out, const struct grid *grid, const struct grid_row *row, size_t last)
{
	for (size_t i = 0; i <= last; i++) {
		const struct grid_column *column = &grid->columns[i];
		const char *text = row ? row->cells[i].text : column->heading;

		if (!column->hidden)
			write_text(out, column, text ? text : "", i == last);
	}
}

int grid_write(struct grid *grid, unsigned flags, FILE *out)
{
	size_t last = 0;

	for (size_t i = 0; i < grid->column_count; i++)
		if (!grid->columns[i].hidden)
			last = i;
	if (flags & GRID_HEADINGS)
		write_row(out, grid, NULL, last);
	for (size_t i = 0; i < grid->row_count; i++)
		write_row(out, grid, &grid->rows[i], last);
	return 0;
}
