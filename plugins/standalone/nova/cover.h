/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The smallest set of device_specs of Nova that matches exactly the selected devices of a host. */
#ifndef PCIPROBE_STANDALONE_NOVA_COVER_H
#define PCIPROBE_STANDALONE_NOVA_COVER_H

#include "plugins/standalone/nova/spec.h"

/* Finds the specs for the selected devices that MEMBERS, by the index of the device, includes;
 * NULL: all of them. They match no other device, and consist of ids and address globs. A PF whose
 * VFs are not to be matched gets a spec of its own if nothing else distinguishes it from them: a
 * full address without with_vfs. Each spec includes all values that its devices have in common, so
 * that it matches as few devices plugged in later as possible. Devices that Nova does not see are
 * skipped. With dozens of irregularly selected devices the set is small, but possibly not the
 * smallest.
 *
 * INVENTORY must have been read with DETAIL_SRIOV, including the devices that are not selected. The
 * caller frees *ret (NULL if empty), which is ordered by the first device of each spec. Returns 0
 * or -ENOMEM. */
int nova_cover(const struct inventory *inventory, const bool *members, struct nova_spec **ret,
	       size_t *ret_count);

#endif
