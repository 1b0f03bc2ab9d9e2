/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds processes that have VFIO files open, by a walk through /proc/<pid>/fd. */
#ifndef PCIPROBE_OWNERSHIP_HOLDERS_H
#define PCIPROBE_OWNERSHIP_HOLDERS_H

#include "probe/ownership/inspect.h"

/* Time limit of the walk; processes that it has not reached count as unseen, with -ETIMEDOUT. Users
 * can have any number of processes with any number of descriptors, and the command line of a
 * process cannot be read while a page fault of that process waits for a disk or a server. */
#define HOLDERS_MILLISECONDS 2000

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

#endif
