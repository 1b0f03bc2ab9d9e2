/* SPDX-License-Identifier: GPL-2.0-or-later */
/* zabbix-lld: the JSON of Zabbix's low-level discovery, an array with an object for each device:
 * https://www.zabbix.com/documentation/6.0/en/manual/discovery/low_level_discovery. A value that a
 * device does not have is an empty macro: Zabbix would show the name of one that is missing. */
#include "common/jsonvalue.h"
#include "plugins/standalone/formats/writer.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MACRO_SIZE 64

/* "{#DEVICE_NAME}" */
static void format_macro(const struct field *field, char macro[static MACRO_SIZE])
{
	snprintf(macro, MACRO_SIZE, "{#%s}", field->name);
	for (char *c = macro; *c; c++)
		*c = (char)toupper((unsigned char)*c);
}

/* MACROS are the names of the columns' macros. */
static struct json_object *make_object(const struct report *report, char (*macros)[MACRO_SIZE],
				       const struct pci_device *device, int *error)
{
	struct json_object *object = json_object_new_object();

	for (size_t i = 0; i < report->column_count; i++) {
		const struct field *field = report->columns[i];
		struct field_value value = {0};
		char *string;

		string = field->get(device, &value) ? value_text(field, device, &value)
						    : strdup("");
		if (string)
			jsonvalue_add_string(object, macros[i], string, error);
		else
			*error = -ENOMEM;
		free(string);
	}
	return object;
}

int write_zabbix_lld(const struct report *report, FILE *out)
{
	char(*macros)[MACRO_SIZE] = calloc(report->column_count, sizeof(*macros));
	const char *separator = "\n  ";
	int error = macros ? 0 : -ENOMEM;

	for (size_t i = 0; macros && i < report->column_count; i++)
		format_macro(report->columns[i], macros[i]);
	fputc('[', out);
	report_foreach(report, device) {
		struct json_object *object;

		if (error)
			break;
		object = make_object(report, macros, device, &error);
		fputs(separator, out);
		error = jsonvalue_write(out, object, error);
		separator = ",\n  ";
	}
	fputs(*separator == ',' ? "\n]\n" : "]\n", out);
	free(macros);
	return error;
}
