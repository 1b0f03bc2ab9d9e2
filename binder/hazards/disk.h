/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parts of the check of disks. */
#ifndef PCIPROBE_BINDER_HAZARDS_DISK_H
#define PCIPROBE_BINDER_HAZARDS_DISK_H

#include "binder/hazards/blockstack.h"
#include "binder/hazards/hazard.h"

/* The check of one disk of DEVICE. */
struct disk_check {
	struct hazard_view *view;
	const struct pci_device *device;
	struct hazard_findings *findings;
	struct block_stack stack;
	bool in_use; /* a user was found, even if the same finding existed already */
};

/* Whether the link NAME in AT leads to something below DEVICE. */
bool disk_link_is_below(const struct sysdir *at, const char *name, const struct pci_device *device);

/* Adds HAZARD_EXPORTED if DEVICE is an NVMe controller that is exported as a whole. */
void hazard_find_exported_controller(struct hazard_view *view, const struct pci_device *device,
				     struct hazard_findings *findings);

/* Adds HAZARD_EXPORTED if the disk or a file on it is exported to other hosts. */
void hazard_find_exports(struct disk_check *check);

#endif
