/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a virtual machine monitor's command line says: which VM it runs, and which of the host's
 * devices it gave it. Devices that were plugged in later don't stand there. No I/O. Sources:
 * qemu(1) for -name, -uuid and -device (both its forms), cloud-hypervisor's --help for --device. */
#ifndef PCIPROBE_OWNERSHIP_VMM_H
#define PCIPROBE_OWNERSHIP_VMM_H

#include "probe/address.h"

#include <stdbool.h>
#include <stddef.h>

/* Longest command line that is read. */
#define VMM_CMDLINE_MAX (256u << 10)

/* A device, or a mediated device, that was given. */
struct vmm_device {
	bool is_mdev;
	struct pci_address address; /* of a device */
	char mdev[37];		    /* of a mediated device: its UUID */
	bool failover;		    /* opened only when the guest has agreed (failover_pair_id) */
	char guest_address[13];	    /* 0000:00:05.0; "" unless it is on the VM's root bus */
};

struct vmm {
	char *program;	   /* "qemu-system-x86_64": the last part of its name */
	bool is_vmm;	   /* a program that runs VMs; false: nothing else below is there */
	char *name, *uuid; /* as they were given; NULL: they weren't */
	char *vmid;	   /* Proxmox's -id; NULL: there is none */
	char *path;	   /* QEMU's -readconfig, cloud-hypervisor's --api-socket: see frontend.h */
	struct vmm_device *devices;
	size_t device_count;
};

/* Reads the LENGTH bytes of /proc/<pid>/cmdline at TEXT: words, a NUL behind each. Free it with
 * vmm_free. Returns 0 or -ENOMEM. Words that make no sense are passed over: it is the VMM that
 * must understand them. */
int vmm_parse(const char *text, size_t length, struct vmm *ret);
void vmm_free(struct vmm *vmm);

#endif
