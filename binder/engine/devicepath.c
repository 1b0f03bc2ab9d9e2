/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/devicepath.h"

#include "probe/sysfs/scan.h"

#include <stdio.h>

const char *device_path(const struct pci_address *address, const char *name,
			char path[static DEVICE_PATH_SIZE])
{
	char directory[ADDRESS_SIZE];

	snprintf(path, DEVICE_PATH_SIZE, SCAN_DIRECTORY "/%s/%s",
		 address_format(address, directory), name);
	return path;
}
