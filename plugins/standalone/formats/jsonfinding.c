/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/jsonfinding.h"

#include "common/jsonvalue.h"
#include "probe/expect/expectation.h"

static void add_if(struct json_object *object, const char *key, const char *string, int *error)
{
	if (string)
		jsonvalue_add_string(object, key, string, error);
}

struct json_object *jsonfinding_new(const struct finding *finding, int *error)
{
	const struct expectation *item = finding->expectation;
	struct json_object *object = json_object_new_object();
	char address[ADDRESS_SIZE];

	jsonvalue_add_string(object, "kind", finding_kind_name(finding->kind), error);
	jsonvalue_add_string(object, "property", expect_property_name(finding->property), error);
	jsonvalue_add_string(object, "location", finding->location, error);
	if (finding->has_address)
		jsonvalue_add_string(object, "address", address_format(&finding->address, address),
				     error);
	jsonvalue_add(object, "count", json_object_new_uint64(finding->devices), error);
	add_if(object, "short_address", item ? item->short_address : NULL, error);
	add_if(object, "filter", item ? item->filter : NULL, error);
	add_if(object, "alias", item ? item->alias : NULL, error);
	add_if(object, "expected", finding->expected, error);
	add_if(object, "seen", finding->seen, error);
	add_if(object, "reason", finding_reason_name(finding->reason), error);
	return object;
}
