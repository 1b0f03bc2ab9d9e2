/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/details/vpd.h"

#include "probe/sysfs/scan.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VPD_SIZE_MAX 32768 /* addresses have 15 bits */
#define TAG_LARGE 0x80
#define TAG_READ_ONLY 0x90
#define TAG_END 0x0f

struct resource {
	unsigned tag; /* of a large one with TAG_LARGE */
	const uint8_t *data;
	size_t length;
};

/* Returns the offset of the next resource, 0 if there is none. */
static size_t next_resource(const uint8_t *data, size_t length, size_t at, struct resource *ret)
{
	size_t header = at < length && (data[at] & TAG_LARGE) ? 3 : 1;

	if (at + header > length)
		return 0;
	ret->tag = header == 3 ? data[at] : data[at] >> 3;
	ret->length = header == 3 ? data[at + 1] | (size_t)data[at + 2] << 8 : data[at] & 7;
	ret->data = data + at + header;
	return ret->tag == TAG_END || ret->length > length - at - header
		       ? 0
		       : at + header + ret->length;
}

/* The bytes of the VPD up to this one, inclusive, add up to 0. */
static bool is_checksum_valid(const uint8_t *data, const uint8_t *checksum)
{
	uint8_t sum = 0;

	for (; data <= checksum; data++)
		sum = (uint8_t)(sum + *data);
	return sum == 0;
}

static bool is_blank(const uint8_t *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] > ' ' && text[i] < 0x7f)
			return false;
	return true;
}

static bool has_serial_field(const uint8_t *data, const struct resource *resource)
{
	const uint8_t *field = resource->data, *end = field + resource->length;
	bool found = false;

	for (; end - field >= 3 && end - field - 3 >= field[2]; field += 3 + field[2]) {
		if (memcmp(field, "SN", 2) == 0)
			found = found || !is_blank(field + 3, field[2]);
		else if (memcmp(field, "RV", 2) == 0)
			return found && field[2] && is_checksum_valid(data, field + 3);
	}
	return false; /* without a checksum it is not valid */
}

bool vpd_has_serial(const void *data, size_t length)
{
	struct resource resource;

	for (size_t at = 0; (at = next_resource(data, length, at, &resource));)
		if (resource.tag == TAG_READ_ONLY)
			return has_serial_field(data, &resource);
	return false;
}

enum vpd_serial vpd_read_serial(struct sysroot *root, const struct pci_device *device)
{
	_cleanup_sysdir_ struct sysdir dir = {.fd = -1};
	char path[sizeof(SCAN_DIRECTORY) + ADDRESS_SIZE], address[ADDRESS_SIZE];
	char status[32] = "", *data;
	enum vpd_serial serial = VPD_SERIAL_UNKNOWN;
	ssize_t length;

	snprintf(path, sizeof(path), SCAN_DIRECTORY "/%s",
		 address_format(&device->address, address));
	if (sysdir_open(sysroot_dir(root), path, &dir) < 0)
		return VPD_SERIAL_UNKNOWN;
	/* without power management there is no status */
	length = sysdir_read(&dir, "power/runtime_status", status, sizeof(status));
	if ((length < 0 && length != -ENOENT) || strncmp(status, "suspend", strlen("suspend")) == 0)
		return VPD_SERIAL_UNKNOWN;
	data = malloc(VPD_SIZE_MAX + 1);
	if (!data)
		return VPD_SERIAL_UNKNOWN;
	length = sysdir_read(&dir, "vpd", data, VPD_SIZE_MAX + 1);
	if (length >= 0)
		serial = vpd_has_serial(data, (size_t)length) ? VPD_SERIAL_PRESENT
							      : VPD_SERIAL_NONE;
	/* recordings do not include it */
	else if (length == -ENOENT && sysroot_is_host(root))
		serial = VPD_SERIAL_NONE;
	free(data);
	return serial;
}
