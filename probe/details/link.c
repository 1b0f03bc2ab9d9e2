/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The PCI Express link: what it runs at, and what the card can at most. */
#include "probe/details/card.h"

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

void read_link(struct card *card)
{
	struct pci_device *device = card->device;
	struct link *link = &device->link;

	/* newer kernels wake a sleeping card to read its link registers, older ones read nonsense */
	if (device->runtime_status && strncmp(device->runtime_status, "suspend", strlen("suspend")) == 0)
		return;
	if (!read_speed(card, "max_link_speed", &link->max_speed))
		return; /* not PCI Express */
	device->present |= HAS_MAX_LINK_SPEED;
	if (read_width(card, "max_link_width", &link->max_width))
		device->present |= HAS_MAX_LINK_WIDTH;
	if (read_speed(card, "current_link_speed", &link->speed))
		device->present |= HAS_LINK_SPEED;
	if (read_width(card, "current_link_width", &link->width))
		device->present |= HAS_LINK_WIDTH;
}
