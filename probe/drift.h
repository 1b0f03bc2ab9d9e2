/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Drift: the MAC address or VLAN of a network VF is not the one in the libvirt definition of the VM
 * that holds it. The VM would be in another network than its owner thinks. */
#ifndef PCIPROBE_DRIFT_H
#define PCIPROBE_DRIFT_H

#include "probe/device.h"

/* Sets drift of the selected devices of INVENTORY, as far as DETAIL_OWNERSHIP and
 * DETAIL_VF_SETTINGS were read: a short text for each difference, "vlan 0 instead of 100". What the
 * definition does not state is not compared. Returns 0 or -ENOMEM. No I/O. */
int drift_read(struct inventory *inventory);

#endif
