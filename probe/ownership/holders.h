/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that have VFIO files open: the walk through /proc/<pid>/fd. Nothing here opens a
 * VFIO node: a group can be opened once, and a VM that starts at that moment would fail. */
#ifndef PCIPROBE_OWNERSHIP_HOLDERS_H
#define PCIPROBE_OWNERSHIP_HOLDERS_H

#include "probe/ownership/vfiofile.h"
#include "probe/ownership/vmm.h"
#include "probe/sysfs/sysroot.h"

#include <stdint.h>
#include <sys/types.h>

/* The walk through all processes ends after so long; those that it has not reached count as
 * unseen. A user can have any number of processes with any number of descriptors. */
#define HOLDERS_MILLISECONDS 2000

struct holder {
	pid_t pid;
	uint64_t started; /* clock ticks since boot */
	bool trusted;	  /* its user may assign devices (process.h) */
	struct vmm vmm;
	const char *frontend; /* of a VM monitor, as its process shows it (frontend.h); or NULL */
	char *frontend_id;    /* what that calls the VM; NULL with frontend */
	char pod[37];	      /* of a VM monitor: the UID of its Kubernetes pod; "": none */
	struct vfio_file *files;
	size_t file_count;
	bool seen; /* its descriptors could be inspected; else its command line names devices */
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
	HOLDERS_THREADS, /* of all threads: each can have its own table, and outlive the main one */
};

/* Inspects all processes. One that ends meanwhile is left out, and so is one whose pid went to
 * another. NODES must outlive the result. Free it with holders_free. Returns 0, or a negative
 * errno when /proc could not be listed. */
int holders_read(struct sysroot *root, const struct vfio_nodes *nodes, enum holders_depth depth,
		 struct holders *ret);
void holders_free(struct holders *holders);

bool holder_has_node(const struct holder *holder, const struct vfio_node *node);
bool holder_has_group(const struct holder *holder, unsigned group);

#endif
