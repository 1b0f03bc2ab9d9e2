/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a source says of a device, and how what several say of it becomes one list of owners. No
 * I/O. */
#ifndef PCIPROBE_OWNERSHIP_CLAIM_H
#define PCIPROBE_OWNERSHIP_CLAIM_H

#include "probe/device.h"

/* One source's word. What isn't known is 0 or NULL; the texts stay the source's. */
struct claim {
	enum owner_source source;
	bool reserves;
	pid_t pid;
	uint64_t started;
	const char *program, *name, *uuid;
	const char *vmid;		    /* Proxmox's, for frontend_find */
	const char *frontend, *frontend_id; /* where the source knows more than names tell; frontend
					       is a constant */
	const char *guest_address, *mdev;
	const char *pod; /* the UID of the Kubernetes pod that it runs in */
};

/* Adds the claim to DEVICE's owners. One that another source has made already, of the same process
 * or of a VM with the same UUID (or, where one of them has none, the same name), completes that.
 * Returns 0 or -ENOMEM. */
int device_claim(struct pci_device *device, const struct claim *claim);

#endif
