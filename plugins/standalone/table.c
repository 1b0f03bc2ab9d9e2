/* SPDX-License-Identifier: GPL-2.0-or-later */
/* table, tree, raw and export: all of them libsmartcols's, which cleans what it prints. */
#include "plugins/standalone/writer.h"

#include "probe/details.h"

#include <errno.h>
#include <libsmartcols.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

enum layout { LAYOUT_TABLE, LAYOUT_TREE, LAYOUT_RAW, LAYOUT_EXPORT };

static bool is_number(const struct field *field)
{
	return field->type == FIELD_NUMBER || field->type == FIELD_REAL;
}

/* Long texts give way when the terminal is narrow, numbers and addresses don't. */
static int column_flags(const struct report *report, size_t i, enum layout layout)
{
	const struct field *field = report->columns[i];
	int flags = 0;

	if (is_number(field))
		flags |= SCOLS_FL_RIGHT;
	if (field->type == FIELD_LIST || (field->details & DETAIL_ANY_NAME))
		flags |= SCOLS_FL_TRUNC;
	if (layout == LAYOUT_TREE && i == 0)
		flags |= SCOLS_FL_TREE;
	return flags;
}

/* "IOMMU_GROUP" for export, where the heading is a key that scripts go by; else the short one. */
static int add_column(struct libscols_table *table, const struct report *report, size_t i, enum layout layout)
{
	const struct field *field = report->columns[i];
	char key[64];
	size_t n = 0;

	for (; field->name[n] && n + 1 < sizeof(key); n++)
		key[n] = (char)(field->name[n] >= 'a' && field->name[n] <= 'z' ? field->name[n] - 'a' + 'A' :
										  field->name[n]);
	key[n] = '\0';
	return scols_table_new_column(table, layout == LAYOUT_EXPORT ? key : field->heading, 0.1,
				      column_flags(report, i, layout)) ?
		       0 :
		       -ENOMEM;
}

static int set_cell(struct libscols_line *line, const struct report *report, const struct pci_device *device,
		    size_t i, enum layout layout)
{
	const struct field *field = report->columns[i];
	struct field_value value = {0};
	char *text;

	if (field->get(device, &value))
		text = value_text(field, device, &value);
	else if (layout == LAYOUT_RAW)
		text = strdup("-");
	else
		return 0;
	if (text && !*text && layout == LAYOUT_RAW) {
		free(text);
		text = strdup("-");
	}
	if (!text || scols_line_refer_data(line, i, text) < 0)
		return -ENOMEM;
	/* what is ready for a VM is seen at a glance */
	if (report->colors && strcmp(field->name, "driver") == 0 && strstr(text, "vfio"))
		scols_cell_set_color(scols_line_get_cell(line, i), "green");
	return 0;
}

static int add_line(struct libscols_table *table, const struct report *report, const struct pci_device *device,
		    struct libscols_line *parent, enum layout layout, struct libscols_line **ret)
{
	struct libscols_line *line = scols_table_new_line(table, parent);
	int error = line ? 0 : -ENOMEM;

	for (size_t i = 0; i < report->column_count && !error; i++)
		error = set_cell(line, report, device, i, layout);
	if (ret)
		*ret = line;
	return error;
}

/* A bridge above a selected card that isn't selected itself: nothing was read of it but its ids, and those give a name. */
static struct pci_device outline_of(const struct report *report, const struct pci_device *device)
{
	struct names *names = probe_names(report->probe);
	struct pci_device outline = {
		.address = device->address,
		.vendor = device->vendor,
		.device = device->device,
		.class = device->class,
		.prog_if = device->prog_if,
		.vendor_name = names_vendor(names, device->vendor),
		.device_name = names_device(names, device->vendor, device->device),
		.class_name = names_class(names, device->class),
	};

	return outline;
}

/* LINES has a place for each card of the inventory; ancestors come before what is below them. */
static int add_branch(struct libscols_table *table, const struct report *report, struct pci_device *device,
		      struct libscols_line **lines)
{
	const struct inventory *inventory = report->inventory;
	struct libscols_line *parent = NULL;
	int error = 0;

	for (size_t i = 0; i <= device->ancestor_count && !error; i++) {
		struct pci_device *step = device, outline;
		struct libscols_line **line;

		if (i < device->ancestor_count)
			step = inventory_find(inventory, &device->ancestors[i]);
		if (!step)
			continue;
		line = &lines[step - inventory->devices];
		if (!*line) {
			outline = step->selected ? *step : outline_of(report, step);
			error = add_line(table, report, &outline, parent, LAYOUT_TREE, line);
		}
		parent = *line;
	}
	return error;
}

static int add_tree(struct libscols_table *table, const struct report *report)
{
	struct libscols_line **lines = calloc(report->inventory->count + 1, sizeof(*lines));
	int error = lines ? 0 : -ENOMEM;

	inventory_foreach(report->inventory, device)
		error = error ? error : add_branch(table, report, device, lines);
	free(lines);
	return error;
}

static int add_cards(struct libscols_table *table, const struct report *report)
{
	int error = 0;

	inventory_foreach(report->inventory, device)
		error = error ? error : add_line(table, report, device, NULL, LAYOUT_TABLE, NULL);
	return error;
}

/* No column waits for the longest text of all, so each card goes out by itself. */
static int print_cards(struct libscols_table *table, const struct report *report, enum layout layout)
{
	int error = 0;

	inventory_foreach(report->inventory, device) {
		error = error ? error : add_line(table, report, device, NULL, layout, NULL);
		if (!error && scols_print_table(table) < 0)
			error = -EIO;
		scols_table_remove_lines(table);
		scols_table_enable_noheadings(table, 1);
	}
	return error;
}

static int write_layout(const struct report *report, FILE *out, enum layout layout)
{
	struct libscols_table *table;
	int error = 0;

	if (!report->inventory->selected) /* no headings without a line below them */
		return 0;
	setlocale(LC_CTYPE, ""); /* the width of characters */
	table = scols_new_table();
	if (!table)
		return -ENOMEM;
	scols_table_set_stream(table, out);
	scols_table_set_termforce(table, report->terminal ? SCOLS_TERMFORCE_AUTO : SCOLS_TERMFORCE_NEVER);
	scols_table_enable_colors(table, report->colors);
	scols_table_enable_noheadings(table, !report->headings);
	scols_table_enable_raw(table, layout == LAYOUT_RAW);
	scols_table_enable_export(table, layout == LAYOUT_EXPORT);
	for (size_t i = 0; i < report->column_count && !error; i++)
		error = add_column(table, report, i, layout);
	if (!error && (layout == LAYOUT_RAW || layout == LAYOUT_EXPORT)) {
		error = print_cards(table, report, layout);
	} else if (!error) {
		error = layout == LAYOUT_TREE ? add_tree(table, report) : add_cards(table, report);
		if (!error && scols_print_table(table) < 0)
			error = -EIO;
	}
	scols_unref_table(table);
	return error;
}

int write_table(const struct report *report, FILE *out)
{
	return write_layout(report, out, LAYOUT_TABLE);
}

int write_tree(const struct report *report, FILE *out)
{
	return write_layout(report, out, LAYOUT_TREE);
}

int write_raw(const struct report *report, FILE *out)
{
	return write_layout(report, out, LAYOUT_RAW);
}

int write_export(const struct report *report, FILE *out)
{
	return write_layout(report, out, LAYOUT_EXPORT);
}
