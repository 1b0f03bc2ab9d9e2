/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libsmartcols truncates without an ellipsis, and differently in each release, so widths are
 * computed here. */
#include "common/grid.h"

#include "common/text.h"
#include "common/textstream.h"

#include <errno.h>
#include <langinfo.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

/* Flexible columns are truncated below this width only if no other column can be hidden. */
#define FLEXIBLE_WIDTH 20

/* Width of the tree's lines per level. */
#define INDENT_WIDTH 2

struct grid_column *grid_add_column(struct grid *grid, const char *heading)
{
	struct grid_column *columns = reallocarray(grid->columns, grid->column_count + 1,
						   sizeof(*columns));
	char *copy = strdup(heading);

	if (columns)
		grid->columns = columns;
	if (!columns || !copy) {
		free(copy);
		return NULL;
	}
	columns += grid->column_count++;
	*columns = (struct grid_column){.heading = copy};
	return columns;
}

ssize_t grid_add_row(struct grid *grid, ssize_t parent)
{
	struct grid_row *rows = reallocarray(grid->rows, grid->row_count + 1, sizeof(*rows));
	struct grid_row row = {.parent = parent};

	if (!rows)
		return -ENOMEM;
	grid->rows = rows;
	row.depth = parent < 0 ? 0 : rows[parent].depth + 1;
	row.cells = calloc(grid->column_count + 1, sizeof(*row.cells));
	if (!row.cells)
		return -ENOMEM;
	rows[grid->row_count] = row;
	return (ssize_t)grid->row_count++;
}

int grid_add_texts(struct grid *grid, ...)
{
	va_list texts;
	const char *text;
	ssize_t row = 0;
	size_t i = 0;

	if (!grid->column_count) {
		va_start(texts, grid);
		while (row == 0 && va_arg(texts, const char *))
			row = grid_add_column(grid, "") ? 0 : -ENOMEM;
		va_end(texts);
	}
	if (row == 0)
		row = grid_add_row(grid, -1);
	if (row < 0)
		return (int)row;
	va_start(texts, grid);
	for (; (text = va_arg(texts, const char *)) && i < grid->column_count; i++)
		if (*text && !(grid->rows[row].cells[i].text = strdup(text)))
			break;
	va_end(texts);
	return text && i < grid->column_count ? -ENOMEM : 0;
}

int grid_write_list(struct grid *grid, int error, FILE *out)
{
	if (error == 0)
		error = grid_fit(grid, 0);
	if (error == 0)
		error = grid_write(grid, 0, out);
	grid_free_members(grid);
	return error;
}

void grid_free_members(struct grid *grid)
{
	for (size_t i = 0; i < grid->row_count; i++) {
		for (size_t j = 0; j < grid->column_count; j++)
			free(grid->rows[i].cells[j].text);
		free(grid->rows[i].cells);
	}
	for (size_t i = 0; i < grid->column_count; i++)
		free(grid->columns[i].heading);
	free(grid->rows);
	free(grid->columns);
	*grid = (struct grid){0};
}

/* Whether it is printable ASCII, which has a width of 1 in all locales. */
static bool is_ascii(char c)
{
	return c >= ' ' && c < 0x7f;
}

/* Returns the length of the character at TEXT in bytes and its width, or 0 if the locale cannot
 * print it. */
static size_t decode(const char *text, mbstate_t *state, size_t *ret_width)
{
	wchar_t character;
	size_t length;
	int width;

	if (is_ascii(*text) && mbsinit(state)) {
		*ret_width = 1;
		return 1;
	}
	length = mbrtowc(&character, text, strnlen(text, MB_CUR_MAX), state);
	if (length == (size_t)-1 || length == (size_t)-2) {
		*state = (mbstate_t){0};
		return 0;
	}
	width = wcwidth(character);
	if (width < 0 || !iswprint((wint_t)character) || text_is_control((uint32_t)character))
		return 0;
	*ret_width = (size_t)width;
	return length;
}

size_t grid_text_width(const char *text)
{
	mbstate_t state = {0};
	size_t total = 0;

	while (*text) {
		size_t width = 1, length = decode(text, &state, &width);

		total += width;
		text += length ? length : 1;
	}
	return total;
}

/* Returns a copy of TEXT, truncated to WIDTH columns with an ellipsis, and with unprintable
 * characters replaced by '?'. NULL if out of memory. */
static char *truncate_text(const char *text, size_t width)
{
	const char *ellipsis = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "\xe2\x80\xa6" : "...";
	bool cut = grid_text_width(text) > width;
	mbstate_t state = {0};
	char *copy = NULL;
	size_t left = width;
	FILE *out = textstream_open(&copy);

	if (!out)
		return NULL;
	if (cut && width <= grid_text_width(ellipsis)) /* no space for anything else */
		ellipsis = "";
	if (cut)
		left -= grid_text_width(ellipsis);
	while (*text) {
		size_t needed = 1, length = decode(text, &state, &needed);

		if (needed > left)
			break;
		fwrite(length ? text : "?", 1, length ? length : 1, out);
		left -= needed;
		text += length ? length : 1;
	}
	fputs(cut ? ellipsis : "", out);
	return textstream_close(out, &copy);
}

/* Whether TEXT is ASCII that can be printed as it is in WIDTH columns. */
static bool is_plain(const char *text, size_t width)
{
	size_t length = 0;

	while (is_ascii(text[length]))
		length++;
	return !text[length] && length <= width;
}

static int fit_text(char **text, size_t width)
{
	char *truncated;

	if (is_plain(*text, width)) /* the usual case */
		return 0;
	truncated = truncate_text(*text, width);
	if (!truncated)
		return -ENOMEM;
	free(*text);
	*text = truncated;
	return 0;
}

/* The tree is drawn in the first column. */
static size_t indent_width(const struct grid_row *row, size_t column)
{
	return column ? 0 : row->depth * INDENT_WIDTH;
}

static void measure_column(struct grid *grid, size_t column)
{
	struct grid_column *c = &grid->columns[column];
	size_t width;

	c->hidden = !c->keep_empty;
	c->width = grid_text_width(c->heading);
	for (size_t i = 0; i < grid->row_count; i++) {
		if (!grid->rows[i].cells[column].text)
			continue;
		c->hidden = false;
		width = indent_width(&grid->rows[i], column) +
			grid_text_width(grid->rows[i].cells[column].text);
		if (width > c->width)
			c->width = width;
	}
}

static size_t min_width(const struct grid_column *column)
{
	return column->flexible && column->width > FLEXIBLE_WIDTH ? FLEXIBLE_WIDTH : column->width;
}

/* The minimum width of a row, with one space between columns. */
static size_t min_row_width(const struct grid *grid)
{
	size_t total = 0;

	for (size_t i = 0; i < grid->column_count; i++)
		if (!grid->columns[i].hidden)
			total += min_width(&grid->columns[i]) + 1;
	return total ? total - 1 : 0;
}

/* Returns false if no more columns may be hidden. */
static bool hide_column(struct grid *grid)
{
	struct grid_column *found = NULL;

	for (size_t i = 0; i < grid->column_count; i++) {
		struct grid_column *column = &grid->columns[i];

		if (!column->hidden && column->rank > (found ? found->rank : 0))
			found = column;
	}
	if (found)
		found->hidden = true;
	return found;
}

static void set_widths(struct grid *grid, size_t width)
{
	size_t min_total, spare, left = width;

	while (min_row_width(grid) > width && hide_column(grid))
		;
	min_total = min_row_width(grid);
	spare = width > min_total ? width - min_total : 0;
	for (size_t i = 0; i < grid->column_count; i++) {
		struct grid_column *column = &grid->columns[i];
		size_t extra;

		if (column->hidden)
			continue;
		extra = column->width - min_width(column);
		if (extra > spare)
			extra = spare;
		column->width = min_width(column) + extra;
		spare -= extra;
		if (!left) { /* no space for a single character */
			column->hidden = true;
			continue;
		}
		if (column->width > left)
			column->width = left;
		left -= column->width;
		left -= left > 0; /* the space after it */
	}
}

int grid_fit(struct grid *grid, size_t width)
{
	int error = 0;

	for (size_t i = 0; i < grid->column_count; i++)
		measure_column(grid, i);
	if (width)
		set_widths(grid, width);
	for (size_t i = 0; i < grid->column_count && !error; i++) {
		size_t max_width = grid->columns[i].width;

		error = fit_text(&grid->columns[i].heading, max_width);
		for (size_t j = 0; j < grid->row_count && !error; j++) {
			size_t indent = indent_width(&grid->rows[j], i);
			char **text = &grid->rows[j].cells[i].text;

			if (*text)
				error = fit_text(text, max_width > indent ? max_width - indent : 0);
		}
	}
	return error;
}
