/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/jsonfield.h"

#include "common/jsonvalue.h"

#include <errno.h>

/* 0, an unknown number, becomes null: all lists of owners have the same order. */
static void append_number(struct json_object *list, uint64_t number, int *error)
{
	if (number)
		jsonvalue_append(list, json_object_new_uint64(number), error);
	else if (!list || json_object_array_add(list, NULL) < 0)
		*error = -ENOMEM;
}

static struct json_object *new_list(enum field_type type, const struct pci_device *device,
				    const struct field_value *value)
{
	struct json_object *list = json_object_new_array();
	int error = 0;

	for (size_t i = 0; i < value->list.count; i++)
		if (type == FIELD_NUMBERS)
			append_number(list, value->list.number(device, i), &error);
		else
			jsonvalue_append(list, jsonvalue_string(value->list.item(device, i)),
					 &error);
	if (error == 0)
		return list;
	json_object_put(list);
	return NULL;
}

static struct json_object *new_hex(const struct field *field, uint64_t number)
{
	char string[9];

	hex_format(string, (uint32_t)number, (int)field->digits);
	return json_object_new_string(string);
}

static struct json_object *new_value(const struct field *field, const struct pci_device *device,
				     const struct field_value *value)
{
	char string[64];

	switch (field->type) {
	case FIELD_TEXT:
		return jsonvalue_string(value->text);
	case FIELD_HEX:
		return new_hex(field, value->number);
	case FIELD_NUMBER:
		return json_object_new_uint64(value->number);
	case FIELD_FLAG:
		return json_object_new_boolean(value->number != 0);
	case FIELD_REAL:
		snprintf(string, sizeof(string), "%.1f", value->real);
		return json_object_new_double_s(value->real, string);
	case FIELD_ADDRESS:
		return json_object_new_string(address_format(&value->address, string));
	case FIELD_LIST:
	case FIELD_NUMBERS:
		return new_list(field->type, device, value);
	}
	return NULL;
}

void jsonfield_add(struct json_object *object, const struct field *field,
		   const struct pci_device *device, int *error)
{
	struct field_value value = {0};

	if (field->get(device, &value))
		jsonvalue_add(object, field->name, new_value(field, device, &value), error);
}
