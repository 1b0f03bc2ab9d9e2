/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counts the VFs of physical functions by ownership. */
#ifndef PCIPROBE_OWNERSHIP_VFS_H
#define PCIPROBE_OWNERSHIP_VFS_H

#include "probe/device.h"

/* Sets sriov.vfs_in_use, vfs_free and vfs_unknown of each selected PF whose VFs are all selected.
 * SR-IOV roles and ownership must have been read. No I/O. */
void vfs_count(struct inventory *inventory);

#endif
