/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/claim.h"

#include "probe/ownership/frontend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_same_vm(const struct owner *owner, const struct claim *claim)
{
	if (claim->is_other_vm)
		return owner->pid == claim->pid;
	if (claim->vmid && owner->frontend && strcmp(owner->frontend, "proxmox") == 0)
		return text_same(owner->frontend_id, claim->vmid);
	if (owner->pid && claim->pid)
		return owner->pid == claim->pid;
	if (owner->uuid && claim->uuid)
		return strcasecmp(owner->uuid, claim->uuid) == 0;
	return owner->name && text_same(owner->name, claim->name);
}

static struct owner *find_owner(struct pci_device *device, const struct claim *claim)
{
	for (size_t i = 0; i < device->owner_count; i++)
		if (text_same(device->owners[i].mdev, claim->mdev) &&
		    is_same_vm(&device->owners[i], claim))
			return &device->owners[i];
	return NULL;
}

static struct owner *add_owner(struct pci_device *device, const struct claim *claim)
{
	struct owner *grown = realloc(device->owners, (device->owner_count + 1) * sizeof(*grown));

	if (!grown)
		return NULL;
	device->owners = grown;
	grown += device->owner_count++;
	*grown = (struct owner){.reserves = claim->reserves, .host_process = claim->host_process};
	return grown;
}

/* Keeps a string that is already set, unless OUTRANKS. */
static int set_string(char **member, const char *string, bool outranks)
{
	char *copy;

	if ((*member && !outranks) || !string || !*string)
		return 0;
	copy = strdup(string);
	if (!copy)
		return -ENOMEM;
	free(*member);
	*member = copy;
	return 0;
}

static void set_frontend(struct owner *owner, const struct claim *claim, bool outranks)
{
	if (outranks) {
		free(owner->frontend_id);
		owner->frontend_id = NULL;
		owner->frontend = NULL;
	}
	if (owner->frontend)
		return;
	if (claim->frontend && set_string(&owner->frontend_id, claim->frontend_id, true) == 0)
		owner->frontend = claim->frontend;
	else
		owner->frontend = frontend_find(owner->name, owner->uuid, claim->vmid,
						&owner->frontend_id);
}

static void forget_vm(struct owner *owner)
{
	char **const members[] = {&owner->name, &owner->uuid, &owner->frontend_id};

	for (size_t i = 0; i < sizeof(members) / sizeof(*members); i++) {
		free(*members[i]);
		*members[i] = NULL;
	}
	owner->frontend = NULL;
}

int device_claim(struct pci_device *device, const struct claim *claim)
{
	/* users choose the command lines of their processes; libvirt knows its VM's real name */
	bool outranks = claim->source == OWNER_LIBVIRT;
	struct owner *owner = find_owner(device, claim);

	if (!owner)
		owner = add_owner(device, claim);
	if (!owner)
		return -ENOMEM;
	if (claim->is_other_vm)
		forget_vm(owner);
	owner->sources |= claim->source;
	owner->reserves = owner->reserves && claim->reserves;
	owner->host_process = owner->host_process && claim->host_process;
	if (!owner->pid) {
		owner->pid = claim->pid;
		owner->started = claim->started;
	}
	if (set_string(&owner->program, claim->program, false) < 0 ||
	    set_string(&owner->name, claim->name, outranks) < 0 ||
	    set_string(&owner->uuid, claim->uuid, outranks) < 0 ||
	    set_string(&owner->guest_address, claim->guest_address, outranks) < 0 ||
	    set_string(&owner->mdev, claim->mdev, false) < 0 ||
	    set_string(&owner->mac, claim->mac, outranks) < 0 ||
	    set_string(&owner->pod, claim->pod, false) < 0)
		return -ENOMEM;
	if (claim->has_vlan) {
		owner->has_vlan = true;
		owner->vlan = claim->vlan;
	}
	errno = 0;
	set_frontend(owner, claim, outranks && claim->name);
	return !owner->frontend && errno == ENOMEM ? -ENOMEM : 0;
}
