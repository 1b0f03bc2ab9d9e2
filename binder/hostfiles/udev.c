/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules for udev(7). They match address and ids, so that neither an identical device nor another
 * device that has the address later is bound. */
#include "binder/commands/commands.h"
#include "binder/engine/devicepath.h"
#include "binder/engine/journal.h"
#include "binder/hostfiles/writers.h"

/* A run of vfio-bind unbinds a device after it has created the marker and removes the marker after
 * the bind, but this udev worker may be delayed between two tests. So the driver is tested before
 * and after the marker: a device that is being changed passes only if the first test falls into one
 * change and the last one into the next. 'udevadm verify' rejects equal tests, so the paths differ.
 * DEVICE and MARKER are paths. */
static void write_idle_test(const char *device, const char *marker, FILE *out)
{
	fprintf(out,
		"TEST!=\"%sdriver\", TEST!=\"/" JOURNAL_DIRECTORY "/" JOURNAL_MARKER
		"%s\", TEST!=\"%s./driver\", ",
		device, marker, device);
}

/* udev handles events in parallel, and the event of another device can load a host driver that
 * binds this one. So each event first sets the overrides of all targets without a driver; a target
 * that was returned to its host driver keeps it. */
static void write_override(const struct hostfile_target *target, FILE *out)
{
	const struct pci_device *device = target->device;
	char address[ADDRESS_SIZE], path[DEVICE_PATH_SIZE + 1] = "/";

	address_format(&device->address, address);
	device_path(&device->address, "", path + 1);
	fputs("ACTION==\"add\", SUBSYSTEM==\"pci\", ", out);
	write_idle_test(path, address, out);
	fprintf(out,
		"ATTR{[pci/%s]vendor}==\"0x%04x\", ATTR{[pci/%s]device}==\"0x%04x\", ATTR{[pci/%s]driver_override}=\"%s\"\n",
		address, device->vendor, address, device->device, address, target->choice.driver);
	fprintf(out,
		"ACTION==\"add\", SUBSYSTEM==\"pci\", KERNEL==\"%s\", ATTR{vendor}==\"0x%04x\", ATTR{device}==\"0x%04x\", ",
		address, device->vendor, device->device);
	write_idle_test("", address, out);
	fprintf(out, "ENV{VFIO_BIND}=\"%s\"\n", target->choice.module);
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
	      "# host driver that would bind them. Devices that are bound to a driver are not changed, nor are those\n"
	      "# that vfio-bind is changing: it has a file /" JOURNAL_DIRECTORY "/" JOURNAL_MARKER
	      "ADDRESS meanwhile.\n",
	      out);
	for (size_t i = 0; i < job->target_count; i++)
		write_override(&job->targets[i], out);
	fputs("# Load the VFIO driver, which binds the devices present. Probe a device that appears later.\n"
	      "ACTION==\"add\", SUBSYSTEM==\"pci\", ENV{VFIO_BIND}==\"?*\", IMPORT{builtin}=\"kmod load $env{VFIO_BIND}\"\n"
	      "ACTION==\"add\", SUBSYSTEM==\"pci\", ENV{VFIO_BIND}==\"?*\", ",
	      out);
	write_idle_test("", "$kernel", out);
	fputs("ATTR{[subsystem/pci]drivers_probe}=\"$kernel\"\n", out);
	return BIND_DONE;
}
