/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Claims of the sources on a device, merged into its list of owners. No I/O. */
#ifndef PCIPROBE_OWNERSHIP_CLAIM_H
#define PCIPROBE_OWNERSHIP_CLAIM_H

#include "probe/device.h"

/* A source's statement that a process or VM owns a device, or reserves it. Unknown members are 0 or
 * NULL. The strings belong to the source. */
struct claim {
	enum owner_source source;
	bool reserves;
	bool host_process; /* see struct owner */
	pid_t pid;
	uint64_t started;
	const char *program, *name, *uuid;
	const char *vmid;		    /* Proxmox VE's, for frontend_find */
	const char *frontend, *frontend_id; /* if known from more than the name; frontend is a
					       constant */
	const char *guest_address, *mdev;
	const char *mac; /* of a network VF, as stated for the VM */
	bool has_vlan;
	unsigned vlan;	  /* likewise */
	const char *pod;  /* UID of its Kubernetes pod */
	bool is_other_vm; /* the name, UUID and frontend of the process are wrong: it claims to be
			     another VM than this one */
};

/* Adds the claim to DEVICE's owners. If another source already claimed the device for the same
 * process or VM, the claim is merged into that owner. VMs are the same if their UUIDs are equal or,
 * if one has no UUID, their names. Returns 0 or -ENOMEM. */
int device_claim(struct pci_device *device, const struct claim *claim);

#endif
