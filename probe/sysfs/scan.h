/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists the devices in /sys/bus/pci/devices, with the ids and class from their modalias. */
#ifndef PCIPROBE_SYSFS_SCAN_H
#define PCIPROBE_SYSFS_SCAN_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#define SCAN_DIRECTORY "sys/bus/pci/devices"

/* Fingerprint of the device list, without reading any device. It changes when a device is added,
 * removed, or replaced at the same address. Returns 0 or a negative errno (not logged). */
int scan_fingerprint(struct sysroot *root, uint64_t *ret);

/* Fills devices, count, fingerprint, incomplete and unread of INVENTORY (which must be empty) with
 * all devices below ROOT, sorted by address: ids, class, and modalias and driver if they come with
 * those. Unreadable devices and entries that are not addresses are logged and counted in
 * incomplete; devices removed during the scan are skipped. Returns 0, or a negative errno (logged)
 * if nothing could be listed: -ENOENT without PCI. */
int scan_read(struct sysroot *root, const struct log *log, struct inventory *inventory);

#endif
