/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules for udev(7). They match address and ids, so that neither an identical device nor another
 * device that has the address later is bound. */
#include "binder/commands/commands.h"
#include "binder/hostfiles/writers.h"

/* udev handles events in parallel, and the event of another device can load a host driver that
 * binds this one. So each event first sets the overrides of all targets without a driver; a target
 * that was returned to its host driver keeps it. */
static void write_override(const struct hostfile_target *target, FILE *out)
{
	const struct pci_device *device = target->device;
	char address[ADDRESS_SIZE];

	address_format(&device->address, address);
	fprintf(out,
		"ACTION==\"add\", SUBSYSTEM==\"pci\", TEST!=\"/sys/bus/pci/devices/%s/driver\", ATTR{[pci/%s]vendor}==\"0x%04x\", "
		"ATTR{[pci/%s]device}==\"0x%04x\", ATTR{[pci/%s]driver_override}=\"%s\"\n",
		address, address, device->vendor, address, device->device, address,
		target->choice.driver);
	fprintf(out,
		"ACTION==\"add\", SUBSYSTEM==\"pci\", KERNEL==\"%s\", ATTR{vendor}==\"0x%04x\", ATTR{device}==\"0x%04x\", "
		"TEST!=\"driver\", ENV{VFIO_BIND}=\"%s\"\n",
		address, device->vendor, device->device, target->choice.module);
}

int hostfile_write_udev(const struct hostfile_job *job, FILE *out)
{
	if (!job->path)
		fputs("# Install this file under the path above, then run 'udevadm control --reload'.\n"
		      "# - If the initramfs contains the host driver, also use 'vfio-bind config initramfs' (or dracut).\n"
		      "# - 'vfio-bind release' returns a device to the host until the next boot. To make that permanent,\n"
		      "#   remove its rules.\n",
		      out);
	fputs("# The rules take effect when a device appears: at boot, or when it is plugged in. If the host driver\n"
	      "# is built in, or loaded before the device appears, the host driver binds the device first;\n"
	      "# 'vfio-bind apply' changes the driver afterwards.\n"
	      "#\n"
	      "# Every event sets driver_override of all these devices, because the event of any device may load a\n"
	      "# host driver that would bind them. Devices that are bound to a driver are not changed.\n",
	      out);
	for (size_t i = 0; i < job->target_count; i++)
		write_override(&job->targets[i], out);
	fputs("# Load the VFIO driver, which binds the devices present. Probe a device that appears later.\n"
	      "ACTION==\"add\", SUBSYSTEM==\"pci\", ENV{VFIO_BIND}==\"?*\", IMPORT{builtin}=\"kmod load $env{VFIO_BIND}\"\n"
	      "ACTION==\"add\", SUBSYSTEM==\"pci\", ENV{VFIO_BIND}==\"?*\", ATTR{[subsystem/pci]drivers_probe}=\"$kernel\"\n",
	      out);
	return BIND_DONE;
}
