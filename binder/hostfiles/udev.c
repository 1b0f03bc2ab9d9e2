/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of udev(7). By address and ids, so that neither an identical device nor another that came
 * to stand there is taken. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/parts.h"

/* Events are handled side by side, and that of any other device can load a native driver that takes
 * this one. So each event first sets the overrides of all these devices, those that have a driver
 * excepted: a device that was given back stays so. */
static void write_override(const struct hostfile_device *wanted, FILE *out)
{
	const struct pci_device *device = wanted->device;
	char address[ADDRESS_SIZE];

	address_format(&device->address, address);
	fprintf(out,
		"ACTION==\"add\", SUBSYSTEM==\"pci\", TEST!=\"/sys/bus/pci/devices/%s/driver\", ATTR{[pci/%s]vendor}==\"0x%04x\", "
		"ATTR{[pci/%s]device}==\"0x%04x\", ATTR{[pci/%s]driver_override}=\"%s\"\n",
		address, address, device->vendor, address, device->device, address,
		wanted->choice.driver);
	fprintf(out,
		"ACTION==\"add\", SUBSYSTEM==\"pci\", KERNEL==\"%s\", ATTR{vendor}==\"0x%04x\", ATTR{device}==\"0x%04x\", "
		"TEST!=\"driver\", ENV{VFIO_BIND}=\"%s\"\n",
		address, device->vendor, device->device, wanted->choice.module);
}

int write_udev(const struct hostfile_job *job, FILE *out)
{
	fprintf(out,
		"# Put it there, then: udevadm control --reload. It acts when devices appear: at boot, or when plugged in.\n"
		"# A native driver in the initramfs comes before it; see vfio-bind config initramfs (or dracut).\n"
		"# A driver that is built into the kernel, or is loaded before its device appears, gets the device:\n"
		"# vfio-bind apply moves it.\n"
		"# vfio-bind release gives a device back until the next boot only: take its rules away to keep it.\n");
	for (size_t i = 0; i < job->count; i++)
		write_override(&job->devices[i], out);
	/* loading takes the devices that are there; one that appears later has to be offered */
	fputs("ACTION==\"add\", SUBSYSTEM==\"pci\", ENV{VFIO_BIND}==\"?*\", IMPORT{builtin}=\"kmod load $env{VFIO_BIND}\"\n"
	      "ACTION==\"add\", SUBSYSTEM==\"pci\", ENV{VFIO_BIND}==\"?*\", ATTR{[subsystem/pci]drivers_probe}=\"$kernel\"\n",
	      out);
	return BIND_DONE;
}
