/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Virtual GPUs: the kernel's mdev framework (Documentation/driver-api/vfio-mediated-device.rst), or NVIDIA's own way on its
 * VFs, a file of lines "558 : NVIDIA A2-4Q" below a heading "ID : vGPU Name". */
#include "probe/details/attribute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void add_type(struct card *card, const char *id, const char *name)
{
	struct pci_device *device = card->device;
	struct vgpu_type *more, type;

	more = realloc(device->vgpu_types, (device->vgpu_type_count + 1) * sizeof(*more));
	if (!more) {
		card->no_memory = true;
		return;
	}
	device->vgpu_types = more;
	type = (struct vgpu_type){
		.id = card_strdup(card, id),
		.name = name ? card_strdup(card, name) : NULL,
	};
	if (type.id)
		more[device->vgpu_type_count++] = type;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct vgpu_type *)a)->id, ((const struct vgpu_type *)b)->id);
}

static void read_mdev_types(struct card *card)
{
	_cleanup_sysdir_ struct sysdir bus = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char name[ADDRESS_SIZE];
	struct dirent *entry;

	address_format(&card->device->address, name);
	if (card->mdev_bus.fd < 0 || sysdir_open(&card->mdev_bus, name, &bus) < 0)
		return;
	card->device->present |= HAS_MDEV;
	if (sysdir_list(&bus, "mdev_supported_types", &list) < 0)
		return;
	while ((entry = sysdir_next(list)))
		add_type(card, entry->d_name, NULL);
	if (card->device->vgpu_type_count)
		qsort(card->device->vgpu_types, card->device->vgpu_type_count, sizeof(*card->device->vgpu_types), compare);
}

static char *trim(char *text)
{
	text += strspn(text, " \t");
	for (size_t end = strlen(text); end && strchr(" \t\r", text[end - 1]);)
		text[--end] = '\0';
	return text;
}

static void read_creatable_types(struct card *card)
{
	char text[ATTRIBUTE_SIZE], *rest = text, *line;
	const char *id, *name;

	card->device->vgpu_type = card_string(card, "nvidia/current_vgpu_type");
	if (!card_text(card, "nvidia/creatable_vgpu_types", text))
		return;
	while ((line = strsep(&rest, "\n"))) {
		id = trim(strsep(&line, ":"));
		name = line ? trim(line) : "";
		if (*id && *name && strcasecmp(id, "ID") != 0)
			add_type(card, id, name);
	}
}

void read_vgpu(struct card *card)
{
	unsigned base = card->device->class >> 8;

	/* display controllers, accelerators, and what may be a part of one */
	if (base != 0x03 && base != 0x12 && card->device->sriov.role != SRIOV_VF)
		return;
	read_mdev_types(card);
	if (!card->device->vgpu_type_count)
		read_creatable_types(card);
}
