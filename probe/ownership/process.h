/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel says of one process. PROCESS is its directory, /proc/<pid>, held open: a later
 * process with the same pid has another one. Source: the kernel's
 * Documentation/filesystems/proc.rst. */
#ifndef PCIPROBE_OWNERSHIP_PROCESS_H
#define PCIPROBE_OWNERSHIP_PROCESS_H

#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether ERROR, of reading a process's or a thread's directory, says that it has ended. */
bool process_is_gone(int error);

struct process_stat {
	char state;	  /* as ps(1) shows it */
	uint64_t started; /* clock ticks since boot */
};

/* Returns 0 or a negative errno. */
int process_read_stat(const struct sysdir *process, struct process_stat *ret);

/* Reads the command line: words, a NUL behind each. TEXT has VMM_CMDLINE_MAX bytes; of a longer
 * command line it gets the beginning. A main thread that has ended no longer has one, the
 * threads that are left do: with OF_THREADS these are read then, which takes longer. Returns the
 * length, 0 for a kernel thread or a zombie, or a negative errno. */
ssize_t process_read_cmdline(const struct sysdir *process, bool of_threads, char *text);

/* Users whose processes' command lines are believed: they may assign devices to VMs. They are
 * root, the caller's own, and libvirt's for its VMs. */
struct process_users {
	uid_t trusted[3];
	size_t count;
};

void process_users_read(struct sysroot *root, struct process_users *ret);
/* Returns 1 when all its user ids are such users', 0 when one is not, or a negative errno. */
int process_is_trusted(const struct sysdir *process, const struct process_users *users);

#endif
