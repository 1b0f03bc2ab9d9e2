/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that have VFIO descriptors open: /proc/<pid>/fd. Nothing here opens a VFIO node: a group can be opened once, and a
 * VM that starts at that moment would fail. Source: the kernel's Documentation/driver-api/vfio.rst and
 * Documentation/filesystems/proc.rst. */
#ifndef PCIPROBE_OWNERSHIP_HOLDERS_H
#define PCIPROBE_OWNERSHIP_HOLDERS_H

#include "probe/ownership/vmm.h"
#include "probe/sysroot.h"

#include <stdint.h>
#include <sys/types.h>

struct holder {
	pid_t pid;
	uint64_t started; /* clock ticks since boot */
	struct vmm vmm;
	unsigned *groups;  /* IOMMU groups that it has open */
	size_t group_count;
	unsigned *devices; /* n of each /dev/vfio/devices/vfio<n> that it has open */
	size_t device_count;
	bool seen; /* its descriptors could be looked at; else it is here for its command line, which names cards */
};

struct holders {
	struct holder *items;
	size_t count;
	size_t unseen; /* processes whose descriptors could not be looked at */
};

/* Looks at all processes. A process that ends meanwhile was not there, nor was one whose pid went to another.
 * Free it with holders_free. Returns 0, or a negative errno when /proc could not be read at all. */
int holders_read(struct sysroot *root, struct holders *ret);
void holders_free(struct holders *holders);

#endif
