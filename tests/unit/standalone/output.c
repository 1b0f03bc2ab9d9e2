/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/test.h"

#include "plugins/standalone/rows.h"
#include "tests/unit/standalone/output.h"

char *output_of_format(const char *format, struct probe_options options, struct report report,
		       void (*edit)(struct inventory *))
{
	const struct writer *writer = writer_find(format);
	struct inventory *inventory;
	char *string = NULL;
	size_t size;
	FILE *out;

	options.details |= writer->details;
	assert_int_equal(probe_new(&options, &report.probe), 0);
	assert_int_equal(probe_read(report.probe, &inventory), 0);
	if (edit)
		edit(inventory);
	report.inventory = inventory;
	report.devices = rows_sort(&(struct rows){0}, inventory);
	assert_non_null(report.devices);
	out = open_memstream(&string, &size);
	assert_int_equal(writer->write(&report, out), 0);
	fclose(out);
	free(report.devices);
	inventory_free(inventory);
	probe_free(report.probe);
	return string;
}
