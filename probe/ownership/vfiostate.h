/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of VFIO to any user, without opening a node, taking the device lock or
 * waking a device: the device numbers of VFIO's nodes, and whether a device is open. Source:
 * Linux, vfio_pci_core_enable() and pci_enable_device() for the attribute "enable". */
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
	VFIO_NODE_OTHER,     /* of another driver, such as /dev/dri/card0: a caller has added it */
};

/* The UUID of a mediated device, with its end. */
#define MDEV_SIZE 37

bool vfio_is_uuid(const char *name);

struct vfio_node {
	enum vfio_node_kind kind;
	bool has_number;	    /* devices have nodes since Linux 6.6, if built with them */
	dev_t number;		    /* what a descriptor of it is recognized by */
	bool is_block;		    /* the number is a block device's */
	unsigned group;		    /* of a group: its number */
	bool has_address;	    /* of a device: it is on PCI, or a mediated device of one is */
	struct pci_address address; /* of that PCI device */
	char mdev[MDEV_SIZE];	    /* the mediated device's UUID; "": the PCI device itself */
};

struct vfio_nodes {
	struct vfio_node *items;
	size_t count;
	bool lists_devices; /* the kernel lists VFIO's devices (since Linux 6.1) */
};

/* Where a VFIO device is: PATH, below /sys/devices, ends in a PCI device's address, or in a
 * mediated device's UUID. Writes the address, and the UUID or "". Returns false when no PCI device
 * is in the path. */
bool vfio_locate(const char *path, struct pci_address *ret_address, char ret_mdev[MDEV_SIZE]);

/* Reads sys/class/vfio, sys/class/vfio-dev and sys/class/misc. What isn't there is no error:
 * VFIO isn't loaded, or has no such nodes. Free it with vfio_nodes_free. Returns 0 or a negative
 * errno, with *ret untouched. */
int vfio_nodes_read(struct sysroot *root, struct vfio_nodes *ret);
void vfio_nodes_free(struct vfio_nodes *nodes);

/* Adds a copy of *node. Returns 0 or -ENOMEM. */
int vfio_nodes_add(struct vfio_nodes *nodes, const struct vfio_node *node);

/* Sets the node's number from the attribute "dev" ("246:17") in the directory NAME below AT.
 * Returns 1, 0 when there is none, or a negative errno. */
int vfio_node_read_number(const struct sysdir *at, const char *name, struct vfio_node *node);

const struct vfio_node *vfio_nodes_find(const struct vfio_nodes *nodes, bool is_block,
					dev_t number);
bool vfio_nodes_have_group(const struct vfio_nodes *nodes, unsigned group);
bool vfio_nodes_have_device(const struct vfio_nodes *nodes, const struct pci_address *address);

/* Whether a device is open by VFIO. */
enum vfio_use {
	VFIO_USE_UNKNOWN, /* the kernel doesn't say, or the driver is not one of vfio-pci's kind */
	VFIO_USE_FAILED,  /* it could not be read */
	VFIO_USE_CLOSED,
	VFIO_USE_OPEN, /* or a driver that it had before left it enabled */
};

/* DRIVER is the device's; NULL: it has none. vfio-pci and its variants enable a device when it
 * is opened, and disable it when it is closed. */
enum vfio_use vfio_device_use(struct sysroot *root, const struct pci_address *address,
			      const char *driver);

/* The same of a device whose driver is not known yet. */
enum vfio_use vfio_address_use(struct sysroot *root, const struct pci_address *address);

/* Finds the IOMMU group of the device NAME in DIRECTORY, a bus's list of devices. Returns false
 * when it has none, or none that could be read. */
bool vfio_find_group(struct sysroot *root, const char *directory, const char *name, unsigned *ret);

/* How many devices of the IOMMU group VFIO has, or where the kernel doesn't list them, all of the
 * group. */
size_t vfio_group_size(struct sysroot *root, unsigned group);

/* Whether vfio_device_use is VFIO_USE_OPEN for some device of the IOMMU group, selected or not. */
bool vfio_group_has_open(struct sysroot *root, unsigned group);

#endif
