/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's side of a machine made for one test: it answers writes to /sys as the kernel does,
 * and changes the files and links that are read. All its state is in the machine's files, so that
 * another process can go on where one was killed.
 *
 * Beside what the kernel shows there is model/ in the machine, which the program never looks at:
 *   model/native/ADDRESS       the driver of the host's own that takes the device
 *   model/ids/ADDRESS          another driver that takes it without an override (new_id); it wins
 *   model/held/ADDRESS         somebody has it: its driver can't let it go
 *   model/busy/ADDRESS         a call for it is in the kernel
 *   model/probe/DRIVER         the error that this driver's probe ends with, as a number
 *   model/missing/MODULE       there is no such module */
#ifndef PCIPROBE_TESTS_UNIT_BINDER_FAKEKERNEL_H
#define PCIPROBE_TESTS_UNIT_BINDER_FAKEKERNEL_H

#include "binder/engine/kernel.h"
#include "binder/options.h"
#include "tests/unit/fakesys.h"

enum fault {
	FAULT_NONE,
	FAULT_ERROR,	   /* the call fails with fakekernel.error, and does nothing */
	FAULT_KILL_BEFORE, /* the process is killed before the call */
	FAULT_KILL_AFTER,
	FAULT_TERM,	 /* the process is asked to end before the call */
	FAULT_VANISH,	 /* the device is taken out before the call */
	FAULT_HANG,	 /* the call gives no answer, and does nothing yet */
	FAULT_HANG_DONE, /* the same, but it is done */
	FAULT_THIEF,	 /* after the call another driver takes the device, if none has it */
	FAULT_CUT,	 /* the kernel takes only half of the text */
};

struct fakekernel {
	struct kernel kernel; /* first: it is what the program gets */
	struct fakesys *fake;
	enum fault fault;
	unsigned fault_at; /* at which call of write, from 1 */
	int error;
	unsigned writes;    /* how many there were */
	unsigned node_late; /* pauses before nodes appear */
	unsigned pauses;
	bool no_nodes;	    /* there is no udev, nor devtmpfs */
	char written[4096]; /* "BYTES > PATH\n" each */
	char given[256];
};

/* Makes the kernel's side of FAKE: the files drivers_probe and those of a few drivers; vfio-pci
 * isn't loaded. */
void fakekernel_init(struct fakekernel *kernel, struct fakesys *fake);

/* Adds a device, as fakesys_add does, with what else the kernel has of it: group, override, the
 * driver's files. device.driver is its native driver, and has it. */
#define fakekernel_pci(kernel, address, ...) \
	fakekernel_add(kernel, address, (struct fakesys_device){__VA_ARGS__})
void fakekernel_add(struct fakekernel *kernel, const char *address, struct fakesys_device device);

/* Loads a driver by name. */
void fakekernel_driver(struct fakekernel *kernel, const char *driver);

/* "DRIVER OVERRIDE" of a device as it is, "-" for none; "gone" when it isn't there. */
const char *fakekernel_state(struct fakekernel *kernel, const char *address, char text[static 256]);

/* Lets a call end that hung. */
void fakekernel_wake(struct fakekernel *kernel, const char *address);

/* Takes a device out. */
void fakekernel_vanish(struct fakekernel *kernel, const char *address);

/* Options for a verb: this machine, quiet, this kernel. */
struct bind_options fakekernel_options(struct fakekernel *kernel, struct log_capture *captured,
				       const char *const *words);

#endif
