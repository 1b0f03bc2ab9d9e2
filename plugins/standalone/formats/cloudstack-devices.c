/* SPDX-License-Identifier: GPL-2.0-or-later */
/* cloudstack-devices and cloudstack-table: the line of CloudStack's agent.properties, and the rows
 * of its table op_host_pci_devices, as they were proposed in 2013 ("PCI-Passthrough with
 * CloudStack", cloudstack-dev). A given name is an alias: of several a device has the first, since
 * a row each would be given out twice. A device without one has no name to be asked by. */
#include "common/text.h"
#include "plugins/standalone/formats/cloudstack-user.h"
#include "plugins/standalone/formats/writer.h"

#include <stdlib.h>
#include <string.h>

static const char *given_name(const struct pci_device *device)
{
	return device->aliases.count && !device_is_bridge(device) ? device->aliases.items[0] : NULL;
}

int write_cloudstack_devices(const struct report *report, FILE *out)
{
	const char *between = "pci.devices=";
	char address[ADDRESS_SIZE];

	inventory_foreach(report->inventory, device) {
		if (!given_name(device))
			continue;
		fprintf(out, "%s%s|%s", between, address_format_short(&device->address, address),
			given_name(device));
		between = ",";
	}
	/* without a device the line says so, and doesn't leave the file with the one from before */
	fputs(*between == ',' ? "\n" : "pci.devices=\n", out);
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
	fprintf(out, " %-16s %6s  %02x   %02x %8x ", given_name(device), domain, address->bus,
		address->slot, address->function & 7u);
	text_write_plain(out, user ? user : "NULL");
	fputc('\n', out);
	free(user);
	return 0;
}

int write_cloudstack_table(const struct report *report, FILE *out)
{
	const struct inventory *inventory = report->inventory;
	int error = 0;

	if (report->headings)
		fprintf(out, "%-*s %-16s DOMAIN BUS SLOT FUNCTION INSTANCE\n",
			(int)strlen(inventory->host), "HOST", "NAME");
	inventory_foreach(inventory, device)
		if (!error && given_name(device))
			error = write_row(out, inventory, device);
	return error;
}
