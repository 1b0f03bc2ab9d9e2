/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of VFIO in sysfs: the device numbers of its nodes, and whether a device is open. It is
 * readable by any user, and reading it opens no node, takes no device lock and wakes no device.
 * Source: Linux, vfio_pci_core_enable() and pci_enable_device() for the attribute "enable". */
#ifndef PCIPROBE_OWNERSHIP_VFIOSTATE_H
#define PCIPROBE_OWNERSHIP_VFIOSTATE_H

#include "probe/address.h"
#include "probe/device.h"
#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum vfio_node_kind {
	VFIO_NODE_GROUP,     /* /dev/vfio/17 or /dev/vfio/noiommu-17 */
	VFIO_NODE_DEVICE,    /* /dev/vfio/devices/vfio3 */
	VFIO_NODE_CONTAINER, /* /dev/vfio/vfio */
	VFIO_NODE_VDPA,	     /* /dev/vhost-vdpa-0: see hostnodes.h */
	VFIO_NODE_OTHER,     /* of another driver, e.g. /dev/dri/card0: added by a caller */
};

/* Size of a mediated device's UUID as a string, with the NUL. */
#define MDEV_SIZE 37

/* Whether NAME is a mediated device's in sysfs: a UUID. */
bool vfio_is_mdev_name(const char *name);

struct vfio_node {
	enum vfio_node_kind kind;
	bool has_number;	    /* devices have nodes since Linux 6.6, if configured */
	dev_t number;		    /* identifies a descriptor of this node */
	bool is_block;		    /* the number is a block device's */
	unsigned group;		    /* of a group: its number */
	bool has_address;	    /* of a PCI device, or a mediated device of one */
	struct pci_address address; /* of that PCI device */
	char mdev[MDEV_SIZE];	    /* the mediated device's UUID; "": the PCI device itself */
};

struct vfio_nodes {
	struct vfio_node *items;
	size_t count;
	bool lists_devices; /* the kernel lists VFIO's devices (since Linux 6.1) */
};

/* Finds the PCI device of a VFIO device from its PATH below /sys/devices, which ends in a PCI
 * device's address or in a mediated device's UUID. Sets the address, and the UUID or "". Returns
 * false if there is no PCI device in the path. */
bool vfio_locate(const char *path, struct pci_address *ret_address, char ret_mdev[MDEV_SIZE]);

/* Reads sys/class/vfio, sys/class/vfio-dev and sys/class/misc. Absent classes are no error: VFIO
 * isn't loaded, or has no such nodes. The caller frees *ret with vfio_nodes_free. Returns 0 or a
 * negative errno, with *ret untouched. */
int vfio_nodes_read(struct sysroot *root, struct vfio_nodes *ret);
void vfio_nodes_free(struct vfio_nodes *nodes);

/* Adds a copy of *node. Returns 0 or -ENOMEM. */
int vfio_nodes_add(struct vfio_nodes *nodes, const struct vfio_node *node);

/* Sets the node's number from the attribute "dev" ("246:17") in the directory NAME below AT.
 * Returns 1, 0 if the attribute is absent, or a negative errno. */
int vfio_node_read_number(const struct sysdir *at, const char *name, struct vfio_node *node);

/* Whether NODE is not VFIO's, but another driver's: of the last two kinds. */
bool vfio_node_is_foreign(const struct vfio_node *node);

const struct vfio_node *vfio_nodes_find(const struct vfio_nodes *nodes, bool is_block,
					dev_t number);
bool vfio_nodes_have_group(const struct vfio_nodes *nodes, unsigned group);
bool vfio_nodes_have_device(const struct vfio_nodes *nodes, const struct pci_address *address);

/* Whether a device is open in VFIO. */
enum vfio_use {
	VFIO_USE_UNKNOWN, /* no attribute "enable", or the driver is not a variant of vfio-pci */
	VFIO_USE_FAILED,  /* the attribute could not be read */
	VFIO_USE_CLOSED,
	VFIO_USE_OPEN, /* or left enabled by a previous driver */
};

/* Reads whether the device is open: vfio-pci and its variants enable a device when it is opened,
 * and disable it when it is closed. DRIVER is the device's; NULL: none. */
enum vfio_use vfio_device_use(struct sysroot *root, const struct pci_address *address,
			      const char *driver);

/* The same for a device whose driver has not been read yet. */
enum vfio_use vfio_address_use(struct sysroot *root, const struct pci_address *address);

/* Reads the IOMMU group of the device NAME in DIRECTORY, a bus's list of devices. Returns false if
 * it has none or it could not be read. */
bool vfio_find_group(struct sysroot *root, const char *directory, const char *name, unsigned *ret);

/* Returns the number of VFIO devices in the IOMMU group or, if the kernel doesn't list them, the
 * number of all devices in it. */
size_t vfio_group_size(struct sysroot *root, unsigned group);

/* Returns 1 if any device of the IOMMU group, selected or not, is open (VFIO_USE_OPEN), 0 if none
 * is, or a negative errno. */
int vfio_group_has_open(struct sysroot *root, unsigned group);

#endif
