/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/driver.h"

#include <string.h>

bool driver_is_vfio(const char *driver)
{
	return strstr(driver, "vfio") != NULL;
}

bool driver_is_stub(const char *driver)
{
	return strcmp(driver, "pci-stub") == 0 || strcmp(driver, "pciback") == 0 ||
	       strcmp(driver, "xen-pciback") == 0;
}

bool driver_is_for_vms(const char *driver)
{
	return driver_is_vfio(driver) || driver_is_stub(driver);
}
