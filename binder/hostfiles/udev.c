/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule of udev(7). By address and ids, so that neither an identical card nor another that came to stand there is taken. */
#include "binder/hostfiles/parts.h"
#include "binder/verbs.h"

/* The order matters: the override first, so that loading vfio-pci takes the card; the probe last, for cards that appear when it is
 * loaded already. A card that a native driver has stays there, and "vfio-bind apply" moves it. */
int write_udev(const struct hostfile_job *job, FILE *out)
{
	char address[ADDRESS_SIZE];

	fprintf(out,
		"# Put it there, then: udevadm control --reload. It acts when a card appears: at boot, or when it is plugged in.\n"
		"# A native driver in the initramfs comes before it; see vfio-bind config initramfs (or dracut).\n"
		"# A driver that is built into the kernel, or is loaded already, keeps its card: vfio-bind apply moves that.\n"
		"# \"vfio-bind release\" gives a card back until the next boot only: take its rule away to keep it.\n");
	for (size_t i = 0; i < job->count; i++)
		fprintf(out,
			"ACTION==\"add\", SUBSYSTEM==\"pci\", KERNEL==\"%s\", ATTR{vendor}==\"0x%04x\", ATTR{device}==\"0x%04x\", \\\n"
			"  ATTR{driver_override}=\"vfio-pci\", IMPORT{builtin}=\"kmod load vfio-pci\", "
			"ATTR{[subsystem/pci]drivers_probe}=\"$kernel\"\n",
			address_format(&job->cards[i]->address, address), job->cards[i]->vendor, job->cards[i]->device);
	return STATUS_DONE;
}
