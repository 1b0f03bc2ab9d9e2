/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's side: all that changes anything goes through here, so that the tests can stand in
 * its place. On the host each of these calls is made by a child with a deadline: any of them can
 * wait in the kernel for ever, where nothing ends it. */
#ifndef PCIPROBE_BINDER_ENGINE_KERNEL_H
#define PCIPROBE_BINDER_ENGINE_KERNEL_H

#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

/* A wait that takes longer is reported, so that nobody takes the program for hung. */
#define KERNEL_QUIET_SECONDS 2

struct kernel {
	struct sysroot *root; /* for looking; paths below are relative to it */
	const struct log *log;
	unsigned timeout; /* seconds, for each call that may wait */
	const struct inventory
		*inventory; /* to say who has a device that the kernel waits for; NULL: not known */

	/* Writes BYTES to PATH, which is below /sys/bus/pci, in one write(2), on behalf of DEVICE.
	 * Returns 0 or a negative errno: the kernel's answer, or -ETIMEDOUT when it gave none in
	 * time. */
	int (*write)(struct kernel *kernel, const struct pci_address *device, const char *path,
		     const char *bytes);

	/* Reads PATH, an attribute for which the kernel takes the device's lock, as sysdir_read
	 * does, or -ETIMEDOUT. */
	ssize_t (*read)(struct kernel *kernel, const struct pci_address *device, const char *path,
			char buffer[static ATTRIBUTE_SIZE]);

	/* Whether a call on behalf of DEVICE, of this run or another, is still in the kernel. */
	bool (*is_busy)(struct kernel *kernel, const struct pci_address *device);

	/* Loads a module with what it needs. Returns 0 or a negative errno: -ENOENT there is no
	 * such module. */
	int (*load)(struct kernel *kernel, const char *module);

	/* Gives the device node PATH to a user and a group, both of which may use it then. Returns
	 * 0 or a negative errno. */
	int (*give)(struct kernel *kernel, const char *path, uid_t user, gid_t group);

	/* Waits. */
	void (*pause)(struct kernel *kernel, unsigned milliseconds);
};

/* The host's own, below the directory PATH ("/"). */
struct host_kernel {
	struct kernel kernel;
	const char *path;
	int lock; /* the run's lock, which a child that outlives it must not keep; -1: none */
};

/* Logs that WHAT is waited for, on behalf of DEVICE (may be NULL), for at most SECONDS more. WHY is
 * what blocks it, or "". */
void kernel_report_wait(const struct log *log, const struct pci_address *device, const char *what,
			unsigned seconds, const char *why);

/* Prepares KERNEL; there is nothing to be freed. */
void host_kernel_init(struct host_kernel *kernel, struct sysroot *root, const struct log *log,
		      unsigned timeout);

#endif
