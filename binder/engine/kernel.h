/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operations of the kernel that change anything, as a table of functions, so that tests can
 * replace them. On the host a child process makes each call with a time limit: any of them can
 * block in the kernel for ever, where no signal interrupts it. */
#ifndef PCIPROBE_BINDER_ENGINE_KERNEL_H
#define PCIPROBE_BINDER_ENGINE_KERNEL_H

#include "common/netlink.h"
#include "probe/device.h"
#include "probe/log.h"
#include "probe/sysfs/sysroot.h"

/* A longer wait is reported. */
#define KERNEL_QUIET_SECONDS 2

struct kernel {
	struct sysroot *root; /* for reading; paths below are relative to it */
	const struct log *log;
	unsigned timeout;		   /* seconds, for each call that may block */
	const struct inventory *inventory; /* to report owners of a device; NULL: unknown */
	struct netlink *netlink;	   /* for queries */

	/* Writes BYTES to PATH, which is below sys/bus/pci, in one write(2), on behalf of DEVICE.
	 * Returns 0 or a negative errno: that of the kernel, or -ETIMEDOUT if it has not finished
	 * within the time limit. */
	int (*write)(struct kernel *kernel, const struct pci_address *device, const char *path,
		     const char *bytes);

	/* Reads PATH, an attribute that takes the device's lock in the kernel. Returns what
	 * sysdir_read does, or -ETIMEDOUT. */
	ssize_t (*read)(struct kernel *kernel, const struct pci_address *device, const char *path,
			char buffer[static ATTRIBUTE_SIZE]);

	/* Sends REQUEST, which changes an interface of DEVICE, and calls RECEIVE, see struct
	 * netlink. Returns what that does. */
	int (*set_link)(struct kernel *kernel, const struct pci_address *device,
			const struct nlmsghdr *request, netlink_receiver *receive, void *data);

	/* Whether a change on behalf of DEVICE, by this or an earlier run, has not finished:
	 * it may still have its effect. */
	bool (*is_busy)(struct kernel *kernel, const struct pci_address *device);

	/* Loads a module, or all modules for a modalias that modprobe.d does not exclude, and their
	 * dependencies, on behalf of DEVICE. Returns 0 or a negative errno: -ENOENT if there is no
	 * such module. */
	int (*load)(struct kernel *kernel, const struct pci_address *device, const char *module);

	/* Changes the owner and group of the device node PATH and its mode to 0660. Returns 0 or a
	 * negative errno. */
	int (*chown)(struct kernel *kernel, const char *path, uid_t user, gid_t group);

	void (*pause)(struct kernel *kernel, unsigned milliseconds);
};

/* The running kernel. PATH is the sysroot's, "" for "/". */
struct host_kernel {
	struct kernel kernel;
	const char *path;
};

/* Logs a warning that the program waits for WHAT, on behalf of DEVICE (may be NULL), for at most
 * SECONDS longer. WHY is the cause, or "". */
void kernel_report_wait(const struct log *log, const struct pci_address *device, const char *what,
			unsigned seconds, const char *why);

/* Initializes KERNEL for ROOT. Nothing has to be freed. */
void host_kernel_init(struct host_kernel *kernel, struct sysroot *root, const struct log *log,
		      unsigned timeout);

#endif
