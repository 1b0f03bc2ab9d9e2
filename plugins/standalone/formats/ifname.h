/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a device's network interface, looked up like OpenNebula's probe does: in the
 * operator's rules, in the cache of earlier runs, in sysfs. The interface of a device that is
 * assigned to a VM no longer exists. */
#ifndef PCIPROBE_STANDALONE_FORMATS_IFNAME_H
#define PCIPROBE_STANDALONE_FORMATS_IFNAME_H

#include "probe/device.h"
#include "probe/sysfs/sysroot.h"

#include <net/if.h>

#define IFNAME_RULES \
	"etc/udev/rules.d/99-rename.rules" /* comment lines "# <full address> <- <name>" */
#define IFNAME_STATE "opennebula"	   /* state directory, see plugins/standalone/state.h */
#define IFNAME_CACHE "pci_net_names" /* in it, a file per device, named after its full address */

/* Reads IFNAME_RULES below ROOT. NULL if it cannot be read; the caller frees it. */
char *ifname_read_rules(struct sysroot *root);

/* Opens IFNAME_CACHE. Returns a descriptor, which the caller closes, or a negative errno. */
int ifname_open_cache(struct sysroot *root);

/* Writes the name to BUFFER and returns true, or returns false if it is unknown. CACHE is the
 * opened IFNAME_CACHE, negative if there is none; RULES may be NULL. */
bool ifname_find(int cache, const char *rules, const struct pci_device *device,
		 char buffer[static IF_NAMESIZE]);

#endif
