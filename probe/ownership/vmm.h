/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the command lines of virtual machine monitors: the VM, and the host devices assigned to
 * it. Hot-plugged devices are not on the command line. No I/O. Sources: qemu(1) for -name, -uuid
 * and -device (both forms), cloud-hypervisor's --help for --device. */
#ifndef PCIPROBE_OWNERSHIP_VMM_H
#define PCIPROBE_OWNERSHIP_VMM_H

#include "probe/address.h"

#include <stdbool.h>
#include <stddef.h>

/* Maximum length of a command line; the rest is ignored. */
#define VMM_CMDLINE_MAX (256u << 10)

/* An assigned device or mediated device. */
struct vmm_device {
	bool is_mdev;
	struct pci_address address; /* of a device */
	char mdev[37];		    /* of a mediated device: its UUID */
	bool failover;		    /* has failover_pair_id: QEMU opens it only when the guest has
				       negotiated it */
	char guest_address[13];	    /* 0000:00:05.0; "" unless it is on the VM's root bus */
};

struct vmm {
	char *program;	   /* base name of the program: "qemu-system-x86_64" */
	bool is_vmm;	   /* a known VM monitor; if false, the members below are not set */
	char *name, *uuid; /* as specified; NULL: not specified */
	char *vmid;	   /* Proxmox VE's -id, or NULL */
	char *path;	   /* of -readconfig (QEMU) or --api-socket (cloud-hypervisor), or NULL: see
			      frontend_from_path */
	struct vmm_device *devices;
	size_t device_count;
};

/* Parses CMDLINE, the LENGTH bytes of /proc/<pid>/cmdline: arguments, each terminated by a NUL.
 * Invalid arguments are ignored, since the VMM itself rejects them. The caller frees *ret with
 * vmm_free. Returns 0 or -ENOMEM. */
int vmm_parse(const char *cmdline, size_t length, struct vmm *ret);
void vmm_free(struct vmm *vmm);

#endif
