/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI Express link: what it runs at, and what the device and the port above it can at most. */
#include "probe/details/attribute.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 32 /* lanes; the kernel gives 255 for a device that doesn't answer */

/* "8.0 GT/s PCIe", "Unknown". Read by hand: strtod(3) looks for the decimal mark of the locale. */
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

/* What device and port can at most stays as it is: read once, and after a sleep. */
static void read_limits(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	struct link *link = &device->link;

	if (!read_speed(reader, "max_link_speed", &link->max_speed))
		return; /* not PCI Express */
	device->present |= HAS_MAX_LINK_SPEED;
	if (read_width(reader, "max_link_width", &link->max_width))
		device->present |= HAS_MAX_LINK_WIDTH;
	/* the device's directory stands in its port's; that of a device on the root bus in one that
	 * has no link */
	if (read_speed(reader, "../max_link_speed", &link->port_speed) &&
	    read_width(reader, "../max_link_width", &link->port_width))
		device->present |= HAS_PORT_LINK;
}

void read_link(struct details_reader *reader)
{
	struct pci_device *device = reader->device;
	struct link *link = &device->link;

	/* newer kernels wake a sleeping device to read its link registers, older ones read nonsense
	 */
	if (device->runtime_status &&
	    strncmp(device->runtime_status, "suspend", strlen("suspend")) == 0) {
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
