/* SPDX-License-Identifier: GPL-2.0-or-later */
/* incus: devices of type pci as YAML, for 'incus create' and 'incus profile create', which read it
 * from standard input. Sources: Incus's doc/reference/devices_pci.md, and IsPCIAddress and
 * IsAPIName in shared/validate/validate.go. */
#include "plugins/standalone/formats/devicecomment.h"
#include "plugins/standalone/formats/writer.h"

#include <string.h>

#define NAME_MAX_LENGTH 64

/* The name of the device in the VM: its first alias, if any, and its address, which makes it
 * unique. Of the characters of aliases, '+' is not valid there. */
static void make_name(const struct pci_device *device, char name[static NAME_MAX_LENGTH + 1])
{
	const char *alias = device->aliases.count ? device->aliases.items[0] : "pci";
	char address[ADDRESS_SIZE];
	int size;

	address_format(&device->address, address);
	size = NAME_MAX_LENGTH - 1 - (int)strlen(address);
	snprintf(name, NAME_MAX_LENGTH + 1, "%.*s-%s", size, alias, address);
	for (char *p = name; (p = strpbrk(p, "+:"));)
		*p = *p == ':' ? '-' : '_';
}

/* Unquoted, YAML 1.1 would read the address as a number. */
static void write_device(FILE *out, const struct pci_device *device)
{
	char name[NAME_MAX_LENGTH + 1], address[ADDRESS_SIZE];

	make_name(device, name);
	fprintf(out, "  \"%s\":\n    type: pci\n    address: \"%s\"\n", name,
		address_format(&device->address, address));
}

int write_incus(const struct report *report, FILE *out)
{
	bool any = false;

	inventory_foreach(report->inventory, device) {
		if (!any)
			fputs("devices:\n", out);
		any = true;
		if (devicecomment_write(out, "  # ", device))
			continue;
		if (device->address.domain > 0xffff)
			fputs("  #      Incus does not support PCI domains above ffff\n", out);
		else
			write_device(out, device);
	}
	return 0;
}
