/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/change.h"

#include "probe/driver.h"
#include "probe/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct change *changes_add(struct changes *changes, const struct pci_device *device)
{
	struct change *grown = realloc(changes->items, (changes->count + 1) * sizeof(*grown)),
		      *change;

	if (!grown)
		return NULL;
	changes->items = grown;
	change = &grown[changes->count++];
	*change = (struct change){.address = device->address,
				  .vendor = device->vendor,
				  .device = device->device,
				  .inode = device->inode};
	return change;
}

void change_free_members(struct change *change)
{
	binding_free(&change->origin);
	binding_free(&change->before);
	binding_free(&change->wanted);
	binding_free(&change->now);
	free(change->vfs_lost);
	vf_list_free(&change->settings);
	free(change->group);
	free(change->modalias);
}

void changes_free(struct changes *changes)
{
	for (size_t i = 0; i < changes->count; i++)
		change_free_members(&changes->items[i]);
	free(changes->items);
	*changes = (struct changes){0};
}

void changes_drop(struct changes *changes, size_t index)
{
	struct change *change = &changes->items[index];

	change_free_members(change);
	memmove(change, change + 1, (changes->count - index - 1) * sizeof(*change));
	changes->count--;
}

int change_copy(struct change *to, const struct change *from)
{
	struct change copy = {
		.state = from->state,
		.address = from->address,
		.vendor = from->vendor,
		.device = from->device,
		.inode = from->inode,
		.is_vfs = from->is_vfs,
		.vfs_before = from->vfs_before,
		.vfs_wanted = from->vfs_wanted,
		.vf_before = from->vf_before,
		.vfs_lost = from->vfs_lost ? strdup(from->vfs_lost) : NULL,
	};

	if ((from->vfs_lost && !copy.vfs_lost) ||
	    vf_list_copy(&copy.settings, &from->settings) < 0 ||
	    binding_copy(&copy.origin, &from->origin) < 0 ||
	    binding_copy(&copy.before, &from->before) < 0 ||
	    binding_copy(&copy.wanted, &from->wanted) < 0) {
		change_free_members(&copy);
		return -ENOMEM;
	}
	change_free_members(to);
	*to = copy;
	return 0;
}

bool change_is_intact(const struct change *recorded, const struct binding *now)
{
	return recorded->state != CHANGE_BOUND ||
	       (text_same(recorded->before.override, now->override) &&
		(!now->driver || text_same(recorded->before.driver, now->driver)));
}

int change_set_origin(struct change *change, const struct change *recorded)
{
	static const struct binding autoprobe = {.autoprobe = true};
	const struct binding *now = &change->now;
	int error;

	if (!recorded || recorded->inode != change->inode)
		return binding_copy(&change->origin, now);
	if (change_is_intact(recorded, now))
		return binding_copy(&change->origin, &recorded->origin);
	if (!now->driver || driver_is_for_vms(now->driver))
		return binding_copy(&change->origin, &autoprobe);
	error = binding_copy(&change->origin, now);
	if (!error && now->override && driver_is_for_vms(now->override)) {
		free(change->origin.override);
		change->origin.override = NULL;
	}
	return error;
}

bool change_is_applied(const struct change *change)
{
	const struct binding *now = &change->now, *wanted = &change->wanted;

	if (change->is_gone)
		return false;
	if (change->is_vfs)
		return change->vfs_now == change->vfs_wanted;
	if (!text_same(now->override, wanted->override))
		return false;
	if (wanted->autoprobe)
		return !now->driver || !driver_is_for_vms(now->driver);
	return text_same(now->driver, wanted->driver);
}
