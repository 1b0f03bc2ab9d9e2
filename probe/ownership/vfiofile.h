/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identifies VFIO files among a process's descriptors: by device number, never by path. Descriptors
 * opened with O_PATH don't count. Sources: the kernel's Documentation/driver-api/vfio.rst and
 * Documentation/filesystems/proc.rst. */
#ifndef PCIPROBE_OWNERSHIP_VFIOFILE_H
#define PCIPROBE_OWNERSHIP_VFIOFILE_H

#include "probe/ownership/vfiostate.h"
#include "probe/sysfs/sysroot.h"

#include <sys/types.h>

/* A VFIO file that a process has open, or one of a node that was added with vfio_nodes_add. */
struct vfio_file {
	const struct vfio_node *node; /* NULL: a device, opened through its group */
	pid_t thread;		      /* whose descriptor table it is in */
	int fd;
	bool has_address; /* without a node: fdinfo of newer kernels names the device */
	struct pci_address address;
	char mdev[MDEV_SIZE]; /* likewise; "": the PCI device itself */
};

/* What VFIO files are identified by. */
struct vfio_numbers {
	const struct vfio_nodes *nodes;
	dev_t anonymous; /* device number of the anonymous inodes' file system */
};

/* NODES must outlive *ret. Returns 0 or a negative errno. */
int vfio_numbers_read(const struct vfio_nodes *nodes, struct vfio_numbers *ret);

/* Inspects the descriptor NAME of a process or thread. TASK is its directory, /proc/<pid> or
 * /proc/<pid>/task/<tid>, and FDS the subdirectory fd. Below a root other than "/", device numbers
 * are read as described in sysroot.h. Returns 1 and sets *ret, except for its thread; 0 if it is
 * not a VFIO file; or a negative errno. */
int vfio_file_read(const struct vfio_numbers *numbers, const struct sysdir *task,
		   const struct sysdir *fds, const char *name, struct vfio_file *ret);

#endif
