/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format table in builds without libsmartcols. */
#include "plugins/standalone/formats/overview.h"

int write_table(const struct report *report, FILE *out)
{
	_cleanup_grid_ struct grid grid = {.log = report->log};
	int error;

	if (!report->inventory->selected)
		return 0;
	error = overview_read(report, false, &grid);
	if (error == 0)
		error = grid_fit(&grid, report->width);
	if (error == 0)
		error = grid_write(&grid, overview_grid_flags(report), out);
	if (error < 0)
		return error;
	overview_write_summary(report, out);
	return 0;
}
