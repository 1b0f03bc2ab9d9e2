/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who has each card, as the host itself shows it: its driver, the processes that hold its VFIO group or node, and what their
 * command lines say. What could not be looked at is unknown, never free. */
#ifndef PCIPROBE_OWNERSHIP_H
#define PCIPROBE_OWNERSHIP_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysroot.h"

/* Sets ownership and owners of every selected card of INVENTORY, whose driver and IOMMU group must have been read, and
 * inventory.unseen. No process is looked at unless some selected card is on a vfio driver, or has none while its group is in
 * use. Returns 0 or -ENOMEM; when /proc can't be read, which is told, cards that a VM could have are unknown. */
int ownership_read(struct sysroot *root, const struct log *log, struct inventory *inventory);

/* "held", "host", "free" or "unknown". */
const char *ownership_name(enum ownership ownership);

#endif
