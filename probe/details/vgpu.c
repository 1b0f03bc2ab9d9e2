/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vGPU types: from the kernel's mdev framework (Documentation/driver-api/vfio-mediated-device.rst),
 * or on NVIDIA's VFs from a file with lines "558 : NVIDIA A2-4Q" below a header "ID : vGPU Name".
 */
#include "probe/details/attribute.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define VENDOR_NVIDIA 0x10de

static void add_type(struct details_reader *reader, const char *id, const char *name)
{
	struct pci_device *device = reader->device;
	struct vgpu_type *tmp, type;

	tmp = realloc(device->vgpu_types, (device->vgpu_type_count + 1) * sizeof(*tmp));
	if (!tmp) {
		reader->no_memory = true;
		return;
	}
	device->vgpu_types = tmp;
	type = (struct vgpu_type){
		.id = reader_strdup(reader, id),
		.name = name ? reader_strdup(reader, name) : NULL,
	};
	if (type.id)
		tmp[device->vgpu_type_count++] = type;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct vgpu_type *)a)->id, ((const struct vgpu_type *)b)->id);
}

static void read_mdev_types(struct details_reader *reader)
{
	_cleanup_sysdir_ struct sysdir bus = {.fd = -1};
	_cleanup_closedir_ DIR *list = NULL;
	char name[ADDRESS_SIZE];
	struct dirent *entry;

	address_format(&reader->device->address, name);
	if (reader->mdev_bus.fd < 0 || sysdir_open(&reader->mdev_bus, name, &bus) < 0)
		return;
	reader->device->present |= HAS_MDEV;
	if (sysdir_list(&bus, "mdev_supported_types", &list) < 0)
		return;
	while ((entry = sysdir_next(list)))
		add_type(reader, entry->d_name, NULL);
	if (reader->device->vgpu_type_count)
		qsort(reader->device->vgpu_types, reader->device->vgpu_type_count,
		      sizeof(*reader->device->vgpu_types), compare);
}

static char *trim(char *text)
{
	text += strspn(text, " \t");
	for (size_t end = strlen(text); end && strchr(" \t\r", text[end - 1]);)
		text[--end] = '\0';
	return text;
}

static void read_creatable_types(struct details_reader *reader)
{
	char text[ATTRIBUTE_SIZE], *rest = text, *line;
	const char *id, *name;

	reader->device->vgpu_type = attribute_string(reader, "nvidia/current_vgpu_type");
	if (!attribute_text(reader, "nvidia/creatable_vgpu_types", text))
		return;
	while ((line = strsep(&rest, "\n"))) {
		id = trim(strsep(&line, ":"));
		name = line ? trim(line) : "";
		if (*id && *name && strcasecmp(id, "ID") != 0)
			add_type(reader, id, name);
	}
}

void read_vgpu(struct details_reader *reader)
{
	unsigned base = reader->device->class >> 8;

	/* display controllers, processing accelerators, and VFs, which may belong to one */
	if (base != 0x03 && base != 0x12 && reader->device->sriov.role != SRIOV_VF)
		return;
	read_mdev_types(reader);
	if (!reader->device->vgpu_type_count && reader->device->vendor == VENDOR_NVIDIA)
		read_creatable_types(reader);
}
