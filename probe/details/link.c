/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI Express link: its current speed and width, and the maximum of the device and of the
 * upstream port. */
#include "probe/details/attribute.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 32 /* lanes; the kernel returns 255 if the device does not respond */

/* "8.0 GT/s PCIe", "Unknown". Not strtod(3), which depends on the locale. */
static bool read_speed(struct details_reader *reader, const char *name, double *ret)
{
	char text[ATTRIBUTE_SIZE];
	unsigned whole, tenths;
	int end = 0;

	if (!attribute_text(reader, name, text) || !isdigit((unsigned char)*text) ||
	    sscanf(text, "%4u.%1u GT/s%n", &whole, &tenths, &end) != 2 || !end || !(whole + tenths))
		return false;
	*ret = whole + tenths / 10.0;
	return true;
}

static bool read_width(struct details_reader *reader, const char *name, unsigned *ret)
{
	unsigned long width;

	if (!attribute_number(reader, name, 10, 255, &width) || width > WIDTH_MAX)
		return false;
	*ret = (unsigned)width;
	return true;
}

/* Uses what was read of the port itself, if it was read before. */
static bool read_port(struct details_reader *reader)
{
	const struct pci_device *port = reader->port;
	struct link *link = &reader->device->link;

	if (port && (port->present & HAS_MAX_LINK_SPEED) && (port->present & HAS_MAX_LINK_WIDTH)) {
		link->port_speed = port->link.max_speed;
		link->port_width = port->link.max_width;
		return true;
	}
	/* the parent directory is that of the port; on the root bus it has no link attributes */
	return read_speed(reader, "../max_link_speed", &link->port_speed) &&
	       read_width(reader, "../max_link_width", &link->port_width);
}

/* The maximum is static: read it once, and again after the device was suspended. */
static void read_limits(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	struct link *link = &device->link;

	if (!read_speed(reader, "max_link_speed", &link->max_speed))
		return; /* not PCI Express */
	device->present |= HAS_MAX_LINK_SPEED;
	if (read_width(reader, "max_link_width", &link->max_width))
		device->present |= HAS_MAX_LINK_WIDTH;
	if (read_port(reader))
		device->present |= HAS_PORT_LINK;
}

void read_link(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	struct link *link = &device->link;

	/* to read the link registers of a suspended device, newer kernels wake it; older ones
	 * return garbage */
	if (device_is_suspended(device)) {
		device->present &= ~(unsigned)HAS_LINK_LIMITS;
		return;
	}
	if (!(device->present & HAS_MAX_LINK_SPEED))
		read_limits(reader);
	if (!(device->present & HAS_MAX_LINK_SPEED))
		return;
	if (read_speed(reader, "current_link_speed", &link->speed))
		device->present |= HAS_LINK_SPEED;
	if (read_width(reader, "current_link_width", &link->width))
		device->present |= HAS_LINK_WIDTH;
}
