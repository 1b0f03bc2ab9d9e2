/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/rows.h"

#include "plugins/standalone/formats/writer.h"
#include "probe/nearest.h"
#include "probe/ownership/ownership.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const STATES_HELP[OWNERSHIP_COUNT] = {
	[OWNERSHIP_UNKNOWN] = "no owner was found, but not everything could be inspected",
	[OWNERSHIP_FREE] = "bound to a VFIO driver or to none, and not in use",
	[OWNERSHIP_HOST] = "bound to a host driver, or a bridge",
	[OWNERSHIP_RESERVED] = "not in use, but assigned to a VM that is not running",
	[OWNERSHIP_HELD] = "in use by a process or a running VM",
};

const char *rows_state_help(enum ownership state)
{
	return STATES_HELP[state];
}

static int add_state(struct rows *rows, const char *name, const struct log *log)
{
	struct nearest nearest = {.word = name};
	char hint[NEAREST_HINT_SIZE], valid[128] = "";

	for (unsigned i = 0; i < OWNERSHIP_COUNT; i++) {
		if (strcmp(name, ownership_name(i)) == 0) {
			rows->states |= 1u << i;
			return 0;
		}
		nearest_try(&nearest, ownership_name(i));
		snprintf(valid + strlen(valid), sizeof(valid) - strlen(valid), "%s%s",
			 i ? ", " : "", ownership_name(i));
	}
	log_error(log, "--state: unknown state '%s'%s; valid states: %s", name,
		  nearest_hint(&nearest, hint), valid);
	return -EINVAL;
}

int rows_add_states(struct rows *rows, const char *list, const struct log *log)
{
	char *copy = strdup(list), *rest = copy, *name;
	int error = copy ? 0 : -ENOMEM;

	while (!error && (name = strsep(&rest, ",")))
		error = add_state(rows, name, log);
	free(copy);
	return error;
}

int rows_add_drivers(struct rows *rows, const char *list)
{
	char *copy = strdup(list), *rest = copy, *name;
	int error = copy ? 0 : -ENOMEM;

	while (!error && (name = strsep(&rest, ",")))
		error = strings_add(&rows->drivers, name);
	free(copy);
	return error;
}

bool rows_are_filtered(const struct rows *rows)
{
	return rows->states || rows->owners.count || rows->drivers.count || rows->no_bridges;
}

unsigned rows_details(const struct rows *rows)
{
	unsigned details = 0;

	if (rows->states || rows->owners.count)
		details |= DETAIL_USAGE;
	if (rows->owners.count)
		details |= DETAIL_HOST_PROCESSES;
	if (rows->drivers.count)
		details |= DETAIL_DRIVER;
	for (size_t i = 0; i < rows->sort_count; i++)
		details |= rows->sort[i]->details;
	return details;
}

static bool is_owner(const struct owner *owner, const char *name)
{
	if (owner->name ? strcmp(owner->name, name) == 0 : text_same(owner->program, name))
		return true;
	return text_same(owner->frontend_id, name) ||
	       (owner->uuid && strcasecmp(owner->uuid, name) == 0);
}

static bool has_owner_in(const struct pci_device *device, const struct strings *names)
{
	for (size_t i = 0; i < device->owner_count; i++)
		for (size_t j = 0; j < names->count; j++)
			if (is_owner(&device->owners[i], names->items[j]))
				return true;
	return false;
}

static bool is_listed(const struct rows *rows, const struct pci_device *device)
{
	if (rows->no_bridges && device_is_bridge(device))
		return false;
	if (rows->states && !(rows->states & 1u << device->ownership))
		return false;
	if (rows->drivers.count &&
	    (!device->driver || !strings_has(&rows->drivers, device->driver)))
		return false;
	return !rows->owners.count || has_owner_in(device, &rows->owners);
}

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_lists(const struct field *field, const struct pci_device *a,
			 const struct field_value *av, const struct pci_device *b,
			 const struct field_value *bv)
{
	int order = 0;

	for (size_t i = 0; !order && i < av->list.count && i < bv->list.count; i++)
		order = field->type == FIELD_NUMBERS
				? ORDER(av->list.number(a, i), bv->list.number(b, i))
				: strverscmp(av->list.item(a, i), bv->list.item(b, i));
	return order ? order : ORDER(av->list.count, bv->list.count);
}

static int compare_by(const struct field *field, const struct pci_device *a,
		      const struct pci_device *b)
{
	struct field_value av = {0}, bv = {0};
	bool has_a = field->get(a, &av), has_b = field->get(b, &bv);

	if (!has_a || !has_b)
		return has_b - has_a;
	switch (field->type) {
	case FIELD_TEXT:
		return strverscmp(av.text, bv.text);
	case FIELD_HEX:
	case FIELD_NUMBER:
	case FIELD_FLAG:
		return ORDER(av.number, bv.number);
	case FIELD_REAL:
		return ORDER(av.real, bv.real);
	case FIELD_ADDRESS:
		return address_compare(&av.address, &bv.address);
	case FIELD_LIST:
	case FIELD_NUMBERS:
		return compare_lists(field, a, &av, b, &bv);
	}
	return 0;
}

static int compare(const void *a, const void *b, void *data)
{
	const struct pci_device *x = *(const struct pci_device *const *)a,
				*y = *(const struct pci_device *const *)b;
	const struct rows *rows = data;
	int order = 0;

	for (size_t i = 0; !order && i < rows->sort_count; i++)
		order = compare_by(rows->sort[i], x, y);
	return order ? order : address_compare(&x->address, &y->address);
}

void rows_filter(const struct rows *rows, struct inventory *inventory)
{
	inventory_foreach(inventory, device)
		if (!is_listed(rows, device)) {
			device->selected = false;
			inventory->selected--;
		}
}

const struct pci_device **rows_sort(const struct rows *rows, const struct inventory *inventory)
{
	const struct pci_device **devices = calloc(inventory->count + 1, sizeof(*devices));
	size_t count = 0;

	if (!devices)
		return NULL;
	inventory_foreach(inventory, device)
		devices[count++] = device;
	if (rows->sort_count)
		qsort_r(devices, count, sizeof(*devices), compare, (void *)(uintptr_t)rows);
	return devices;
}

void rows_free(struct rows *rows)
{
	strings_free(&rows->owners);
	strings_free(&rows->drivers);
	free(rows->sort);
	*rows = (struct rows){0};
}
