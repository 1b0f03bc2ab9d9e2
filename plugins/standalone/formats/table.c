/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table, tree, raw and export. libsmartcols escapes unprintable characters. */
#include "common/smartcols.h"
#include "plugins/standalone/formats/overview.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* ---- table and tree ---- */

static int write_overview(const struct report *report, FILE *out, bool tree)
{
	_cleanup_grid_ struct grid grid = {.log = report->log};
	bool fitted = !report->columns_chosen;
	int error;

	if (!report->inventory->selected) /* no headings without rows */
		return 0;
	error = overview_read(report, tree, &grid);
	if (error == 0 && fitted)
		error = grid_fit(&grid, report->width);
	if (error < 0)
		return error;
	error = grid_write(&grid, overview_grid_flags(report) | (tree ? GRID_TREE : 0), out);
	if (error == 0)
		overview_write_summary(report, out);
	return error;
}

int write_table(const struct report *report, FILE *out)
{
	return write_overview(report, out, false);
}

int write_tree(const struct report *report, FILE *out)
{
	return write_overview(report, out, true);
}

/* ---- raw and export ---- */

/* raw uses the field's heading; export the name in capitals, e.g. IOMMU_GROUP, as the key. */
static int add_column(const struct smartcols *scols, struct libscols_table *table,
		      const struct field *field, bool raw)
{
	char key[64];
	size_t n = 0;

	for (; field->name[n] && n + 1 < sizeof(key); n++)
		key[n] = (char)(field->name[n] >= 'a' && field->name[n] <= 'z'
					? field->name[n] - 'a' + 'A'
					: field->name[n]);
	key[n] = '\0';
	return scols->scols_table_new_column(table, raw ? field->heading : key, 0.1, 0) ? 0
											: -ENOMEM;
}

static int set_cell(const struct smartcols *scols, struct libscols_line *line,
		    const struct field *field, const struct pci_device *device, size_t i, bool raw)
{
	struct field_value value = {0};
	char *text;

	if (field->get(device, &value))
		text = value_text(field, device, &value);
	else if (raw)
		text = strdup("-");
	else
		return 0;
	if (text && !*text && raw) {
		free(text);
		text = strdup("-");
	}
	return text && scols->scols_line_refer_data(line, i, text) == 0 ? 0 : -ENOMEM;
}

/* Columns are not aligned, so each device is printed immediately to save memory. */
static int print_device(const struct smartcols *scols, struct libscols_table *table,
			const struct report *report, const struct pci_device *device, bool raw)
{
	struct libscols_line *line = scols->scols_table_new_line(table, NULL);

	if (!line)
		return -ENOMEM;
	for (size_t i = 0; i < report->column_count; i++)
		if (set_cell(scols, line, report->columns[i], device, i, raw) < 0)
			return -ENOMEM;
	if (scols->scols_print_table(table) < 0)
		return -EIO;
	scols->scols_table_remove_lines(table);
	scols->scols_table_enable_noheadings(table, 1);
	return 0;
}

static int print_lines(const struct smartcols *scols, struct libscols_table *table,
		       const struct report *report, FILE *out, bool raw)
{
	scols->scols_table_set_stream(table, out);
	scols->scols_table_enable_colors(table, report->colors);
	scols->scols_table_enable_noheadings(table, !report->headings);
	scols->scols_table_set_termforce(table, report->width ? SCOLS_TERMFORCE_AUTO
							      : SCOLS_TERMFORCE_NEVER);
	scols->scols_table_enable_raw(table, raw);
	scols->scols_table_enable_export(table, !raw);
	for (size_t i = 0; i < report->column_count; i++)
		if (add_column(scols, table, report->columns[i], raw) < 0)
			return -ENOMEM;
	report_foreach(report, device) {
		int error = print_device(scols, table, report, device, raw);

		if (error < 0)
			return error;
	}
	return 0;
}

static int write_lines(const struct report *report, FILE *out, bool raw)
{
	struct libscols_table *table;
	struct smartcols scols;
	int error;

	if (!report->inventory->selected)
		return 0;
	error = smartcols_load(report->log, &scols);
	if (error < 0)
		return error;
	setlocale(LC_CTYPE, "");
	table = scols.scols_new_table();
	if (!table)
		return -ENOMEM;
	error = print_lines(&scols, table, report, out, raw);
	scols.scols_unref_table(table);
	return error;
}

int write_raw(const struct report *report, FILE *out)
{
	return write_lines(report, out, true);
}

int write_export(const struct report *report, FILE *out)
{
	return write_lines(report, out, false);
}
