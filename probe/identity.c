/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/identity.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define HEX "0123456789abcdefABCDEF"

/* Appends to BUFFER; what does not fit is cut off. */
static void __attribute__((format(printf, 3, 4)))
append(char *buffer, size_t size, const char *format, ...)
{
	size_t length = strlen(buffer);
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(buffer + length, size - length, format, arguments);
	va_end(arguments);
}

/* ---- paths ---- */

const char *pci_path_format(const struct pci_address *addresses, size_t count, unsigned bus_offset,
			    char buffer[static PCI_PATH_SIZE])
{
	size_t root = count - 1;
	char address[ADDRESS_SIZE];

	/* a domain of its own, as that of Intel VMD, has a root bus of its own */
	while (root && addresses[root - 1].domain == addresses[count - 1].domain)
		root--;
	snprintf(buffer, PCI_PATH_SIZE, "%s", address_format(&addresses[root], address));
	for (size_t i = root + 1; i < count; i++) {
		append(buffer, PCI_PATH_SIZE, "/");
		if (i == count - 1 && bus_offset)
			append(buffer, PCI_PATH_SIZE, "+%x:", bus_offset);
		append(buffer, PCI_PATH_SIZE, "%02x.%x", addresses[i].slot,
		       addresses[i].function & 7u);
	}
	return buffer;
}

/* Parses "1c.0" with up to LENGTH characters. */
static bool parse_slot(const char *text, size_t length, struct pci_address *ret)
{
	char address[ADDRESS_SIZE];

	return length < 5 &&
	       snprintf(address, sizeof(address), "0:0:%.*s", (int)length, text) > 0 &&
	       address_parse_full(address, ret) == 0;
}

/* Parses "+1:" at *text and moves *text past it. */
static bool parse_bus_offset(const char **text, unsigned *ret)
{
	size_t digits = strspn(*text + 1, HEX);
	unsigned offset;
	int end = 0;

	if (!digits || digits > 2 || sscanf(*text, "+%2x:%n", &offset, &end) != 1 || !end ||
	    !offset)
		return false;
	*text += end;
	*ret = offset;
	return true;
}

/* Writes the path in TEXT the way pci_path_format does. */
static int parse_path(const char *text, char path[static PCI_PATH_SIZE])
{
	struct pci_address addresses[PATH_ADDRESSES_MAX];
	size_t length = strcspn(text, "/"), count = 1;
	unsigned bus_offset = 0;
	char root[ADDRESS_SIZE];

	if (length >= sizeof(root))
		return -EINVAL;
	memcpy(root, text, length);
	root[length] = '\0';
	if (address_parse(root, &addresses[0]) < 0)
		return -EINVAL;
	for (text += length; *text; text += length, count++) {
		text++;
		length = strcspn(text, "/");
		if (count == PATH_ADDRESSES_MAX || bus_offset)
			return -EINVAL;
		if (*text == '+' && !text[length]) {
			if (!parse_bus_offset(&text, &bus_offset))
				return -EINVAL;
			length = strlen(text);
		}
		if (!parse_slot(text, length, &addresses[count]))
			return -EINVAL;
		addresses[count].domain = addresses[0].domain;
	}
	pci_path_format(addresses, count, bus_offset, path);
	return 0;
}

/* ---- identities ---- */

static bool is_ids(const char *text)
{
	return strlen(text) == 9 && strspn(text, HEX) == 4 && text[4] == ':' &&
	       strspn(text + 5, HEX) == 4;
}

int identity_parse(const char *string, struct identity *ret)
{
	bool by_path = strncmp(string, PATH_PREFIX, strlen(PATH_PREFIX)) == 0;
	const char *ids = strchr(string, '=');
	char place[PCI_PATH_SIZE];
	unsigned vendor, device;
	size_t length;

	*ret = (struct identity){0};
	string += by_path ? strlen(PATH_PREFIX) : 0;
	length = strcspn(string, "=");
	if (length >= sizeof(place))
		return -EINVAL;
	memcpy(place, string, length);
	place[length] = '\0';
	if (ids) {
		if (!is_ids(ids + 1) || sscanf(ids + 1, "%4x:%4x", &vendor, &device) != 2)
			return -EINVAL;
		ret->has_ids = true;
		ret->vendor = (uint16_t)vendor;
		ret->device = (uint16_t)device;
	}
	ret->by_path = by_path || strchr(place, '/');
	return ret->by_path ? parse_path(place, ret->path) : address_parse(place, &ret->address);
}

bool identity_has_place(const struct identity *identity, const struct pci_device *device)
{
	if (identity->by_path)
		return device->path && strcmp(device->path, identity->path) == 0;
	return address_compare(&identity->address, &device->address) == 0;
}

bool identity_has_ids(const struct identity *identity, const struct pci_device *device)
{
	return !identity->has_ids ||
	       (identity->vendor == device->vendor && identity->device == device->device);
}

/* Appends the place of DEVICE, the same way as IDENTITY names its own. */
static void append_place(char *buffer, const struct identity *identity,
			 const struct pci_device *device)
{
	char address[ADDRESS_SIZE];

	address_format(&device->address, address);
	if (identity->by_path && device->path)
		append(buffer, IDENTITY_TEXT_SIZE, PATH_PREFIX "%s (%s)", device->path, address);
	else
		append(buffer, IDENTITY_TEXT_SIZE, "%s", address);
}

const char *identity_describe(const struct identity *identity, const struct pci_device *found,
			      const struct pci_device *other, size_t count,
			      char buffer[static IDENTITY_TEXT_SIZE])
{
	char ids[10], address[ADDRESS_SIZE];

	buffer[0] = '\0';
	snprintf(ids, sizeof(ids), "%04x:%04x", identity->vendor, identity->device);
	if (found) {
		append_place(buffer, identity, found);
		append(buffer, IDENTITY_TEXT_SIZE, " is %04x:%04x, expected %s", found->vendor,
		       found->device, ids);
	} else {
		append(buffer, IDENTITY_TEXT_SIZE, "no device at %s%s",
		       identity->by_path ? PATH_PREFIX : "",
		       identity->by_path ? identity->path
					 : address_format(&identity->address, address));
	}
	if (!identity->has_ids)
		return buffer;
	if (count == 1) {
		append(buffer, IDENTITY_TEXT_SIZE, "; %s is at ", ids);
		append_place(buffer, identity, other);
	} else if (count) {
		append(buffer, IDENTITY_TEXT_SIZE, "; %zu other devices are %s", count, ids);
	} else {
		append(buffer, IDENTITY_TEXT_SIZE, "; there is no %s%s", found ? "other " : "",
		       ids);
	}
	return buffer;
}
