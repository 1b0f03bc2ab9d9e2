/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/obstacle.h"

#include "common/text.h"

static void write_owner(FILE *out, const struct owner *owner)
{
	fputs(owner->reserves ? "reserved for " : "held by ", out);
	if (owner->name) {
		fputs("VM '", out);
		text_write_plain(out, owner->name);
		fputc('\'', out);
	} else if (owner->program) {
		text_write_plain(out, owner->program);
	} else {
		fputs(owner->frontend ? owner->frontend : "somebody", out);
		fprintf(out, " %s", owner->frontend_id ? owner->frontend_id : "");
	}
	if (owner->pid)
		fprintf(out, ", process %d", owner->pid);
	if (owner->mdev)
		fprintf(out, ", as the mediated device %s", owner->mdev);
	fprintf(out, " (%s)\n", owner->source);
}

static void write_blockers(FILE *out, const char *indent, const struct pci_device *device)
{
	for (size_t i = 0; i < device->group_blockers.count; i++)
		fprintf(out, "%sno VM can have IOMMU group %u: a native driver has %s in it\n", indent, device->iommu_group,
			device->group_blockers.items[i]);
}

static void write_unknown(FILE *out, const char *indent, const struct pci_device *device)
{
	fprintf(out, "%sowner unknown: ", indent);
	text_write_plain(out, device->unknown_reason ? device->unknown_reason : "not read");
	fputc('\n', out);
}

void obstacle_write_driver(FILE *out, const char *indent, const struct pci_device *device)
{
	fprintf(out, "%sthe host uses it, by the driver ", indent);
	text_write_plain(out, device->driver ? device->driver : "?");
	fputc('\n', out);
}

void obstacle_write_lasting(FILE *out, const char *indent, const struct pci_device *device)
{
	if (device_is_bridge(device))
		fprintf(out, "%sit is a bridge, which no VM can have\n", indent);
	else if (!(device->present & HAS_IOMMU_GROUP))
		fprintf(out, "%sit is in no IOMMU group: without an IOMMU no VM can have a card\n", indent);
	write_blockers(out, indent, device);
}

void obstacle_write(FILE *out, const char *indent, const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++) {
		fputs(indent, out);
		write_owner(out, &device->owners[i]);
	}
	if (device_has_conflict(device))
		fprintf(out, "%sthat is a conflict\n", indent);
	if (!device_is_bridge(device) &&
	    (device->ownership == OWNERSHIP_HOST || (device->owner_count && !device_is_givable(device))))
		obstacle_write_driver(out, indent, device);
	if (device->ownership == OWNERSHIP_UNKNOWN)
		write_unknown(out, indent, device);
	obstacle_write_lasting(out, indent, device);
	if (device->group_held)
		fprintf(out, "%sa process has its IOMMU group %u for another card\n", indent, device->iommu_group);
}
