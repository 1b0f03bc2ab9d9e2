/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Parses the host devices in Proxmox VE's VM configurations and resource mappings. No I/O. Sources:
 * qemu-server's PVE/QemuServer.pm and PVE/QemuServer/PCI.pm, pve-guest-common's PVE/Mapping/PCI.pm.
 */
#ifndef PCIPROBE_OWNERSHIP_PVE_H
#define PCIPROBE_OWNERSHIP_PVE_H

#include "probe/address.h"

#include <stdbool.h>
#include <stddef.h>

/* hostpci0 to hostpci15 */
#define PVE_HOSTPCI_MAX 16u

/* Sets RET to the name of the node HOST, the kernel's host name: its part before a dot. Returns
 * false, with RET untouched, if Proxmox VE doesn't accept such a name. */
#define PVE_NODE_SIZE 65
bool pve_node_name(const char *host, char ret[static PVE_NODE_SIZE]);

/* A device; with every_function all functions of its slot. */
struct pve_device {
	struct pci_address address;
	bool every_function;
	bool is_alternative; /* one of several devices of a mapping; the VM gets one of them when it
				starts */
	bool is_mdev;	     /* the VM gets a mediated device of it */
	bool is_nvidia;	     /* of an NVIDIA type: if the device is a VF with a vGPU type, the VM
				gets the VF itself */
	unsigned index;	     /* N of hostpciN */
};

struct pve_vm {
	char name[256], uuid[37]; /* "": none */
	struct pve_device *devices;
	size_t device_count;
	bool incomplete; /* a hostpci line or map is invalid. A mapping without a device on this
			    node is valid: the VM can't start here */
};

/* Parses the configuration CONFIG: the current one and [PENDING], not snapshots. MAPPINGS is the
 * contents of mapping/pci.cfg; maps of nodes other than NODE, the short host name, are ignored. The
 * caller frees *ret with pve_vm_free. Returns 0 or -ENOMEM. */
int pve_parse(const char *config, const char *mappings, const char *node, struct pve_vm *ret);
void pve_vm_free(struct pve_vm *vm);

/* Convert between a VM and the UUID of the mediated device that Proxmox VE creates for its
 * hostpci<INDEX>: "00000002-0000-0000-0000-000000000105" is hostpci2 of VM 105. Both return false,
 * with RET untouched, if the argument is invalid. */
bool pve_mdev_uuid(unsigned index, const char *vmid, char ret[static 37]);
bool pve_mdev_vmid(const char *uuid, char ret[static 11]);

#endif
