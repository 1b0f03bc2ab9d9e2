/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices there are: /sys/bus/pci/devices, with the ids and class that each device's modalias
 * tells. */
#ifndef PCIPROBE_SYSFS_SCAN_H
#define PCIPROBE_SYSFS_SCAN_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

#define SCAN_DIRECTORY "sys/bus/pci/devices"

/* Lists the devices, without a look at any: a number that is another one when one came or went, or
 * was replaced by another of the same address. Returns 0 or a negative errno, which isn't told. */
int scan_fingerprint(struct sysroot *root, uint64_t *ret);

/* Fills devices, count, fingerprint and incomplete of INVENTORY (which must be empty) with every
 * device below ROOT, in order of address: ids, class, and modalias and driver where they came
 * along. A device that can't be read, or an entry that isn't an address, is told of and counted in
 * incomplete; one that vanishes meanwhile was not there. Returns 0 or a negative errno when nothing
 * could be listed, -ENOENT without PCI, which has been told then. */
int scan_read(struct sysroot *root, const struct log *log, struct inventory *inventory);

#endif
