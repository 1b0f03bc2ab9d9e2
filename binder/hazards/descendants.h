/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that user space can use of a PCI device: the character and block devices and the
 * network interfaces below it in sysfs, however deep, e.g. those of a USB device behind its
 * controller, or of a disk in the PCI domain behind a VMD. Sources: the kernel's
 * Documentation/ABI/testing/sysfs-dev (/sys/dev has a link for each device number) and
 * sysfs-class-net.
 *
 * Two kinds of nodes are below no PCI device in sysfs, and are listed as if they were: those of
 * NVMe disks with native multipath, below each controller of their subsystem, and those of NVIDIA's
 * own driver, from /proc/driver/nvidia.
 *
 * Of some nodes sysfs does not show the device: watchdogs whose driver does not set it, and
 * consoles of virtio devices. They are listed, but below no device. */
#ifndef PCIPROBE_BINDER_HAZARDS_DESCENDANTS_H
#define PCIPROBE_BINDER_HAZARDS_DESCENDANTS_H

#include "probe/address.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum descendant_kind {
	DESCENDANT_CHAR,
	DESCENDANT_BLOCK,
	DESCENDANT_INTERFACE,
};

struct descendant {
	enum descendant_kind kind;
	dev_t number;	  /* of character and block devices */
	char *path;	  /* "devices/pci0000:00/0000:00:04.0/usb1/1-1", relative to /sys if it is
			     there */
	const char *name; /* the last component of path: "1-1", "nvme0n1p1", "eth0" */
};

struct descendants {
	struct descendant *items;
	size_t count;
};

/* Lists the descendants of all PCI devices, sorted by path. A missing directory, as in a recording,
 * is empty. Of sysfs it reads links only. Returns 0 or a negative errno; free with descendants_free
 * either way. */
int descendants_read(struct sysroot *root, struct descendants *ret);

void descendants_free(struct descendants *descendants);

/* Whether DESCENDANT is a node of a watchdog, or a console such as hvc0, that is below no device.
 */
bool descendant_is_lone_watchdog(const struct descendant *descendant);
bool descendant_is_lone_console(const struct descendant *descendant);

/* Whether DESCENDANT is below the PCI device at ADDRESS, directly or behind other devices. */
bool descendant_is_below(const struct descendant *descendant, const struct pci_address *address);

#endif
