/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the attributes of one device, and distinguishes absent ones from unreadable ones. */
#ifndef PCIPROBE_DETAILS_ATTRIBUTE_H
#define PCIPROBE_DETAILS_ATTRIBUTE_H

#include "probe/details/kept.h"
#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

/* The VFs of a PF, by their index. */
struct pf_vfs {
	struct pci_address pf, *vfs;
	unsigned count, next; /* NEXT: where the search starts */
};

/* A network interface in /sys/class/net. PATH is relative to its device: "net/eth0",
 * "virtio2/net/ens3". */
struct netdev {
	struct pci_address device;
	char *path;
};

struct details_reader {
	const struct sysdir *devices; /* of all devices */
	struct sysdir dir; /* of the device; fd -1: not opened, since only attribute_* are used */
	struct pci_device *device;
	unsigned wanted;	       /* enum detail, of the device */
	const struct pci_device *port; /* the upstream port; NULL: none, or unknown */
	struct kept *kept;	       /* files of earlier readings, or NULL */
	struct kept_device *kept_device;
	const struct log *log;
	struct netdev *netdevs; /* of all devices, sorted, if has_netdevs */
	size_t netdev_count;
	bool has_netdevs;
	struct sysdir mdev_bus; /* parent devices of the mdev framework; fd -1: none */
	struct pf_vfs *pfs;	/* of the PFs read so far */
	size_t pf_count, last_pf;
	unsigned next_vf_index; /* where the search for the index of the next VF of another PF
				   starts: devices and VFs are sorted */
	struct pci_device pf;	/* PF of the previous VF, with its interfaces only: VFs of a PF are
				   adjacent */
	bool no_memory;
};

/* Reads the attribute NAME. Returns false if the device does not have it or it could not be read,
 * which is logged and marks the device as incomplete. An attribute that contains a NUL is
 * unreadable. */
bool attribute_text(struct details_reader *reader, const char *name,
		    char text[static ATTRIBUTE_SIZE]);

/* Like attribute_text, but returns a copy, which the caller frees, or NULL. An empty attribute is
 * absent. */
char *attribute_string(struct details_reader *reader, const char *name);

/* Like attribute_text, but returns a number. Anything but an integer, or a value above MAX, is
 * unreadable; a negative value is absent. */
bool attribute_number(struct details_reader *reader, const char *name, int base, unsigned long max,
		      unsigned long *ret);

/* Reads the last component of the target of the link NAME into SIZE bytes at BUFFER. Returns false
 * like attribute_text. */
bool attribute_link_name(struct details_reader *reader, const char *name, char *buffer,
			 size_t size);

/* Whether ERROR, a negative errno, means that the kernel does not provide the attribute. */
bool is_absent(int error);

/* Logs that NAME of the device could not be read and marks the device as incomplete. */
void attribute_failed(struct details_reader *reader, const char *name, const char *reason);

/* Frees what read_sriov keeps. */
void free_pfs(struct details_reader *reader);

/* Reads the interfaces of all devices from /sys/class/net, of which read_interfaces and
 * read_pf_interface are to be called for DEVICES, if that takes less than listing the net/ of each
 * device. If it does not, or fails, these list it. */
void read_netdevs(struct details_reader *reader, struct sysroot *root, size_t devices);
void free_netdevs(struct details_reader *reader);

/* strdup(3) that sets no_memory on failure. */
char *reader_strdup(struct details_reader *reader, const char *string);

/* Readers of groups of details. */
void read_sriov(struct details_reader *reader);
void read_vf_index(struct details_reader *reader);
void read_interfaces(struct details_reader *reader);
void read_pf_interface(struct details_reader *reader);
void read_link(struct details_reader *reader);
void read_aer(struct details_reader *reader);
void read_vgpu(struct details_reader *reader);

#endif
