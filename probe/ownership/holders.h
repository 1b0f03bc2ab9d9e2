/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that have VFIO files open: /proc/<pid>/fd. A file is recognized by its device number, never by its path, and one that
 * was opened with O_PATH isn't open. Nothing here opens a VFIO node: a group can be opened once, and a VM that starts at that
 * moment would fail. Source: the kernel's Documentation/driver-api/vfio.rst and Documentation/filesystems/proc.rst. */
#ifndef PCIPROBE_OWNERSHIP_HOLDERS_H
#define PCIPROBE_OWNERSHIP_HOLDERS_H

#include "probe/ownership/vfiostate.h"
#include "probe/ownership/vmm.h"
#include "probe/sysroot.h"

#include <stdint.h>
#include <sys/types.h>

/* The walk through all processes ends after so long; those that it has not reached count as unseen. A user can have any number
 * of processes with any number of descriptors. */
#define HOLDERS_MILLISECONDS 2000

/* A VFIO file that a process has open. */
struct vfio_file {
	const struct vfio_node *node; /* NULL: a device, opened by way of its group; which one only newer kernels tell */
	pid_t thread;                 /* in whose table it is */
	int fd;
	bool has_address;             /* without a node: the kernel tells the device */
	struct pci_address address;
};

struct holder {
	pid_t pid;
	uint64_t started; /* clock ticks since boot */
	bool trusted;     /* its user may assign devices: root, the caller's own, or libvirt's for its VMs */
	struct vmm vmm;
	struct vfio_file *files;
	size_t file_count;
	bool seen; /* its descriptors could be inspected; else it is here for its command line, which names devices */
};

struct holders {
	struct holder *items;
	size_t count;
	size_t unseen; /* processes whose descriptors could not be inspected */
	int error;     /* a negative errno: why the last of them could not */
};

enum holders_depth {
	HOLDERS_COMMAND_LINES, /* no descriptors: the kernel has no VFIO file open */
	HOLDERS_PROCESSES,     /* descriptors of each process's main thread */
	HOLDERS_THREADS,       /* of all threads: each can have a table of its own, and outlive the main one */
};

/* Inspects all processes. One that ends meanwhile is left out, and so is one whose pid went to another. NODES must outlive the
 * result. Free it with holders_free. Returns 0, or a negative errno when /proc could not be listed. */
int holders_read(struct sysroot *root, const struct vfio_nodes *nodes, enum holders_depth depth, struct holders *ret);
void holders_free(struct holders *holders);

/* The number of references to VFIO's module that the open files of all holders have (see vfio_references). Descriptors that are
 * known, or could be, of the same open file (shared by fork or passed on) count once: it is never more than there are. */
unsigned holders_count_references(struct sysroot *root, const struct holders *holders);

bool holder_has_node(const struct holder *holder, const struct vfio_node *node);
bool holder_has_group(const struct holder *holder, unsigned group);

#endif
