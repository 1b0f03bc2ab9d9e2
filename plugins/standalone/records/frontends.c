/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/records/frontends.h"

#include "plugins/standalone/records/corrections.h"

#include <string.h>
#include <strings.h>

const struct frontend FRONTENDS[] = {
	{
		.name = "opennebula",
		.help = "what 'onehost show -x HOST' prints",
		.options = "caOSJ",
		.id_decides = true,
		.owner = "opennebula",
		.files = "FILE",
		.max_files = 1,
		.parse = opennebula_records_parse,
		.lists_devices = true,
		.follows_config = true,
		.corrections = OPENNEBULA_CORRECTIONS,
	},
	{
		.name = "cloudstack",
		.help = "what 'cmk list gpudevices hostid=ID' prints, or the API's listGpuDevices",
		.options = "caOSJ",
		.owner = "cloudstack",
		.files = "FILE",
		.max_files = 1,
		.parse = cloudstack_records_parse,
		.lists_devices = true,
		.follows_config = true,
		.lists_pfs = true,
		.corrections = CLOUDSTACK_CORRECTIONS,
	},
	{
		.name = "nova-db",
		.help = "the table pci_devices, printed by 'mysql -B', or resource providers in JSON",
		.options = "cOSJ",
		.id_decides = true,
		.owner = "nova",
		.files = "FILE",
		.max_files = 1,
		.parse = nova_records_parse,
		.lists_devices = true,
		.corrections = NOVA_CORRECTIONS,
	},
	{
		.name = "proxmox",
		.help = "VM configurations; without FILE those of this node",
		.options = "OSJ",
		.id_decides = true,
		.owner = "proxmox",
		.files = "[FILE...]",
		.has_own_files = true,
		.parse = proxmox_records_parse,
		.corrections = PROXMOX_CORRECTIONS,
	},
	{
		.name = "libvirt",
		.help = "domains as 'virsh dumpxml' prints them, with or without --inactive",
		.options = "OSJ",
		.files = "FILE...",
		.parse = libvirt_records_parse,
		.corrections = LIBVIRT_CORRECTIONS,
	},
};
const size_t FRONTEND_COUNT = sizeof(FRONTENDS) / sizeof(*FRONTENDS);

const struct frontend *frontend_by_name(const char *name)
{
	for (size_t i = 0; i < FRONTEND_COUNT; i++)
		if (strcmp(FRONTENDS[i].name, name) == 0)
			return &FRONTENDS[i];
	return NULL;
}

static bool is_of(const struct frontend *frontend, const struct owner *owner)
{
	return frontend->owner && owner->frontend && owner->frontend_id &&
	       strcmp(owner->frontend, frontend->owner) == 0;
}

bool frontend_is_vm(const struct frontend *frontend, const struct record *record,
		    const struct owner *owner)
{
	if (is_of(frontend, owner) && frontend->id_decides)
		return record->vm_id && strcasecmp(record->vm_id, owner->frontend_id) == 0;
	if (record->vm_uuid && owner->uuid)
		return strcasecmp(record->vm_uuid, owner->uuid) == 0;
	return record->vm_name && owner->name && strcmp(record->vm_name, owner->name) == 0;
}

/* An owner with the name of another naming scheme is another VM. */
bool frontend_knows_vm(const struct frontend *frontend, const struct record *record,
		       const struct owner *owner)
{
	if (is_of(frontend, owner) || (record->vm_uuid && owner->uuid))
		return true;
	return owner->name && (record->vm_name || !record->vm_uuid);
}

const char *frontend_vm_label(const struct frontend *frontend, const struct record *record)
{
	if (!frontend->id_decides && record->vm_name)
		return record->vm_name;
	return record->vm_id ? record->vm_id : record->vm_uuid;
}

const char *frontend_vm_id(const struct frontend *frontend, const struct owner *owner)
{
	if (is_of(frontend, owner))
		return owner->frontend_id;
	if (frontend->owner)
		return NULL;
	return owner->sources & OWNER_LIBVIRT ? (owner->name ? owner->name : owner->uuid) : NULL;
}
