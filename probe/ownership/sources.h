/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sources of ownership: each is a file, and a row of SOURCES. */
#ifndef PCIPROBE_OWNERSHIP_SOURCES_H
#define PCIPROBE_OWNERSHIP_SOURCES_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/ownership/claim.h"
#include "probe/ownership/holders.h"
#include "probe/sysfs/sysroot.h"

/* What a source works with. */
struct owner_search {
	struct sysroot *root;
	const struct log *log;
	struct inventory *inventory; /* the owners of whose selected devices it adds to */
	unsigned wanted;	     /* enum owner_source: those that are asked */
	const char *
		libvirt_helper; /* the path of the program that asks libvirt; NULL: there is none */
	const struct vfio_nodes *nodes;
	const struct holders *holders; /* processes; none when no device could be held by one */
	struct source_report
		processes; /* whether all that hold VFIO files are among them; its name isn't set */
};

/* Adds what the source knows by device_claim. How it fared goes to REPORT, which stands at
 * SOURCE_OK. Returns 0, also when the source failed, or -ENOMEM. */
typedef int claim_devices(const struct owner_search *search, struct source_report *report);

struct source {
	const char *name;
	enum owner_source bit;
	const char *help;
	claim_devices *claim;
};

extern const struct source SOURCES[OWNER_SOURCE_COUNT];

claim_devices vfio_claim, cmdline_claim, mdev_claim, libvirt_claim, proxmox_claim;

/* Reads TEXT, names of sources with commas between them, or "all" or "none" alone, and adds their
 * bits to *sources, which may hold the rest of a list; OWNER_NONE for "none". Returns 0, -ENOMEM,
 * or -EINVAL for an unknown source or a list that contradicts itself, which is logged with PLACE in
 * front. */
int sources_parse(const char *text, const char *place, const struct log *log, unsigned *sources);

/* Writes the names of SOURCES with '+' between them and returns BUFFER. */
const char *sources_format(unsigned sources, char *buffer, size_t size);

/* What HOLDER is, as SOURCE's claim; its texts are the holder's. */
struct claim holder_claim(const struct holder *holder, enum owner_source source);

/* The one whose process id is PID; NULL: none. */
const struct holder *holders_find(const struct holders *holders, pid_t pid);

/* Of several processes that have a file open, shared by fork or passed on, the one that owns it: a
 * VM monitor before any other program, one that names a device on its command line before one that
 * doesn't, the oldest of these. */
const struct holder *holders_choose(const struct holder *one, const struct holder *other);

/* Where the kernel lists mediated devices. */
#define MDEV_DIRECTORY "sys/bus/mdev/devices"

/* The selected device that the mediated device UUID is a part of; NULL: none. */
struct pci_device *mdev_find_parent(struct sysroot *root, const struct inventory *inventory,
				    const char *uuid);

/* Sets PARENTS[i] for each selected device i of INVENTORY that has mediated devices. Returns 0,
 * also where the kernel has none, or a negative errno. */
int mdev_mark_parents(struct sysroot *root, const struct inventory *inventory, bool *parents);

/* Whether HOLDER has the IOMMU group of the mediated device UUID open, or its own node. */
bool holder_has_mdev(const struct holder *holder, const struct owner_search *search,
		     const char *uuid);

#endif
