/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which driver a device is given to. */
#ifndef PCIPROBE_BINDER_DEVICES_DRIVER_CHOICE_H
#define PCIPROBE_BINDER_DEVICES_DRIVER_CHOICE_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

/* Longer than any driver's or module's name. */
#define DRIVER_NAME_SIZE 64

struct driver_choice {
	char driver[DRIVER_NAME_SIZE]; /* as in /sys/bus/pci/drivers; a guess while it isn't loaded
					*/
	char module[DRIVER_NAME_SIZE];
};

/* Chooses for DEVICE, of which DETAIL_MODALIAS has been read. NAME is the name of a driver or of
 * its module, or "auto": then the variant driver that is made for this device, by the alias
 * "vfio_pci:..." in the kernel's modules.alias that says most of the device, and vfio-pci where
 * there is none. Returns 0, -EINVAL when NAME is none that hands devices to VMs, or can't be a
 * name, which is told. */
int driver_choose(struct sysroot *root, const struct log *log, const struct pci_device *device,
		  const char *name, struct driver_choice *ret);

#endif
