/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds processes that have VFIO files open, by a walk through /proc/<pid>/fd. Never opens a VFIO
 * node itself: a group can be opened only once, so a VM that starts at that moment would fail. */
#ifndef PCIPROBE_OWNERSHIP_HOLDERS_H
#define PCIPROBE_OWNERSHIP_HOLDERS_H

#include "probe/ownership/vfiofile.h"
#include "probe/ownership/vmm.h"
#include "probe/sysfs/sysroot.h"

#include <stdint.h>
#include <sys/types.h>

/* Time limit of the walk; processes that it has not reached count as unseen, with -ETIMEDOUT. Users
 * can have any number of processes with any number of descriptors, and the command line of a
 * process cannot be read while a page fault of that process waits for a disk or a server. */
#define HOLDERS_MILLISECONDS 2000

struct holder {
	pid_t pid;
	uint64_t started; /* clock ticks since boot */
	bool trusted;	  /* its user may assign devices: process_is_trusted */
	struct vmm vmm;
	const char *frontend; /* of a VM monitor: found by frontend.h; or NULL */
	char *frontend_id;    /* the frontend's id of the VM; NULL if frontend is */
	char pod[37];	      /* of a VM monitor: UID of its Kubernetes pod; "": none */
	struct vfio_file *files;
	size_t file_count;
	bool inspected; /* its descriptors were read; if not, it is listed for the devices on its
			   command line */
};

struct holders {
	struct holder *items;
	size_t count;
	size_t unseen; /* processes that could not be inspected, or not completely */
	int error;     /* the reason, a negative errno: -ETIMEDOUT if it is that of any of them,
			  otherwise that of the last */
};

enum holders_depth {
	HOLDERS_COMMAND_LINES, /* no descriptors: the kernel has no VFIO file open */
	HOLDERS_PROCESSES,     /* descriptors of each process's main thread */
	HOLDERS_THREADS,       /* descriptors of all threads: a thread can have a descriptor table
				  of its own, and outlive the main thread */
};

/* Inspects all processes. Processes that end meanwhile are left out, also if their pid is reused.
 * NODES must outlive the result. The caller frees *ret with holders_free. Returns 0, or a negative
 * errno if /proc could not be listed.
 *
 * Returns at the deadline also if a process blocks the reading. The thread that reads is left
 * behind then: it ends when it is not blocked any more, without use of anything of the caller's.
 * Until then only the descriptors of that process are read; of any process, if there are too many
 * such threads in the calling process. Only if no thread can be started, the walk may take longer.
 */
int holders_read(struct sysroot *root, const struct vfio_nodes *nodes, enum holders_depth depth,
		 struct holders *ret);
void holders_free(struct holders *holders);

bool holder_has_node(const struct holder *holder, const struct vfio_node *node);
bool holder_has_group(const struct holder *holder, unsigned group);

#endif
