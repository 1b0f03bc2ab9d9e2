/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cloudstack-devices and cloudstack-table: the pci.devices line of CloudStack's agent.properties
 * and the rows of its table op_host_pci_devices, as proposed in 2013 ("PCI-Passthrough with
 * CloudStack", cloudstack-dev). The name of a device is its first alias: with a row per alias it
 * would be assigned twice. Devices without an alias cannot be requested and are omitted. */
#include "common/text.h"
#include "plugins/standalone/formats/cloudstack-user.h"
#include "plugins/standalone/formats/writer.h"

#include <stdlib.h>
#include <string.h>

static const char *alias_of(const struct pci_device *device)
{
	return device->aliases.count && !device_is_bridge(device) ? device->aliases.items[0] : NULL;
}

int write_cloudstack_devices(const struct report *report, FILE *out)
{
	const char *separator = "pci.devices=";
	char address[ADDRESS_SIZE];

	inventory_foreach(report->inventory, device) {
		if (!alias_of(device))
			continue;
		fprintf(out, "%s%s|%s", separator, address_format_short(&device->address, address),
			alias_of(device));
		separator = ",";
	}
	/* written even without devices, to replace an earlier line in the file */
	fputs(*separator == ',' ? "\n" : "pci.devices=\n", out);
	return 0;
}

static int write_row(FILE *out, const struct inventory *inventory, const struct pci_device *device)
{
	const struct pci_address *address = &device->address;
	char *user = NULL, domain[16];
	int error = cloudstack_user(inventory, device, NULL, &user);

	if (error)
		return error;
	snprintf(domain, sizeof(domain), "%04x", address->domain);
	text_write_plain(out, *inventory->host ? inventory->host : "?");
	fprintf(out, " %-16s %6s  %02x   %02x %8x ", alias_of(device), domain, address->bus,
		address->slot, address->function & 7u);
	text_write_plain(out, user ? user : "NULL");
	fputc('\n', out);
	free(user);
	return 0;
}

int write_cloudstack_table(const struct report *report, FILE *out)
{
	const struct inventory *inventory = report->inventory;

	if (report->headings)
		fprintf(out, "%-*s %-16s DOMAIN BUS SLOT FUNCTION INSTANCE\n",
			(int)strlen(inventory->host), "HOST", "NAME");
	inventory_foreach(inventory, device) {
		int error = alias_of(device) ? write_row(out, inventory, device) : 0;

		if (error)
			return error;
	}
	return 0;
}
