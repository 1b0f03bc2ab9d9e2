/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/cloudstack-user.h"

#include "common/text.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has(const struct owner *owner, const char *mdev)
{
	if (owner->reserves)
		return false;
	return mdev ? owner->mdev && strcmp(owner->mdev, mdev) == 0 : !owner->mdev;
}

/* Java's isNotBlank, whatever counts as white space there. */
static bool is_seen(const char *name)
{
	for (; *name; name++)
		if (*name > ' ' && *name < 0x7f)
			return true;
	return false;
}

static void write_owner(FILE *out, const struct owner *owner)
{
	if (owner->name && is_seen(owner->name)) {
		text_write_plain(out, owner->name);
		return;
	}
	if (owner->pid)
		fprintf(out, "process %d", owner->pid);
	else
		fputs("somebody", out);
	if (owner->program) {
		fputs(" (", out);
		text_write_plain(out, owner->program);
		fputc(')', out);
	}
}

static bool are_all_seen(const struct inventory *inventory, unsigned sources)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		if ((SOURCES[i].bit & sources) && inventory->sources[i].state != SOURCE_OK)
			return false;
	return !inventory->unlocated;
}

static bool is_known(const struct inventory *inventory, const struct pci_device *device,
		     const char *mdev)
{
	/* what one mediated device's owner is says nothing of another's */
	if (mdev && !are_all_seen(inventory, OWNER_VFIO | OWNER_MDEV))
		return false;
	/* of a device that a stopped VM is defined with, a process that couldn't be seen may have
	 * it all the same */
	if (device->ownership == OWNERSHIP_RESERVED)
		return are_all_seen(inventory, OWNER_VFIO);
	return (device->present & HAS_OWNERSHIP) && device->ownership != OWNERSHIP_UNKNOWN;
}

int cloudstack_user(const struct inventory *inventory, const struct pci_device *device,
		    const char *mdev, char **ret)
{
	const char *between = "";
	char *text = NULL;
	size_t size = 0, count = 0;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < device->owner_count; i++)
		count += has(&device->owners[i], mdev);
	if (count > 1)
		fputs("conflict: ", out);
	for (size_t i = 0; i < device->owner_count; i++) {
		if (!has(&device->owners[i], mdev))
			continue;
		fputs(between, out);
		write_owner(out, &device->owners[i]);
		between = ", ";
	}
	if (!count && device->group_held && !mdev)
		fprintf(out, "held: IOMMU group %u, for another device of it", device->iommu_group);
	else if (!count && !is_known(inventory, device, mdev))
		fputs("unknown: pciprobe could not look everywhere", out);
	if (fclose(out) != 0) {
		free(text);
		return -ENOMEM;
	}
	if (!*text) {
		free(text);
		text = NULL;
	}
	*ret = text;
	return 0;
}
