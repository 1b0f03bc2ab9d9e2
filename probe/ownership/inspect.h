/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inspects a process: which VFIO files it has open, which VM it runs. Never opens a VFIO node
 * itself: a group can be opened only once, so a VM that starts at that moment would fail. */
#ifndef PCIPROBE_OWNERSHIP_INSPECT_H
#define PCIPROBE_OWNERSHIP_INSPECT_H

#include "probe/ownership/holder.h"
#include "probe/ownership/process.h"
#include "probe/sysfs/sysroot.h"

enum holders_depth {
	HOLDERS_COMMAND_LINES, /* no descriptors: the kernel has no VFIO file open */
	HOLDERS_PROCESSES,     /* descriptors of each process's main thread */
	HOLDERS_THREADS,       /* descriptors of all threads: a thread can have a descriptor table
				  of its own, and outlive the main thread */
};

struct inspection {
	enum holders_depth depth;
	const struct vfio_numbers *numbers;
	const struct process_users *users;
	int64_t deadline; /* of deadline.h */

	/* To read a command line, the kernel takes a lock of the process that a page fault may hold
	 * for as long as a disk does not answer. Asked before: false if that is to be avoided. */
	bool (*may_read_cmdline)(void *data, pid_t pid);
	/* Called with the holder before its command line is read, if it has VFIO files, and with
	 * NULL after it: what is known if the reading never returns. */
	void (*set_known)(void *data, const struct holder *holder);
	void *data;
};

/* Inspects the process HOLDER->pid in its directory PROCESS. BUFFER has VMM_CMDLINE_MAX bytes.
 * Returns 1 if the process has VFIO files open or is a VM monitor with devices on its command line,
 * 0 if not or if it has ended, or -ENOMEM. Counts a process that could not be inspected, or not
 * completely, in *holders. */
int inspect_process(const struct inspection *inspection, const struct sysdir *process, char *buffer,
		    struct holder *holder, struct holders *holders);

#endif
