/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The choice of the driver for a device. */
#ifndef PCIPROBE_BINDER_DEVICES_DRIVER_CHOICE_H
#define PCIPROBE_BINDER_DEVICES_DRIVER_CHOICE_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>

/* Enough for the name of any driver or module. */
#define DRIVER_NAME_SIZE 64

struct driver_choice {
	char driver[DRIVER_NAME_SIZE]; /* as in /sys/bus/pci/drivers; a guess until the module is
					  loaded */
	char module[DRIVER_NAME_SIZE];
};

/* Chooses the driver for DEVICE, which must have DETAIL_MODALIAS. NAME is the name of a driver or
 * module, or "auto": the variant driver for this device, found by the most specific "vfio_pci:..."
 * alias in the kernel's modules.alias, or vfio-pci if none matches. Returns 0, or -EINVAL (logged)
 * if NAME is not a VFIO driver or stub. */
int driver_choose(struct sysroot *root, const struct log *log, const struct pci_device *device,
		  const char *name, struct driver_choice *ret);

#endif
