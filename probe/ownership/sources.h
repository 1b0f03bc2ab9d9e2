/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sources of ownership. Each has a file of its own and a row in SOURCES. */
#ifndef PCIPROBE_OWNERSHIP_SOURCES_H
#define PCIPROBE_OWNERSHIP_SOURCES_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/ownership/claim.h"
#include "probe/ownership/holders.h"
#include "probe/sysfs/sysroot.h"

/* The input of a source. */
struct owner_search {
	struct sysroot *root;
	const struct log *log;
	struct inventory *inventory; /* claims are added to its selected devices */
	unsigned wanted;	     /* enum owner_source: the enabled ones */
	const char *libvirt_helper;  /* path of libvirt-domains; NULL: built without libvirt */
	const struct vfio_nodes *nodes;
	const struct holders *holders;	/* empty if no process can hold a device */
	struct source_report processes; /* whether all processes that hold VFIO files were found;
					   its name isn't set */
	int host_nodes_error; /* a negative errno: nodes of host drivers could not be listed */
};

/* Adds the source's claims with device_claim. Sets REPORT, initially SOURCE_OK, if it is absent,
 * incomplete or failed. Returns 0, also if the source failed, or -ENOMEM. */
typedef int claim_devices(const struct owner_search *search, struct source_report *report);

struct source {
	const char *name;
	enum owner_source bit;
	const char *help;
	claim_devices *claim;
};

extern const struct source SOURCES[OWNER_SOURCE_COUNT];

claim_devices vfio_claim, cmdline_claim, mdev_claim, libvirt_claim, proxmox_claim, nodes_claim;

/* Parses LIST, a comma-separated list of source names, or a single "all" or "none", and adds the
 * bits to *sources, which may have those of a previous list; OWNER_NONE for "none". Returns 0,
 * -ENOMEM, or -EINVAL, logged with the prefix LOCATION, for an unknown source or for "all" or
 * "none" combined with others. */
int sources_parse(const char *list, const char *location, const struct log *log, unsigned *sources);

/* Writes the names of SOURCES with '+' between them and returns BUFFER. */
const char *sources_format(unsigned sources, char *buffer, size_t size);

/* Makes a claim of SOURCE from HOLDER, which owns its strings. */
struct claim holder_claim(const struct holder *holder, enum owner_source source);

/* Returns the holder with process id PID, or NULL. */
const struct holder *holders_find(const struct holders *holders, pid_t pid);

/* Chooses the owner among processes that share an open file, by fork or over a socket: a VM monitor
 * is preferred to other programs, then one with devices on its command line, then the oldest.
 * Either may be NULL. */
const struct holder *holders_choose(const struct holder *one, const struct holder *other);

/* The kernel's list of mediated devices. */
#define MDEV_DIRECTORY "sys/bus/mdev/devices"

/* Returns the parent of the mediated device UUID, or NULL if it has none or it isn't selected. */
struct pci_device *mdev_find_parent(struct sysroot *root, const struct inventory *inventory,
				    const char *uuid);

/* Sets PARENTS[i] for each selected device i of INVENTORY that has mediated devices. Returns 0,
 * also if the kernel has none, or a negative errno. */
int mdev_mark_parents(struct sysroot *root, const struct inventory *inventory, bool *parents);

/* Whether HOLDER has the mediated device UUID open: itself, its node or its IOMMU group. */
bool holder_has_mdev(const struct holder *holder, const struct owner_search *search,
		     const char *uuid);

#endif
