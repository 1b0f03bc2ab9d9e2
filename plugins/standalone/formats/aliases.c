/* SPDX-License-Identifier: GPL-2.0-or-later */
/* aliases: the number of devices of each alias, in columns for people and awk: names of aliases
 * have no spaces (alias_is_name). */
#include "common/grid.h"
#include "plugins/standalone/formats/writer.h"
#include "probe/pool.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

static int add_columns(struct grid *grid)
{
	static const char *const headings[] = {"ALIAS", "TOTAL",    "AVAILABLE", "FREE",
					       "HELD",	"RESERVED", "HOST",	 "UNKNOWN"};

	for (size_t i = 0; i < sizeof(headings) / sizeof(*headings); i++) {
		struct grid_column *column = grid_add_column(grid, headings[i]);

		if (!column)
			return -ENOMEM;
		column->right = i > 0;
		column->keep_empty = true;
	}
	return 0;
}

static int add_row(struct grid *grid, const struct pool *pool)
{
	const size_t *states = pool->states;
	const size_t numbers[] = {pool->total,
				  pool->available,
				  states[OWNERSHIP_FREE],
				  states[OWNERSHIP_HELD],
				  states[OWNERSHIP_RESERVED],
				  states[OWNERSHIP_HOST],
				  states[OWNERSHIP_UNKNOWN]};
	ssize_t index = grid_add_row(grid, -1);
	struct grid_cell *cells;

	if (index < 0)
		return (int)index;
	cells = grid->rows[index].cells;
	cells[0].text = strdup(pool->alias);
	if (!cells[0].text)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (asprintf(&cells[i + 1].text, "%zu", numbers[i]) < 0) {
			cells[i + 1].text = NULL;
			return -ENOMEM;
		}
	return 0;
}

int write_aliases(const struct report *report, FILE *out)
{
	_cleanup_grid_ struct grid grid = {.log = report->log};
	struct pool *pools;
	size_t count;
	int error = pools_count(probe_config(report->probe), report->inventory, &pools, &count);

	if (error < 0)
		return error;
	if (!count) /* no headings without a line below them */
		return 0;
	setlocale(LC_CTYPE, "");
	error = add_columns(&grid);
	for (size_t i = 0; i < count && error == 0; i++)
		error = add_row(&grid, &pools[i]);
	free(pools);
	if (error == 0)
		error = grid_fit(&grid, 0);
	if (error < 0)
		return error;
	return grid_write(&grid, report->headings ? GRID_HEADINGS : 0, out);
}
