/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/records/compare.h"

#include "plugins/standalone/formats/writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *difference_name(enum difference_kind kind)
{
	static const char *const names[DIFFERENCE_COUNT] = {
		[DIFFERENCE_VM_GONE] = "vm-gone",
		[DIFFERENCE_OTHER_VM] = "other-vm",
		[DIFFERENCE_NOT_RECORDED] = "not-recorded",
		[DIFFERENCE_DEVICE_GONE] = "device-gone",
		[DIFFERENCE_NEW_DEVICE] = "new-device",
		[DIFFERENCE_TWO_VMS] = "two-vms",
		[DIFFERENCE_NOT_OFFERED] = "not-offered",
		[DIFFERENCE_UNKNOWN] = "unknown",
	};

	return names[kind];
}

static int add(struct comparison *comparison, const struct difference *difference)
{
	struct difference *grown = realloc(comparison->differences,
					   (comparison->count + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	comparison->differences = grown;
	grown[comparison->count] = *difference;
	grown[comparison->count].order = comparison->count;
	comparison->count++;
	comparison->unknown += difference->kind == DIFFERENCE_UNKNOWN;
	return 0;
}

static bool is_reported(const struct comparison *comparison, const struct pci_device *device)
{
	for (size_t i = 0; i < comparison->count; i++)
		if (comparison->differences[i].device == device)
			return true;
	return false;
}

/* ---- which record is about which device ---- */

static bool same_slot(const struct pci_address *a, const struct pci_address *b)
{
	return a->domain == b->domain && a->bus == b->bus && a->slot == b->slot;
}

static bool has_mdev(const struct pci_device *device, const char *uuid)
{
	for (size_t i = 0; i < device->mdev_count; i++)
		if (strcasecmp(device->mdevs[i].uuid, uuid) == 0)
			return true;
	for (size_t i = 0; i < device->owner_count; i++)
		if (device->owners[i].mdev && strcasecmp(device->owners[i].mdev, uuid) == 0)
			return true;
	return false;
}

/* Whether RECORD is about a mediated device of DEVICE. A VM of Proxmox VE that is configured with
 * one gets the whole device, if NVIDIA's driver itself assigns it to VMs. */
static bool is_mdev(const struct record *record, const struct pci_device *device)
{
	return record->mdev && !(record->has_address && device->vgpu_type);
}

static bool covers(const struct record *record, const struct pci_device *device)
{
	if (is_mdev(record, device))
		return has_mdev(device, record->mdev);
	if (!record->has_address)
		return false;
	if (address_compare(&record->address, &device->address) == 0)
		return true;
	if (record->every_function)
		return same_slot(&record->address, &device->address);
	return record->with_vfs && (device->present & HAS_PF) &&
	       address_compare(&record->address, &device->sriov.pf) == 0;
}

/* The provider of a PF with VFs stands for the VFs alone. */
static bool is_pool(const struct comparison *comparison, const struct record *record)
{
	if (!record->with_vfs)
		return false;
	inventory_foreach(comparison->inventory, device)
		if (covers(record, device) && (device->present & HAS_PF))
			return true;
	return false;
}

static bool concerns(const struct record *record, const struct pci_device *device,
		     const struct owner *owner)
{
	return !is_mdev(record, device) ||
	       (owner->mdev && strcasecmp(owner->mdev, record->mdev) == 0);
}

/* Whether DEVICE is held as a whole, or the mediated device of RECORD is. */
static bool is_held(const struct record *record, const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++)
		if (owner_holds(&device->owners[i]) && concerns(record, device, &device->owners[i]))
			return true;
	return false;
}

/* While a VM holds the device, it does not matter who reserves it: that is only another record. */
static bool has_vm(const struct comparison *comparison, const struct record *record,
		   const struct pci_device *device)
{
	bool held = is_held(record, device);

	for (size_t i = 0; i < device->owner_count; i++) {
		const struct owner *owner = &device->owners[i];

		if (concerns(record, device, owner) && !(held && owner->reserves) &&
		    frontend_is_vm(comparison->frontend, record, owner))
			return true;
	}
	return false;
}

static bool same_vm(const struct frontend *frontend, const struct record *a, const struct record *b)
{
	if (frontend->id_decides && a->vm_id && b->vm_id)
		return strcasecmp(a->vm_id, b->vm_id) == 0;
	if (a->vm_uuid && b->vm_uuid)
		return strcasecmp(a->vm_uuid, b->vm_uuid) == 0;
	if (a->vm_id && b->vm_id)
		return strcmp(a->vm_id, b->vm_id) == 0;
	return !a->vm_id && !b->vm_id;
}

static bool same_device(const struct record *a, const struct record *b)
{
	if (a->mdev || b->mdev)
		return a->mdev && b->mdev && strcasecmp(a->mdev, b->mdev) == 0;
	if (!a->has_address || !b->has_address)
		return false;
	return address_compare(&a->address, &b->address) == 0 ||
	       ((a->every_function || b->every_function) && same_slot(&a->address, &b->address));
}

/* ---- the records ---- */

static const struct source_report *source_of(const struct inventory *inventory,
					     enum owner_source source)
{
	return &inventory->sources[__builtin_ctz(source)];
}

/* Whether the VM of RECORD has another device. */
static bool is_running(const struct comparison *comparison, const struct record *record)
{
	inventory_foreach(comparison->inventory, device)
		for (size_t i = 0; i < device->owner_count; i++)
			if (owner_holds(&device->owners[i]) &&
			    frontend_is_vm(comparison->frontend, record, &device->owners[i]))
				return true;
	return false;
}

/* The owner that is not the VM of RECORD, rather one that holds DEVICE than one that reserves it.
 * Mediated devices have owners of their own. */
static const struct owner *find_other(const struct record *record, const struct pci_device *device)
{
	const struct owner *found = NULL;

	for (size_t i = 0; i < device->owner_count; i++) {
		const struct owner *owner = &device->owners[i];

		if (!concerns(record, device, owner))
			continue;
		if (!found || (found->reserves && !owner->reserves))
			found = owner;
	}
	return found;
}

static int add_unknown(struct comparison *comparison, const struct record *record,
		       const struct pci_device *device, const char *reason)
{
	struct difference difference = {
		.kind = DIFFERENCE_UNKNOWN, .record = record, .device = device, .reason = reason};

	return add(comparison, &difference);
}

/* The VM does not have the device, and no other has it. */
static int compare_unused(struct comparison *comparison, const struct record *record,
			  const struct pci_device *device)
{
	struct difference difference = {
		.kind = DIFFERENCE_VM_GONE, .record = record, .device = device};
	enum source_state libvirt = source_of(comparison->inventory, OWNER_LIBVIRT)->state;

	switch (record->use) {
	case RECORD_RUNNING:
	case RECORD_ORPHANED:
		return add(comparison, &difference);
	case RECORD_ASSIGNED:
		return is_running(comparison, record) ? add(comparison, &difference) : 0;
	case RECORD_DEFINED:
		if (libvirt == SOURCE_OK || is_running(comparison, record))
			return add(comparison, &difference);
		return add_unknown(comparison, record, device,
				   "the VM may be stopped, and libvirt could not be asked");
	case RECORD_FREE:
	case RECORD_UNUSABLE:
	case RECORD_CONFIGURED:
		break;
	}
	return 0;
}

/* DEVICE exists and the VM of RECORD does not have it. */
static int compare_device(struct comparison *comparison, const struct record *record,
			  const struct pci_device *device)
{
	struct difference difference = {
		.kind = DIFFERENCE_OTHER_VM, .record = record, .device = device};
	const struct owner *other = find_other(record, device);
	bool must_have = record->use == RECORD_RUNNING || record->use == RECORD_DEFINED ||
			 record->use == RECORD_ORPHANED;

	if (!other && device->ownership == OWNERSHIP_UNKNOWN)
		return add_unknown(comparison, record, device, device->unknown_reason);
	if (!other || (other->reserves && !must_have))
		return compare_unused(comparison, record, device);
	if (!other->reserves && record->use != RECORD_ORPHANED &&
	    !frontend_knows_vm(comparison->frontend, record, other))
		return add_unknown(comparison, record, device,
				   "which VM the process runs could not be determined");
	difference.owner = other;
	return add(comparison, &difference);
}

/* No device that RECORD could be about exists. */
static int compare_absent(struct comparison *comparison, const struct record *record)
{
	struct difference difference = {.kind = DIFFERENCE_DEVICE_GONE, .record = record};

	if (record->is_alternative)
		return 0;
	/* mediated devices are created when the VM starts */
	if (record->mdev && record->use != RECORD_RUNNING && record->use != RECORD_ORPHANED &&
	    (!record->has_address || inventory_find(comparison->inventory, &record->address)))
		return 0;
	if (comparison->inventory->incomplete)
		return add_unknown(comparison, record, NULL,
				   "not all devices of the host could be read");
	return add(comparison, &difference);
}

/* Returns a record of the same device for another VM, or NULL. */
static const struct record *find_second(const struct comparison *comparison, size_t index)
{
	const struct records *records = comparison->records;
	const struct record *record = &records->items[index];

	if (!record_has_vm(record) || record->is_alternative || is_pool(comparison, record))
		return NULL;
	for (size_t i = 0; i < records->count; i++)
		if (i != index && record_has_vm(&records->items[i]) &&
		    !records->items[i].is_alternative && same_device(record, &records->items[i]) &&
		    !same_vm(comparison->frontend, record, &records->items[i]))
			return &records->items[i];
	return NULL;
}

static const struct pci_device *first_device(const struct comparison *comparison,
					     const struct record *record)
{
	inventory_foreach(comparison->inventory, device)
		if (covers(record, device))
			return device;
	return NULL;
}

/* Reported once, at the first of the records. If one of the VMs has the device, or exists, the
 * record of the other is stale. */
static int compare_two(struct comparison *comparison, size_t index, const struct record *second)
{
	const struct record *first = &comparison->records->items[index];
	struct difference difference = {.kind = DIFFERENCE_TWO_VMS,
					.record = first,
					.second = second,
					.device = first_device(comparison, first)};
	bool first_has, second_has;

	if (second < first)
		return 0;
	if (difference.device) {
		first_has = has_vm(comparison, first, difference.device);
		second_has = has_vm(comparison, second, difference.device);
		if (first_has != second_has)
			difference.stale = first_has ? second : first;
	}
	if (!difference.stale &&
	    (first->use == RECORD_ORPHANED) != (second->use == RECORD_ORPHANED))
		difference.stale = first->use == RECORD_ORPHANED ? first : second;
	return add(comparison, &difference);
}

static int compare_record(struct comparison *comparison, size_t index)
{
	const struct record *record = &comparison->records->items[index], *second;
	const struct pci_device *last = NULL;
	int error = 0;

	second = find_second(comparison, index);
	if (second)
		return compare_two(comparison, index, second);
	inventory_foreach(comparison->inventory, device) {
		if (!covers(record, device))
			continue;
		if (has_vm(comparison, record, device))
			return 0;
		last = last ? last : device;
	}
	if (!last)
		return compare_absent(comparison, record);
	if (!record_has_vm(record) || record->is_alternative)
		return 0;
	if (is_pool(comparison, record)) {
		inventory_foreach(comparison->inventory, device)
			if (covers(record, device) && device->ownership == OWNERSHIP_UNKNOWN)
				return add_unknown(comparison, record, last,
						   device->unknown_reason);
		return compare_unused(comparison, record, last);
	}
	inventory_foreach(comparison->inventory, device)
		if (!error && covers(record, device) &&
		    (!record->every_function || !device_is_bridge(device)))
			error = compare_device(comparison, record, device);
	return error;
}

/* ---- the devices ---- */

static bool is_selected(const struct comparison *comparison, const struct pci_device *device)
{
	return comparison->offered[device - comparison->inventory->devices];
}

/* Whether VFs of DEVICE are offered. */
static bool has_selected_vf(const struct comparison *comparison, const struct pci_device *device)
{
	inventory_foreach(comparison->inventory, vf)
		if ((vf->present & HAS_PF) && is_selected(comparison, vf) &&
		    address_compare(&vf->sriov.pf, &device->address) == 0)
			return true;
	return false;
}

/* Whether the frontend should know DEVICE as one that can be assigned. */
static bool is_new(const struct comparison *comparison, const struct pci_device *device)
{
	return comparison->offered && is_selected(comparison, device) &&
	       !device_is_bridge(device) && !opennebula_omit_reason(comparison->config, device);
}

const char *comparison_omit_reason(const struct comparison *comparison,
				   const struct pci_device *device)
{
	const struct frontend *frontend = comparison->frontend;

	if (!frontend->follows_config || !comparison->offered)
		return NULL;
	if (!is_selected(comparison, device) &&
	    !(frontend->lists_pfs && has_selected_vf(comparison, device)))
		return "not selected by pci.conf";
	if (device_is_bridge(device))
		return "a bridge";
	return frontend->lists_pfs ? NULL : opennebula_omit_reason(comparison->config, device);
}

/* A frontend that lists only its VMs' devices is not concerned by those of others. What only
 * reserves a device of Proxmox's is its configuration itself. */
static bool is_concerned(const struct comparison *comparison, const struct owner *owner)
{
	const struct frontend *frontend = comparison->frontend;

	if (frontend->owner)
		return frontend_vm_id(frontend, owner) && !owner->reserves;
	if (owner->sources & OWNER_LIBVIRT)
		return true;
	for (size_t i = 0; i < comparison->records->count; i++)
		if (frontend_is_vm(frontend, &comparison->records->items[i], owner))
			return true;
	return false;
}

static int compare_owners(struct comparison *comparison, const struct pci_device *device,
			  const struct record *record)
{
	struct difference difference = {
		.kind = DIFFERENCE_NOT_RECORDED, .record = record, .device = device};

	for (size_t i = 0; i < device->owner_count; i++) {
		const struct owner *owner = &device->owners[i];

		if (record ? record->use != RECORD_FREE : !is_concerned(comparison, owner))
			continue;
		difference.owner = owner;
		return add(comparison, &difference);
	}
	return 0;
}

/* Returns the record of DEVICE, rather one with a VM than one without, or NULL. */
static const struct record *find_record(const struct comparison *comparison,
					const struct pci_device *device, bool *ret_has_vm)
{
	const struct record *found = NULL;

	*ret_has_vm = false;
	for (size_t i = 0; i < comparison->records->count; i++) {
		const struct record *record = &comparison->records->items[i];

		if (!covers(record, device))
			continue;
		found = found && !record_has_vm(record) ? found : record;
		*ret_has_vm = *ret_has_vm || record_has_vm(record);
	}
	return found;
}

static int compare_owned(struct comparison *comparison, const struct pci_device *device)
{
	const struct frontend *frontend = comparison->frontend;
	bool has_record_of_vm;
	const struct record *record = find_record(comparison, device, &has_record_of_vm);
	struct difference difference = {.device = device, .record = record};

	if (!record && frontend->lists_devices && is_new(comparison, device)) {
		difference.kind = DIFFERENCE_NEW_DEVICE;
		return add(comparison, &difference);
	}
	/* with a VM, compare_record has compared it, except for the VFs of a pool */
	if (has_record_of_vm && !is_pool(comparison, record))
		return 0;
	if (has_record_of_vm) {
		for (size_t i = 0; i < comparison->records->count; i++)
			if (covers(&comparison->records->items[i], device) &&
			    has_vm(comparison, &comparison->records->items[i], device))
				return 0;
		record = NULL; /* that of another VF */
	}
	if (device->ownership == OWNERSHIP_UNKNOWN && !device->owner_count &&
	    (record ? record->use == RECORD_FREE : !frontend->lists_devices))
		return add_unknown(comparison, record, device, device->unknown_reason);
	return compare_owners(comparison, device, record);
}

static int compare_offered(struct comparison *comparison, const struct pci_device *device)
{
	bool has_record_of_vm;
	const struct record *record = find_record(comparison, device, &has_record_of_vm);
	struct difference difference = {
		.kind = DIFFERENCE_NOT_OFFERED, .record = record, .device = device};

	if (!record || record->mdev || !comparison_omit_reason(comparison, device) ||
	    is_reported(comparison, device))
		return 0;
	return add(comparison, &difference);
}

/* ---- the result ---- */

static const struct pci_address *address_of(const struct difference *difference)
{
	static const struct pci_address none = {0};

	if (difference->device)
		return &difference->device->address;
	return difference->record && difference->record->has_address ? &difference->record->address
								     : &none;
}

static int by_address(const void *a, const void *b)
{
	const struct difference *one = a, *other = b;
	int order = address_compare(address_of(one), address_of(other));

	return order ? order : one->order < other->order ? -1 : one->order > other->order;
}

int records_compare(struct comparison *comparison)
{
	int error = 0;

	for (size_t i = 0; i < comparison->records->count && !error; i++)
		error = compare_record(comparison, i);
	inventory_foreach(comparison->inventory, device)
		error = error ? error : compare_owned(comparison, device);
	inventory_foreach(comparison->inventory, device)
		error = error ? error : compare_offered(comparison, device);
	if (comparison->count)
		qsort(comparison->differences, comparison->count, sizeof(*comparison->differences),
		      by_address);
	return error;
}

void comparison_free(struct comparison *comparison)
{
	free(comparison->differences);
	comparison->differences = NULL;
}
