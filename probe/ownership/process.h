/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the state of a process. PROCESS is its open directory /proc/<pid>, which stays this
 * process's even if the pid is reused. Source: the kernel's Documentation/filesystems/proc.rst. */
#ifndef PCIPROBE_OWNERSHIP_PROCESS_H
#define PCIPROBE_OWNERSHIP_PROCESS_H

#include "probe/sysfs/sysroot.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* Whether ERROR, of an access to /proc/<pid> or a thread's directory, means that it has ended. */
bool process_is_gone(int error);

struct process_stat {
	char state;	  /* the letter that ps(1) shows */
	uint64_t started; /* clock ticks since boot */
};

/* Returns 0 or a negative errno. */
int process_read_stat(const struct sysdir *process, struct process_stat *ret);

/* Reads the command line: arguments, each terminated by a NUL. BUFFER has VMM_CMDLINE_MAX bytes; a
 * longer command line is truncated. A main thread that has ended has no command line any more; with
 * THREADS that of another thread is read then, which takes longer. Returns the length, 0 for a
 * kernel thread or a zombie, or a negative errno. */
ssize_t process_read_cmdline(const struct sysdir *process, bool threads, char *buffer);

/* Trusted users: they may assign devices to VMs, so their processes' command lines count. These are
 * root, the caller, and libvirt's user for its VMs. */
struct process_users {
	uid_t trusted[3];
	size_t count;
};

void process_users_read(struct sysroot *root, struct process_users *ret);

/* Returns 1 if all user ids of the process are trusted users', 0 if not, or a negative errno. */
int process_is_trusted(const struct sysdir *process, const struct process_users *users);

#endif
