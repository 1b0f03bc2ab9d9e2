/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/formats/cloudstack-user.h"

#include "common/text.h"
#include "common/textstream.h"
#include "probe/ownership/sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool uses(const struct owner *owner, const char *mdev)
{
	if (owner->reserves)
		return false;
	return mdev ? owner->mdev && strcmp(owner->mdev, mdev) == 0 : !owner->mdev;
}

/* A stricter StringUtils.isNotBlank: independent of what Java considers white space. */
static bool has_visible_character(const char *name)
{
	for (; *name; name++)
		if (*name > ' ' && *name < 0x7f)
			return true;
	return false;
}

static void write_owner(FILE *out, const struct owner *owner)
{
	if (owner->name && has_visible_character(owner->name)) {
		text_write_plain(out, owner->name);
		return;
	}
	if (owner->pid)
		fprintf(out, "process %d", owner->pid);
	else
		fputs("unknown owner", out);
	if (owner->program) {
		fputs(" (", out);
		text_write_plain(out, owner->program);
		fputc(')', out);
	}
}

static bool sources_are_complete(const struct inventory *inventory, unsigned sources)
{
	for (size_t i = 0; i < OWNER_SOURCE_COUNT; i++)
		if ((SOURCES[i].bit & sources) && inventory->sources[i].state != SOURCE_OK)
			return false;
	return !inventory->unlocated;
}

static bool is_determined(const struct inventory *inventory, const struct pci_device *device,
			  const char *mdev)
{
	/* the device's state is not that of this mediated device */
	if (mdev && !sources_are_complete(inventory, OWNER_VFIO | OWNER_MDEV))
		return false;
	/* an uninspected process may use a device that is reserved for a stopped VM */
	if (device->ownership == OWNERSHIP_RESERVED)
		return sources_are_complete(inventory, OWNER_VFIO);
	return (device->present & HAS_OWNERSHIP) && device->ownership != OWNERSHIP_UNKNOWN;
}

int cloudstack_user(const struct inventory *inventory, const struct pci_device *device,
		    const char *mdev, char **ret)
{
	const char *separator = "";
	char *string = NULL;
	size_t count = 0;
	FILE *out = textstream_open(&string);

	if (!out)
		return -ENOMEM;
	for (size_t i = 0; i < device->owner_count; i++)
		count += uses(&device->owners[i], mdev);
	if (count > 1)
		fputs("conflict: ", out);
	for (size_t i = 0; i < device->owner_count; i++) {
		if (!uses(&device->owners[i], mdev))
			continue;
		fputs(separator, out);
		write_owner(out, &device->owners[i]);
		separator = ", ";
	}
	if (!count && device->group_held && !mdev)
		fprintf(out, "held: IOMMU group %u is in use for another device",
			device->iommu_group);
	else if (!count && !is_determined(inventory, device, mdev))
		fputs("unknown: pciprobe could not check all owners", out);
	if (!textstream_close(out, &string))
		return -ENOMEM;
	if (!*string) {
		free(string);
		string = NULL;
	}
	*ret = string;
	return 0;
}
