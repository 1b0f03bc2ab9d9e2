/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/unavailable.h"

#include "common/text.h"

static void write_owner(FILE *out, const struct owner *owner)
{
	fputs(owner->reserves	    ? "reserved for "
	      : owner->host_process ? "used by "
				    : "held by ",
	      out);
	if (owner->name) {
		fputs("VM '", out);
		text_write_plain(out, owner->name);
		fputc('\'', out);
	} else if (owner->program) {
		text_write_plain(out, owner->program);
	} else {
		fputs(owner->frontend ? owner->frontend : "unknown owner", out);
		fprintf(out, " %s", owner->frontend_id ? owner->frontend_id : "");
	}
	if (owner->pid)
		fprintf(out, ", process %d", owner->pid);
	if (owner->mdev)
		fprintf(out, ", mediated device %s", owner->mdev);
	fprintf(out, " (%s)", owner->source);
}

void unavailable_write_owners(FILE *out, const char *separator, const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++) {
		fputs(i ? separator : "", out);
		write_owner(out, &device->owners[i]);
	}
}

static void write_driver(FILE *out, const struct pci_device *device)
{
	fputs("bound to host driver ", out);
	text_write_plain(out, device->driver ? device->driver : "?");
}

static void write_peer(FILE *out, const struct pci_device *device, size_t peer)
{
	fprintf(out, "IOMMU group %u is not viable: %s is bound to a host driver",
		device->iommu_group, device->nonviable_peers.items[peer]);
}

static void write_unknown(FILE *out, const struct pci_device *device)
{
	fputs("owner unknown: ", out);
	text_write_plain(out, device->unknown_reason ? device->unknown_reason : "not read");
}

static void write_group_held(FILE *out, const struct pci_device *device)
{
	fprintf(out, "a process holds its IOMMU group %u for another device", device->iommu_group);
}

/* Returns whether a command helps. */
static bool write_command(FILE *out, const char *before, const struct pci_device *device)
{
	enum unavailable_reason reason = device_unavailable_reason(device);
	char address[ADDRESS_SIZE];

	if (device_is_bridge(device) ||
	    (reason != UNAVAILABLE_HOST && reason != UNAVAILABLE_NO_IOMMU &&
	     reason != UNAVAILABLE_NOT_VIABLE))
		return false;
	if (!(device->present & HAS_IOMMU_GROUP))
		fprintf(out, "%s'vfio-bind check' says why", before);
	else
		fprintf(out, "%s'vfio-bind bind %s%s' can make it available", before,
			device->nonviable_peers.count ? "--group " : "",
			address_format(&device->address, address));
	return true;
}

void unavailable_write_brief(FILE *out, const struct pci_device *device)
{
	switch (device_unavailable_reason(device)) {
	case UNAVAILABLE_NONE:
		break;
	case UNAVAILABLE_UNKNOWN:
		write_unknown(out, device);
		break;
	case UNAVAILABLE_HOST:
		if (device_is_bridge(device))
			fputs("a bridge cannot be assigned", out);
		else
			write_driver(out, device);
		if (!device_is_bridge(device) && !(device->present & HAS_IOMMU_GROUP))
			fputs(", and not in an IOMMU group", out);
		break;
	case UNAVAILABLE_RESERVED:
	case UNAVAILABLE_HELD:
		unavailable_write_owners(out, "; ", device);
		break;
	case UNAVAILABLE_NO_IOMMU:
		fputs("not in an IOMMU group", out);
		break;
	case UNAVAILABLE_NOT_VIABLE:
		write_peer(out, device, 0);
		break;
	case UNAVAILABLE_GROUP_HELD:
		write_group_held(out, device);
		break;
	}
	write_command(out, "; ", device);
}

void unavailable_write_help(FILE *out, const char *indent, const struct pci_device *device)
{
	if (write_command(out, indent, device))
		fputc('\n', out);
}

void unavailable_write_driver(FILE *out, const char *indent, const struct pci_device *device)
{
	fputs(indent, out);
	write_driver(out, device);
	fputc('\n', out);
}

void unavailable_write_permanent(FILE *out, const char *indent, const struct pci_device *device)
{
	if (device_is_bridge(device))
		fprintf(out, "%sa bridge cannot be assigned\n", indent);
	else if (!(device->present & HAS_IOMMU_GROUP))
		fprintf(out,
			"%snot in an IOMMU group: devices cannot be assigned while the IOMMU is off\n",
			indent);
	for (size_t i = 0; i < device->nonviable_peers.count; i++) {
		fputs(indent, out);
		write_peer(out, device, i);
		fputc('\n', out);
	}
}

void unavailable_write(FILE *out, const char *indent, const struct pci_device *device)
{
	for (size_t i = 0; i < device->owner_count; i++) {
		fputs(indent, out);
		write_owner(out, &device->owners[i]);
		fputc('\n', out);
	}
	if (device_has_conflict(device))
		fprintf(out,
			"%sconflict: more than one owner, or bound to a host driver while in use\n",
			indent);
	if (!device_is_bridge(device) && (device->ownership == OWNERSHIP_HOST ||
					  (device->owner_count && !device_is_assignable(device))))
		unavailable_write_driver(out, indent, device);
	if (device->ownership == OWNERSHIP_UNKNOWN) {
		fputs(indent, out);
		write_unknown(out, device);
		fputc('\n', out);
	}
	unavailable_write_permanent(out, indent, device);
	if (device->group_held) {
		fputs(indent, out);
		write_group_held(out, device);
		fputc('\n', out);
	}
}
