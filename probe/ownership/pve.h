/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which host devices Proxmox VE's VM configurations and resource mappings name. No I/O. Sources:
 * qemu-server's PVE/QemuServer.pm and PVE/QemuServer/PCI.pm, pve-guest-common's PVE/Mapping/PCI.pm.
 */
#ifndef PCIPROBE_OWNERSHIP_PVE_H
#define PCIPROBE_OWNERSHIP_PVE_H

#include "probe/address.h"

#include <stdbool.h>
#include <stddef.h>

/* A device, or with every_function all functions of its slot. */
struct pve_device {
	struct pci_address address;
	bool every_function;
	bool is_alternative; /* one of several devices of a mapping, of which the VM gets one when
				it starts */
	bool is_mdev;	     /* the VM gets a mediated device of it */
	bool is_nvidia; /* of a type of NVIDIA's: of a VF that has a type itself, the VM gets all */
	unsigned index; /* N of hostpciN */
};

struct pve_vm {
	char name[256], uuid[37]; /* "": none */
	struct pve_device *devices;
	size_t device_count;
	bool incomplete; /* a hostpci line or map could not be read; one that has no device on this
			  * node is not that: the VM can't start here */
};

/* Reads the configuration CONFIG. Its current part and [PENDING] count, snapshots don't. MAPPINGS
 * is the text of mapping/pci.cfg, and NODE the short host name: maps of other nodes don't count.
 * Free it with pve_vm_free. Returns 0 or -ENOMEM. */
int pve_parse(const char *config, const char *mappings, const char *node, struct pve_vm *ret);
void pve_vm_free(struct pve_vm *vm);

/* The UUID of the mediated device that Proxmox makes for hostpci<INDEX> of the VM, and back:
 * "00000002-0000-0000-0000-000000000105" is of hostpci2 of VM 105. Both return false, with RET
 * untouched, when it can't be one. */
bool pve_mdev_uuid(unsigned index, const char *vmid, char ret[static 37]);
bool pve_mdev_vmid(const char *uuid, char ret[static 11]);

#endif
