/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a descriptor of a process is open on. A VFIO file is recognized by its device number,
 * never by its path, and one that was opened with O_PATH isn't open. Sources: the kernel's
 * Documentation/driver-api/vfio.rst and Documentation/filesystems/proc.rst. */
#ifndef PCIPROBE_OWNERSHIP_VFIOFILE_H
#define PCIPROBE_OWNERSHIP_VFIOFILE_H

#include "probe/ownership/vfiostate.h"
#include "probe/sysfs/sysroot.h"

#include <sys/types.h>

/* A VFIO file that a process has open, or one of a node that was added to VFIO's. */
struct vfio_file {
	const struct vfio_node *node; /* NULL: a device, opened by way of its group */
	pid_t thread;		      /* in whose table it is */
	int fd;
	bool has_address; /* without a node: a newer kernel names the device */
	struct pci_address address;
	char mdev[MDEV_SIZE]; /* likewise; "": it is the PCI device itself */
};

/* By what VFIO files are recognized. */
struct vfio_numbers {
	const struct vfio_nodes *nodes;
	dev_t anonymous; /* of the file system of anonymous inodes */
};

/* NODES must outlive *ret. Returns 0 or a negative errno. */
int vfio_numbers_read(const struct vfio_nodes *nodes, struct vfio_numbers *ret);

/* Inspects the descriptor NAME of a process or thread. TASK is its directory, /proc/<pid> or
 * /proc/<pid>/task/<tid>, and FDS the directory fd in it. Below a root other than "/" the device
 * number is read as sysroot.h says. Returns 1, and all of the file but its thread; 0 for any other
 * file; or a negative errno. */
int vfio_file_read(const struct vfio_numbers *numbers, const struct sysdir *task,
		   const struct sysdir *fds, const char *name, struct vfio_file *ret);

#endif
