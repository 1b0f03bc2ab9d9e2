/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The serial number in the vital product data of a device (PCI Local Bus Specification 3.0,
 * appendix I). */
#ifndef PCIPROBE_DETAILS_VPD_H
#define PCIPROBE_DETAILS_VPD_H

#include "probe/device.h"
#include "probe/sysfs/sysroot.h"

enum vpd_serial {
	VPD_SERIAL_UNKNOWN, /* it could not be read, or only by waking the device */
	VPD_SERIAL_NONE,
	VPD_SERIAL_PRESENT,
};

/* The kernel reads the VPD through registers of the device, which is slow: call this only for
 * devices whose serial number matters. A suspended device is not woken. */
enum vpd_serial vpd_read_serial(struct sysroot *root, const struct pci_device *device);

/* Whether the VPD in LENGTH bytes at DATA contains a serial number (SN). One with a wrong checksum
 * contains nothing. */
bool vpd_has_serial(const void *data, size_t length);

#endif
