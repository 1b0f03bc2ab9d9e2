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
#define IFNAME_CACHE \
	"var/tmp/one_db/pci_net_names" /* one file per device, named after its full address */

/* Reads IFNAME_RULES below ROOT. NULL if it cannot be read; the caller frees it. */
char *ifname_read_rules(struct sysroot *root);

/* Writes the name to BUFFER and returns true, or returns false if it is unknown. CACHE is the
 * opened IFNAME_CACHE, with fd -1 if it is absent; RULES may be NULL. */
bool ifname_find(const struct sysdir *cache, const char *rules, const struct pci_device *device,
		 char buffer[static IF_NAMESIZE]);

#endif
