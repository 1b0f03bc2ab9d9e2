/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of a device's network interface as OpenNebula's probe finds it: by what the operator
 * wrote down, by what was seen before, by what is there. The interface of a device that a VM has
 * isn't there any more. */
#ifndef PCIPROBE_STANDALONE_FORMATS_IFNAME_H
#define PCIPROBE_STANDALONE_FORMATS_IFNAME_H

#include "probe/device.h"
#include "probe/sysfs/sysroot.h"

#include <net/if.h>

#define IFNAME_RULES \
	"etc/udev/rules.d/99-rename.rules" /* comment lines "# <full address> <- <name>" */
#define IFNAME_CACHE \
	"var/tmp/one_db/pci_net_names" /* a file each device, named for its full address */

/* The text of IFNAME_RULES below ROOT, to be freed; NULL when there is none. */
char *ifname_read_rules(struct sysroot *root);

/* Puts the name at BUFFER and returns true, or returns false when nobody knows one. CACHE is
 * IFNAME_CACHE, opened, its fd -1 where there is none; RULES may be NULL. */
bool ifname_find(const struct sysdir *cache, const char *rules, const struct pci_device *device,
		 char buffer[static IF_NAMESIZE]);

#endif
