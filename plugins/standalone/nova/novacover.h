/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest set of Nova's device_spec that takes exactly the selected devices of a host. */
#ifndef PCIPROBE_STANDALONE_NOVA_NOVACOVER_H
#define PCIPROBE_STANDALONE_NOVA_NOVACOVER_H

#include "plugins/standalone/nova/novaspec.h"

/* Of ids and address globs; a PF whose VFs aren't selected needs an address of its own when nothing
 * else tells them apart (a full address without with_vfs). Each spec asks for all that its devices
 * have in common, so that it takes as little as possible of what is plugged in later. INVENTORY
 * must have been read with DETAIL_SRIOV, the devices that aren't selected too. Devices that Nova
 * doesn't see are passed over. On hosts with dozens of odd selections it is small, but perhaps not
 * the smallest. The caller frees *ret (NULL for none), in order of the first device of each.
 * Returns 0 or -ENOMEM. */
int nova_cover(const struct inventory *inventory, struct nova_spec **ret, size_t *ret_count);

#endif
