/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI Express link: what it runs at, and what the card and the port above it can at most. */
#include "probe/details/attribute.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#define WIDTH_MAX 32 /* lanes; the kernel gives 255 for a card that doesn't answer */

/* "8.0 GT/s PCIe", "Unknown". Read by hand: strtod(3) looks for the decimal mark of the locale. */
static bool read_speed(struct card *card, const char *name, double *ret)
{
	char text[ATTRIBUTE_SIZE];
	unsigned whole, tenths;
	int end = 0;

	if (!card_text(card, name, text) || !isdigit((unsigned char)*text) ||
	    sscanf(text, "%4u.%1u GT/s%n", &whole, &tenths, &end) != 2 || !end || !(whole + tenths))
		return false;
	*ret = whole + tenths / 10.0;
	return true;
}

static bool read_width(struct card *card, const char *name, unsigned *ret)
{
	unsigned long width;

	if (!card_number(card, name, 10, 255, &width) || width > WIDTH_MAX)
		return false;
	*ret = (unsigned)width;
	return true;
}

/* What card and port can at most stays as it is: read once, and after a sleep. */
static void read_limits(struct card *card)
{
	struct pci_device *device = card->device;
	struct link *link = &device->link;

	if (!read_speed(card, "max_link_speed", &link->max_speed))
		return; /* not PCI Express */
	device->present |= HAS_MAX_LINK_SPEED;
	if (read_width(card, "max_link_width", &link->max_width))
		device->present |= HAS_MAX_LINK_WIDTH;
	/* the card's directory stands in its port's; that of a card on the root bus in one that has no link */
	if (read_speed(card, "../max_link_speed", &link->port_speed) && read_width(card, "../max_link_width", &link->port_width))
		device->present |= HAS_PORT_LINK;
}

void read_link(struct card *card)
{
	struct pci_device *device = card->device;
	struct link *link = &device->link;

	/* newer kernels wake a sleeping card to read its link registers, older ones read nonsense */
	if (device->runtime_status && strncmp(device->runtime_status, "suspend", strlen("suspend")) == 0) {
		device->present &= ~(unsigned)HAS_LINK_LIMITS;
		return;
	}
	if (!(device->present & HAS_MAX_LINK_SPEED))
		read_limits(card);
	if (!(device->present & HAS_MAX_LINK_SPEED))
		return;
	if (read_speed(card, "current_link_speed", &link->speed))
		device->present |= HAS_LINK_SPEED;
	if (read_width(card, "current_link_width", &link->width))
		device->present |= HAS_LINK_WIDTH;
}
