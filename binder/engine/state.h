/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The current state of a device. */
#ifndef PCIPROBE_BINDER_ENGINE_STATE_H
#define PCIPROBE_BINDER_ENGINE_STATE_H

#include "binder/engine/change.h"
#include "binder/engine/kernel.h"

/* Whether the device of CHANGE is present and has not been replaced by another one. */
bool change_is_present(struct sysroot *root, const struct change *change);

/* Reads the current state of CHANGE's device: driver, IOMMU group, how the wanted driver can be
 * bound, and driver_override or the number of VFs. The last two take the device's lock in the
 * kernel, so they are read with KERNEL's time limit. A device that is gone is no error: is_gone is
 * set. Returns 0, -ETIMEDOUT if the kernel does not answer, -ENOMEM, or another negative errno if
 * the device cannot be read. */
int change_read(struct kernel *kernel, struct change *change);

#endif
