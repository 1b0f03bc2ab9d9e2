/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/overview.h"
#include "common/text.h"

#include "common/textstream.h"
#include "probe/details/details.h"
#include "probe/ownership/ownership.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

struct overview {
	const struct report *report;
	bool domains; /* show PCI domains: not all devices are in domain 0 */
	bool classes; /* the class is shown in a separate column */
};

static void write_address(const struct overview *overview, const struct pci_device *device,
			  FILE *out)
{
	char buffer[ADDRESS_SIZE];

	fputs(overview->domains ? address_format(&device->address, buffer)
				: address_format_short(&device->address, buffer),
	      out);
}

static void write_id(const struct overview *overview, const struct pci_device *device, FILE *out)
{
	(void)overview;
	fprintf(out, "%04x:%04x", device->vendor, device->device);
}

/* Unnamed devices are shown like in lspci: "Ethernet controller: Intel Corporation Device 0d57". */
static void write_name(const struct overview *overview, const struct pci_device *device, FILE *out)
{
	if (device->device_name) {
		fputs(device->device_name, out);
		return;
	}
	if (!overview->classes && device->class_name)
		fprintf(out, "%s: ", device->class_name);
	else if (!overview->classes)
		fprintf(out, "Class %04x: ", device->class);
	if (device->vendor_name)
		fprintf(out, "%s Device %04x", device->vendor_name, device->device);
	else
		fprintf(out, "Device %04x:%04x", device->vendor, device->device);
}

/* Empty if it would repeat the state. */
static void write_available(const struct overview *overview, const struct pci_device *device,
			    FILE *out)
{
	const struct field *field = field_find("available");
	struct field_value value = {0};

	(void)overview;
	if (field->get(device, &value) &&
	    strcmp(value.text, ownership_name(device->ownership)) != 0)
		fputs(value.text, out);
}

/* How default columns differ from their fields. */
static const struct style {
	const char *field;
	const char *heading; /* NULL: that of the field */
	/* NULL: write the value of the field */
	void (*write)(const struct overview *overview, const struct pci_device *device, FILE *out);
	unsigned rank;	  /* grid_column.rank */
	bool no_is_empty; /* "no" is the common case: leave the cell empty */
	bool merged;	  /* part of the preceding column */
} STYLES[] = {
	{"address", .write = write_address},
	{"vendor", .heading = "ID", .write = write_id, .rank = 2},
	{"device", .merged = true},
	{"driver", .rank = 3},
	{"iommu_group", .rank = 5},
	{"ownership", .rank = 0},
	{"conflict", .no_is_empty = true},
	{"leftovers", .rank = 0},
	{"drift", .rank = 0},
	{"findings", .rank = 0},
	{"available", .heading = "AVAIL", .write = write_available, .rank = 4},
	{"vm_ids", .rank = 8},
	{"owners", .rank = 1},
	{"sriov", .rank = 9, .no_is_empty = true},
	{"interfaces", .rank = 7},
	{"class_name", .rank = 6},
	{"device_name", .write = write_name},
};

/* Returns NULL if the field is shown unchanged. */
static const struct style *find_style(const struct report *report, const struct field *field)
{
	if (report->columns_chosen)
		return NULL;
	for (size_t i = 0; i < sizeof(STYLES) / sizeof(*STYLES); i++)
		if (strcmp(STYLES[i].field, field->name) == 0)
			return &STYLES[i];
	return NULL;
}

static int add_column(const struct report *report, const struct field *field, struct grid *grid)
{
	const struct style *style = find_style(report, field);
	struct grid_column *column;

	if (style && style->merged)
		return 0;
	column = grid_add_column(grid, style && style->heading ? style->heading : field->heading);
	if (!column)
		return -ENOMEM;
	column->right = field->type == FIELD_NUMBER || field->type == FIELD_REAL;
	column->flexible = field->type == FIELD_LIST || (field->details & DETAIL_ANY_NAME);
	column->keep_empty = !style;
	column->rank = style ? style->rank : 0;
	return 0;
}

static const char *state_color(const struct pci_device *device)
{
	static const char *const colors[] = {
		[OWNERSHIP_UNKNOWN] = "magenta", [OWNERSHIP_FREE] = "green",
		[OWNERSHIP_HOST] = NULL,	 [OWNERSHIP_RESERVED] = "yellow",
		[OWNERSHIP_HELD] = "cyan",
	};

	return device_has_conflict(device) ? "red" : colors[device->ownership];
}

static const char *cell_color(const struct report *report, const struct field *field,
			      const struct pci_device *device)
{
	bool state = strcmp(field->name, "ownership") == 0 || strcmp(field->name, "conflict") == 0;

	if (!report->columns_chosen)
		return state ? state_color(device) : NULL;
	if (strcmp(field->name, "driver") == 0 && strstr(device->driver, "vfio"))
		return "green";
	return NULL;
}

/* Returns 0 or -ENOMEM. Sets *ret to NULL for an empty cell. */
static int cell_text(const struct overview *overview, const struct field *field,
		     const struct style *style, const struct pci_device *device, char **ret)
{
	struct field_value value = {0};
	char *text = NULL;
	FILE *out;

	if (style && style->write) {
		out = textstream_open(&text);
		if (!out)
			return -ENOMEM;
		style->write(overview, device, out);
		if (!textstream_close(out, &text))
			return -ENOMEM;
	} else if (field->get(device, &value)) {
		text = value_text(field, device, &value);
		if (!text)
			return -ENOMEM;
	}
	if (text && style && (!*text || (style->no_is_empty && strcmp(text, "no") == 0))) {
		free(text);
		text = NULL;
	}
	*ret = text;
	return 0;
}

/* Returns the index of the row or -ENOMEM. */
static ssize_t add_row(const struct overview *overview, const struct pci_device *device,
		       ssize_t parent, struct grid *grid)
{
	const struct report *report = overview->report;
	ssize_t row = grid_add_row(grid, parent);
	struct grid_cell *cell;

	if (row < 0)
		return row;
	cell = grid->rows[row].cells;
	for (size_t i = 0; i < report->column_count; i++) {
		const struct style *style = find_style(report, report->columns[i]);

		if (style && style->merged)
			continue;
		if (cell_text(overview, report->columns[i], style, device, &cell->text) < 0)
			return -ENOMEM;
		if (cell->text)
			cell->color = cell_color(report, report->columns[i], device);
		cell++;
	}
	return row;
}

/* Names are looked up for bridges that are not selected; only ids, driver and group were read. */
static struct pci_device describe_bridge(const struct report *report,
					 const struct pci_device *device)
{
	struct names *names = probe_names(report->probe);
	struct pci_device bridge = {
		.address = device->address,
		.vendor = device->vendor,
		.device = device->device,
		.class = device->class,
		.prog_if = device->prog_if,
		.present = device->present & HAS_IOMMU_GROUP,
		.iommu_group = device->iommu_group,
		.driver = device->driver,
		.vendor_name = names_vendor(names, device->vendor),
		.device_name = names_device(names, device->vendor, device->device),
		.class_name = names_class(names, device->class),
	};

	return bridge;
}

/* Adds DEVICE and the bridges above it. ROWS maps the inventory's devices to rows; -1: none yet. */
static int add_branch(const struct overview *overview, const struct pci_device *device,
		      ssize_t *rows, struct grid *grid)
{
	const struct inventory *inventory = overview->report->inventory;
	ssize_t parent = -1;

	for (size_t i = 0; i <= device->ancestor_count; i++) {
		const struct pci_device *step = device;
		struct pci_device shown;
		ssize_t *row;

		if (i < device->ancestor_count)
			step = inventory_find(inventory, &device->ancestors[i]);
		if (!step)
			continue;
		row = &rows[step - inventory->devices];
		if (*row < 0) {
			shown = step->selected ? *step : describe_bridge(overview->report, step);
			*row = add_row(overview, &shown, parent, grid);
		}
		if (*row < 0)
			return -ENOMEM;
		parent = *row;
	}
	return 0;
}

static int add_tree(const struct overview *overview, struct grid *grid)
{
	const struct inventory *inventory = overview->report->inventory;
	ssize_t *rows = malloc((inventory->count + 1) * sizeof(*rows));
	int error = 0;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < inventory->count; i++)
		rows[i] = -1;
	report_foreach(overview->report, device) {
		error = add_branch(overview, device, rows, grid);
		if (error < 0)
			break;
	}
	free(rows);
	return error;
}

static int add_table(const struct overview *overview, struct grid *grid)
{
	report_foreach(overview->report, device)
		if (add_row(overview, device, -1, grid) < 0)
			return -ENOMEM;
	return 0;
}

static bool needs_domains(const struct inventory *inventory, bool tree)
{
	inventory_foreach(inventory, device) {
		if (device->address.domain)
			return true;
		for (size_t i = 0; tree && i < device->ancestor_count; i++)
			if (device->ancestors[i].domain)
				return true;
	}
	return false;
}

int overview_read(const struct report *report, bool tree, struct grid *grid)
{
	struct overview overview = {.report = report,
				    .domains = needs_domains(report->inventory, tree)};

	/* for the width of characters */
	errno = 0;
	if (!setlocale(LC_CTYPE, "") && errno == ENOMEM)
		return -ENOMEM;
	for (size_t i = 0; i < report->column_count; i++) {
		if (strcmp(report->columns[i]->name, "class_name") == 0)
			overview.classes = true;
		if (add_column(report, report->columns[i], grid) < 0)
			return -ENOMEM;
	}
	return tree ? add_tree(&overview, grid) : add_table(&overview, grid);
}

unsigned overview_grid_flags(const struct report *report)
{
	return (report->headings ? GRID_HEADINGS : 0) | (report->colors ? GRID_COLORS : 0) |
	       (report->columns_chosen && report->width ? GRID_TRUNCATE : 0);
}

void overview_write_summary(const struct report *report, FILE *out)
{
	static const enum ownership order[] = {OWNERSHIP_HELD, OWNERSHIP_RESERVED, OWNERSHIP_FREE,
					       OWNERSHIP_UNKNOWN, OWNERSHIP_HOST};
	size_t states[OWNERSHIP_COUNT] = {0}, conflicts = 0, leftovers = 0;
	size_t findings = report->inventory->finding_count + report->inventory->findings_omitted;
	const char *separator = ": ";

	if (!report->width || !report->headings || report->columns_chosen)
		return;
	inventory_foreach(report->inventory, device) {
		states[device->ownership]++;
		conflicts += device_has_conflict(device);
		leftovers += device->leftovers.count > 0;
	}
	fprintf(out, "%zu device%s", report->inventory->selected,
		report->inventory->selected == 1 ? "" : "s");
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		if (!states[order[i]])
			continue;
		fprintf(out, "%s%zu %s", separator, states[order[i]], ownership_name(order[i]));
		separator = ", ";
	}
	if (conflicts)
		fprintf(out, "; %zu in conflict", conflicts);
	if (leftovers)
		fprintf(out, "; %zu with leftovers", leftovers);
	if (findings)
		fprintf(out, "; %zu finding%s", findings, findings == 1 ? "" : "s");
	fputc('\n', out);
}
