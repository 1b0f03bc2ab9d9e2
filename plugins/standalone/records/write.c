/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/records/write.h"

#include "common/jsonvalue.h"
#include "common/text.h"
#include "plugins/standalone/records/corrections.h"
#include "plugins/standalone/unavailable.h"
#include "probe/ownership/ownership.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The address, or the UUID of a mediated device whose parent is unknown. */
static const char *device_name(const struct difference *difference,
			       char address[static ADDRESS_SIZE])
{
	const struct record *record = difference->record;

	if (difference->device)
		return address_format(&difference->device->address, address);
	if (record && record->has_address)
		return address_format(&record->address, address);
	return record && record->mdev ? record->mdev : "?";
}

/* The record that is stale, or NULL: it is not known which, or there is none. */
static const struct record *stale_record(const struct difference *difference)
{
	if (difference->kind == DIFFERENCE_TWO_VMS)
		return difference->stale;
	return difference->record && record_has_vm(difference->record) ? difference->record : NULL;
}

/* A VM that has a device which pci.conf does not select shows that pci.conf was changed. */
static const char *stale_part(const struct difference *difference)
{
	if (difference->kind == DIFFERENCE_UNKNOWN)
		return NULL;
	if (difference->kind == DIFFERENCE_NOT_OFFERED && record_has_vm(difference->record) &&
	    difference->device->ownership == OWNERSHIP_HELD)
		return "pci.conf";
	return "records";
}

static const char *omit_reason(const struct comparison *comparison,
			       const struct difference *difference)
{
	return difference->kind == DIFFERENCE_NOT_OFFERED
		       ? comparison_omit_reason(comparison, difference->device)
		       : NULL;
}

/* ---- text ---- */

static void write_vm(FILE *out, const struct comparison *comparison, const struct record *record)
{
	const char *label = frontend_vm_label(comparison->frontend, record);

	if (!label) {
		fputs("a VM that no longer exists", out);
		return;
	}
	fputs("VM ", out);
	text_write_plain(out, label);
}

static void write_recorded(FILE *out, const struct comparison *comparison,
			   const struct difference *difference)
{
	const struct record *record = difference->record;

	if (!record)
		fputs("nothing", out);
	else if (record->use == RECORD_FREE)
		fputs("free", out);
	else if (record->use == RECORD_UNUSABLE)
		fputs("not assignable", out);
	else
		write_vm(out, comparison, record);
	if (difference->second) {
		fputs(" and ", out);
		write_vm(out, comparison, difference->second);
	}
}

static void write_host(FILE *out, const struct comparison *comparison,
		       const struct difference *difference)
{
	const struct pci_device *device = difference->device;
	const char *omitted = omit_reason(comparison, difference);

	if (!device) {
		fputs("no such device", out);
		return;
	}
	if (device->owner_count) {
		unavailable_write_owners(out, ", ", device);
	} else if (device->ownership == OWNERSHIP_UNKNOWN) {
		fputs("owner unknown (", out);
		text_write_plain(out, device->unknown_reason ? device->unknown_reason : "not read");
		fputc(')', out);
	} else {
		fputs(device->ownership == OWNERSHIP_FREE ? "free, " : "not held by a VM, ", out);
		fputs(device->driver ? "bound to " : "no driver", out);
		text_write_plain(out, device->driver ? device->driver : "");
	}
	if (omitted)
		fprintf(out, "; %s", omitted);
}

static void write_stale(FILE *out, const struct comparison *comparison,
			const struct difference *difference)
{
	const char *part = stale_part(difference);
	const struct record *record = stale_record(difference);

	if (!part)
		return;
	fputs("; stale: ", out);
	if (strcmp(part, "records") != 0) {
		fputs(part, out);
	} else if (record) {
		fputs("the record of ", out);
		write_vm(out, comparison, record);
	} else {
		fputs(difference->second ? "one of the records" : "the records", out);
	}
}

int differences_write(const struct comparison *comparison, FILE *out)
{
	for (size_t i = 0; i < comparison->count; i++) {
		const struct difference *difference = &comparison->differences[i];
		char address[ADDRESS_SIZE], *command = correction_format(comparison, difference);

		if (!command && errno == ENOMEM)
			return -ENOMEM;
		text_write_plain(out, device_name(difference, address));
		fprintf(out, ": %s: recorded: ", difference_name(difference->kind));
		write_recorded(out, comparison, difference);
		fputs("; host: ", out);
		write_host(out, comparison, difference);
		if (difference->reason &&
		    (!difference->device ||
		     difference->reason != difference->device->unknown_reason))
			fprintf(out, "; %s", difference->reason);
		write_stale(out, comparison, difference);
		if (command)
			fprintf(out, "; to correct: %s", command);
		fputc('\n', out);
		free(command);
	}
	return 0;
}

/* ---- JSON ---- */

static const char *use_name(const struct record *record)
{
	if (!record)
		return "none";
	if (record->use == RECORD_FREE)
		return "free";
	return record->use == RECORD_UNUSABLE ? "unusable" : "assigned";
}

static struct json_object *make_vm(const struct record *record, int *error)
{
	struct json_object *vm = json_object_new_object();

	jsonvalue_add_string(vm, "id", record->vm_id, error);
	jsonvalue_add_string(vm, "name", record->vm_name, error);
	jsonvalue_add_string(vm, "uuid", record->vm_uuid, error);
	return vm;
}

static struct json_object *make_recorded(const struct difference *difference, int *error)
{
	struct json_object *object = json_object_new_object(), *vms = json_object_new_array();
	const struct record *records[] = {difference->record, difference->second};

	for (size_t i = 0; i < 2; i++)
		if (records[i] && record_has_vm(records[i]))
			jsonvalue_append(vms, make_vm(records[i], error), error);
	jsonvalue_add(object, "state", jsonvalue_string(use_name(difference->record)), error);
	jsonvalue_add(object, "vms", vms, error);
	return object;
}

static struct json_object *make_owner(const struct owner *owner, int *error)
{
	struct json_object *object = json_object_new_object();

	jsonvalue_add(object, "claim", jsonvalue_string(owner->reserves ? "reserves" : "holds"),
		      error);
	jsonvalue_add_string(object, "frontend", owner->frontend, error);
	jsonvalue_add_string(object, "id", owner->frontend_id, error);
	jsonvalue_add_string(object, "name", owner->name, error);
	jsonvalue_add_string(object, "uuid", owner->uuid, error);
	jsonvalue_add_string(object, "program", owner->program, error);
	if (owner->pid)
		jsonvalue_add(object, "pid", json_object_new_int(owner->pid), error);
	jsonvalue_add_string(object, "mdev", owner->mdev, error);
	jsonvalue_add_string(object, "source", owner->source, error);
	return object;
}

static struct json_object *make_host(const struct comparison *comparison,
				     const struct difference *difference, int *error)
{
	const struct pci_device *device = difference->device;
	struct json_object *object = json_object_new_object(), *owners;
	const char *omitted = omit_reason(comparison, difference);

	jsonvalue_add(object, "state",
		      jsonvalue_string(device ? ownership_name(device->ownership) : "absent"),
		      error);
	if (!device)
		return object;
	jsonvalue_add_string(object, "driver", device->driver, error);
	owners = json_object_new_array();
	for (size_t i = 0; i < device->owner_count; i++)
		jsonvalue_append(owners, make_owner(&device->owners[i], error), error);
	jsonvalue_add(object, "owners", owners, error);
	if (device->unknown_reason)
		jsonvalue_add_string(object, "unknown_reason", device->unknown_reason, error);
	if (omitted)
		jsonvalue_add_string(object, "not_offered", omitted, error);
	return object;
}

static int write_object(const struct comparison *comparison, const struct difference *difference,
			FILE *out)
{
	struct json_object *object = json_object_new_object();
	const struct record *stale = stale_record(difference);
	const char *part = stale_part(difference);
	char address[ADDRESS_SIZE], *command = correction_format(comparison, difference);
	int error = !command && errno == ENOMEM ? -ENOMEM : 0;

	jsonvalue_add_string(object, "device", device_name(difference, address), &error);
	jsonvalue_add_string(object, "kind", difference_name(difference->kind), &error);
	jsonvalue_add(object, "recorded", make_recorded(difference, &error), &error);
	jsonvalue_add(object, "host", make_host(comparison, difference, &error), &error);
	if (difference->reason)
		jsonvalue_add_string(object, "reason", difference->reason, &error);
	jsonvalue_add_string(object, "stale", part, &error);
	if (part && strcmp(part, "records") == 0 && stale)
		jsonvalue_add(object, "stale_vm", make_vm(stale, &error), &error);
	jsonvalue_add_string(object, "command", command, &error);
	free(command);
	error = jsonvalue_write(out, object, error);
	if (!error)
		fputc('\n', out);
	return error;
}

int differences_write_json(const struct comparison *comparison, FILE *out)
{
	int error = 0;

	for (size_t i = 0; i < comparison->count && !error; i++)
		error = write_object(comparison, &comparison->differences[i], out);
	return error;
}
