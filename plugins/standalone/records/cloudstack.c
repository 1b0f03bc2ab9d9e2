/* SPDX-License-Identifier: GPL-2.0-or-later */
/* CloudStack's answer to listGpuDevices (4.21 and later), as the API or cmk prints it:
 *
 *   {"count": 1, "gpudevice": [{"id": "...", "busaddress": "81:00.0", "type": "PCI",
 *    "hostid": "...", "hostname": "kvm1", "state": "Allocated", "managedstate": "Managed",
 *    "virtualmachineid": "<uuid>", "virtualmachinename": "i-2-10-VM",
 *    "virtualmachinestate": "Running"}]}
 *
 * with "parentgpudeviceid" for a VF or mdev; possibly inside of {"listgpudevicesresponse": ...}.
 * The address of an mdev is its UUID. Sources: CloudStack's GpuDeviceResponse.java, GpuDevice.java
 * and GpuServiceImpl.java. */
#include "common/jsonvalue.h"
#include "plugins/standalone/records/records.h"

#include <errno.h>
#include <string.h>
#include <uuid.h>

static const char *member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (!json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

static enum record_use use_of(const char *state, const char *vm_state)
{
	static const char *const gone[] = {"Destroyed", "Expunging", "Error"};

	if (!vm_state)
		return RECORD_ASSIGNED;
	for (size_t i = 0; i < sizeof(gone) / sizeof(*gone); i++)
		if (strcmp(vm_state, gone[i]) == 0)
			return RECORD_ORPHANED;
	return strcmp(vm_state, "Running") == 0 && strcmp(state, "Allocated") == 0
		       ? RECORD_RUNNING
		       : RECORD_ASSIGNED;
}

/* Returns 0, -EINVAL, -ENOMEM or -EFBIG. */
static int add_device(struct records *records, struct json_object *device)
{
	const char *address = member(device, "busaddress"), *state = member(device, "state");
	struct record record = {
		.vm_uuid = member(device, "virtualmachineid"),
		.vm_name = member(device, "virtualmachinename"),
		.item = member(device, "id"),
		.host = member(device, "hostname"),
		.host_id = member(device, "hostid"),
	};
	uuid_t uuid;

	if (!address || !state)
		return -EINVAL;
	if (address_parse(address, &record.address) == 0)
		record.has_address = true;
	else if (uuid_parse(address, uuid) == 0)
		record.mdev = address;
	else
		return -EINVAL;
	record.vm_id = record.vm_uuid;
	if (record.vm_uuid || record.vm_name)
		record.use = use_of(state, member(device, "virtualmachinestate"));
	else if (strcmp(state, "Allocated") == 0)
		record.use = RECORD_ORPHANED; /* the VM was removed from the database */
	else if (strcmp(state, "Free") != 0)
		record.use = RECORD_UNUSABLE;
	return records_add(records, &record);
}

/* The state of a device with vGPUs is that of all of them; no VM has the device itself. */
static void mark_parents(struct records *records, size_t first, struct json_object *list)
{
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *device = json_object_array_get_idx(list, i);
		const char *parent = json_object_is_type(device, json_type_object)
					     ? member(device, "parentgpudeviceid")
					     : NULL;

		for (size_t j = first; parent && j < records->count; j++) {
			struct record *record = &records->items[j];

			if (record->item && strcmp(record->item, parent) == 0 && !record->vm_id &&
			    !record->vm_name)
				record->use = RECORD_UNUSABLE;
		}
	}
}

static int add_devices(struct records *records, const struct record_file *file,
		       struct json_object *list)
{
	size_t first = records->count;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		struct json_object *device = json_object_array_get_idx(list, i);
		int error = json_object_is_type(device, json_type_object)
				    ? add_device(records, device)
				    : -EINVAL;

		if (error == -EINVAL) {
			records->invalid++;
			log_warning(&file->file.log,
				    "%s: GPU device %zu has no valid busaddress and state",
				    file->file.path, i + 1);
		} else if (error < 0) {
			return error;
		}
	}
	mark_parents(records, first, list);
	return 0;
}

static int parse_file(struct records *records, const struct record_file *file)
{
	struct json_object *value = NULL, *response = NULL, *list = NULL;
	int error = record_file_parse_json(file, &value);

	if (error < 0)
		return error;
	response = value;
	if (json_object_is_type(value, json_type_object))
		json_object_object_get_ex(value, "listgpudevicesresponse", &response);
	if (!response)
		response = value;
	if (!json_object_is_type(response, json_type_object)) {
		error = -EBADMSG;
	} else if (json_object_object_get_ex(response, "gpudevice", &list)) {
		error = json_object_is_type(list, json_type_array)
				? add_devices(records, file, list)
				: -EBADMSG;
	} else if (response == value && json_object_object_length(response)) {
		error = -EBADMSG; /* an answer without devices is {} */
	}
	if (error == -EBADMSG)
		log_error(&file->file.log, "%s: not an answer to listGpuDevices", file->file.path);
	json_object_put(value);
	return error;
}

int cloudstack_records_parse(struct records *records, const struct record_file *files, size_t count,
			     const char *host)
{
	(void)host;
	for (size_t i = 0; i < count; i++) {
		int error = parse_file(records, &files[i]);

		if (error == -ENOMEM || error == -EFBIG)
			log_error(&files[i].file.log, "%s: %s", files[i].file.path,
				  strerror(-error));
		if (error < 0)
			return error;
	}
	return 0;
}
