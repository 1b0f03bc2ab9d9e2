/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of VFIO to any user, without opening a node, taking the device lock or waking a device: the device
 * numbers of VFIO's nodes, how many references open files have, and whether a device is open. Sources: Linux, drivers/vfio/vfio_main.c,
 * group.c and device_cdev.c for what takes a reference of the module; vfio_pci_core_enable() and pci_enable_device() for the
 * attribute "enable". */
#ifndef PCIPROBE_OWNERSHIP_VFIOSTATE_H
#define PCIPROBE_OWNERSHIP_VFIOSTATE_H

#include "probe/address.h"
#include "probe/device.h"
#include "probe/sysroot.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum vfio_node_kind {
	VFIO_NODE_GROUP,     /* /dev/vfio/17 or /dev/vfio/noiommu-17 */
	VFIO_NODE_DEVICE,    /* /dev/vfio/devices/vfio3 */
	VFIO_NODE_CONTAINER, /* /dev/vfio/vfio */
};

struct vfio_node {
	enum vfio_node_kind kind;
	bool has_number;            /* a device has a node of its own since Linux 6.6, where the kernel is built with it */
	dev_t number;               /* what a descriptor of it is recognized by */
	unsigned group;             /* of a group: its number */
	bool has_address;           /* of a device: it is a PCI device, or a mediated device of one */
	struct pci_address address; /* of that PCI device */
	char mdev[37];              /* the UUID of the mediated device; "": it is the PCI device itself */
};

struct vfio_nodes {
	struct vfio_node *items;
	size_t count;
	bool lists_devices; /* the kernel lists VFIO's devices (since Linux 6.1) */
};

/* Reads sys/class/vfio, sys/class/vfio-dev and sys/class/misc. What isn't there is no error: VFIO isn't loaded, or has no such
 * nodes. Free it with vfio_nodes_free. Returns 0 or a negative errno, with *ret untouched. */
int vfio_nodes_read(struct sysroot *root, struct vfio_nodes *ret);
void vfio_nodes_free(struct vfio_nodes *nodes);

const struct vfio_node *vfio_nodes_find(const struct vfio_nodes *nodes, dev_t number);
bool vfio_nodes_have_group(const struct vfio_nodes *nodes, unsigned group);
bool vfio_nodes_have_device(const struct vfio_nodes *nodes, const struct pci_address *address);

/* The number of references to VFIO's module, without those of modules that depend on it: open files have them, also those that no
 * process shows (in other namespaces, in flight in a socket, registered with io_uring). Returns 0; -ENOENT when VFIO is built into
 * the kernel, which keeps no such count then; or another negative errno. Where VFIO isn't loaded the number is 0. */
int vfio_references(struct sysroot *root, unsigned *ret);

/* How many of them an open file has; NODE is NULL for a device opened by way of its group. A node that has a cdev of its own has
 * two: of the cdev, and of its file operations (Linux, fs/char_dev.c, chrdev_open(); since 5.16, and NODES' lists_devices tells
 * that it is later). A container is iommufd's, not VFIO's, where VFIO has no IOMMU driver. */
unsigned vfio_file_references(struct sysroot *root, const struct vfio_node *node);

/* Whether a device is open by VFIO. */
enum vfio_use {
	VFIO_USE_UNKNOWN, /* the kernel doesn't say, or the driver is not one of vfio-pci's kind */
	VFIO_USE_FAILED,  /* it could not be read */
	VFIO_USE_CLOSED,
	VFIO_USE_OPEN, /* or a driver that it had before left it enabled */
};

/* DRIVER is the device's; NULL: it has none. vfio-pci and its variants enable a device when it is opened, and disable it when it
 * is closed. */
enum vfio_use vfio_device_use(struct sysroot *root, const struct pci_address *address, const char *driver);

/* Whether vfio_device_use is VFIO_USE_OPEN for some device of the IOMMU group, selected or not. */
bool vfio_group_has_open(struct sysroot *root, unsigned group);

#endif
