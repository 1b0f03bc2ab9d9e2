/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Paths of a device's files in sysfs. */
#ifndef PCIPROBE_BINDER_ENGINE_DEVICEPATH_H
#define PCIPROBE_BINDER_ENGINE_DEVICEPATH_H

#include "probe/address.h"

/* Enough for the longest NAME that is passed to device_path. */
#define DEVICE_PATH_SIZE 128

/* Writes the path of the device's file NAME, relative to the sysroot, to PATH; "." is the device's
 * directory. Returns PATH. */
const char *device_path(const struct pci_address *address, const char *name,
			char path[static DEVICE_PATH_SIZE]);

#endif
