/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/standalone/nova/spec.h"

#include <stdio.h>

bool nova_sees(const struct pci_device *device)
{
	return device->address.domain <= 0xffff;
}

bool nova_is_pf(const struct pci_device *device)
{
	return (device->present & HAS_VFS_TOTAL) && device->sriov.vfs_total;
}

const char *nova_device_type(const struct pci_device *device)
{
	if (!(device->present & HAS_SRIOV))
		return NULL;
	if (device->present & HAS_PF)
		return "type-VF";
	return nova_is_pf(device) || (device->present & HAS_VIRTFN) ? "type-PF" : "type-PCI";
}

static long address_value(const struct pci_address *address, enum nova_field field)
{
	return field == NOVA_DOMAIN ? (long)address->domain
	       : field == NOVA_BUS  ? address->bus
	       : field == NOVA_SLOT ? address->slot
				    : address->function;
}

long nova_value(const struct pci_device *device, enum nova_field field)
{
	return field == NOVA_VENDOR    ? device->vendor
	       : field == NOVA_PRODUCT ? device->device
				       : address_value(&device->address, field);
}

const char *nova_format_field(enum nova_field field, long value,
			      char buffer[static NOVA_FIELD_SIZE])
{
	static const int digits[NOVA_FIELD_COUNT] = {
		[NOVA_DOMAIN] = 4, [NOVA_BUS] = 2, [NOVA_SLOT] = 2, [NOVA_FUNCTION] = 1};

	snprintf(buffer, NOVA_FIELD_SIZE, "%0*lx", digits[field], value);
	return buffer;
}

static bool address_matches(const struct nova_spec *spec, const struct pci_address *address)
{
	char string[NOVA_FIELD_SIZE];

	for (enum nova_field field = NOVA_DOMAIN; field <= NOVA_FUNCTION; field++) {
		long value = address_value(address, field);

		if ((spec->fixed & 1u << field) && spec->values[field] != value)
			return false;
		if (spec->address[field] &&
		    regex_matches(spec->address[field], nova_format_field(field, value, string)) <=
			    0)
			return false;
	}
	return true;
}

bool nova_spec_matches(const struct nova_spec *spec, const struct pci_device *device)
{
	if (spec->matches_none || !nova_sees(device))
		return false;
	for (enum nova_field field = NOVA_VENDOR; field <= NOVA_PRODUCT; field++)
		if ((spec->fixed & 1u << field) && spec->values[field] != nova_value(device, field))
			return false;
	if (spec->with_vfs && (device->present & HAS_PF) &&
	    address_matches(spec, &device->sriov.pf))
		return true;
	return address_matches(spec, &device->address);
}
