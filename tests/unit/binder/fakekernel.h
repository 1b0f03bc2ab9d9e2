/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A model of the kernel for the machine of one test: it handles writes to /sys as the kernel does
 * and changes the machine's files and links. All its state is in these files, so that another
 * process can continue after one was killed.
 *
 * The directory model/ in the machine, which the program does not read, controls the model:
 *   model/native/ADDRESS       the host driver that matches the device
 *   model/ids/ADDRESS          another driver that matches it without an override (new_id) and wins
 *   model/held/ADDRESS         the device is in use: an unbind of it blocks
 *   model/busy/ADDRESS         a call for the device is blocked in the kernel; a file that isn't
 *                              empty has the path and the bytes that are still to be written
 *   model/probe/DRIVER         the errno that probes of this driver fail with, as a number
 *   model/missing/MODULE       there is no such module
 *   model/modules/MODULE       the driver in it, if that has another name
 *   model/aliases/MODALIAS     the module for it */
#ifndef PCIPROBE_TESTS_UNIT_BINDER_FAKEKERNEL_H
#define PCIPROBE_TESTS_UNIT_BINDER_FAKEKERNEL_H

#include "binder/engine/kernel.h"
#include "binder/options.h"
#include "tests/unit/binder/fakenetlink.h"
#include "tests/unit/fakesys.h"

enum fault {
	FAULT_NONE,
	FAULT_ERROR,	    /* the call fails with fakekernel.error and has no effect */
	FAULT_ERROR_DONE,   /* the call fails with fakekernel.error and has its effect */
	FAULT_KILL_BEFORE,  /* the process is killed before the call */
	FAULT_KILL_AFTER,   /* the process is killed after the call */
	FAULT_KILL_LATER,   /* it is killed, and the child that makes the call is late */
	FAULT_TERM,	    /* the process gets SIGTERM before the call */
	FAULT_REMOVE,	    /* the device is removed before the call */
	FAULT_HANG,	    /* the call times out and has no effect */
	FAULT_HANG_DONE,    /* the call times out and has its effect */
	FAULT_HANG_LATER,   /* the call times out and has its effect when it returns */
	FAULT_NO_JOURNAL,   /* the journal cannot be saved from now on */
	FAULT_FULL,	    /* the disk of the journal is full from now on, see full_disk */
	FAULT_OTHER_DRIVER, /* another driver is bound after the call, if none is */
	FAULT_OTHER_UNBIND, /* another program unbinds the device after the call */
	FAULT_OTHER_OVERRIDE_BEFORE, /* it sets another override before the call */
	FAULT_OTHER_OVERRIDE,	     /* it sets another override after the call */
	FAULT_NO_OVERRIDE,	     /* it clears the override after the call */
	FAULT_OTHER_VFS,	     /* it disables the VFs after the call */
	FAULT_TRUNCATE,		     /* from now on the kernel stores half of an override */
};

struct fakekernel {
	struct kernel kernel;	    /* first member, so that a pointer to it can be cast */
	struct fakenetlink netlink; /* of the interfaces */
	struct fakesys *fake;
	enum fault fault;
	unsigned fault_at; /* number of the write or load, from 1 */
	enum fault second; /* another fault */
	unsigned second_at;
	int error;
	void (*full_disk)(void); /* for FAULT_FULL */
	unsigned writes;	 /* and loads, so far */
	unsigned unblock_at;	 /* number of pauses after which blocked calls return; 0: never */
	unsigned node_late;	 /* number of pauses before nodes appear */
	unsigned pauses;
	bool no_nodes;	    /* neither udev nor devtmpfs */
	bool device_nodes;  /* CONFIG_VFIO_DEVICE_CDEV without CONFIG_VFIO_GROUP */
	char written[4096]; /* a line "BYTES > PATH" for each write, "vf 0 trust 1 > netlink" */
	bool hit_alias; /* the fault was in the load for a modalias, whose errors are tolerated */
	char loaded[1024]; /* a line for each module or modalias that was loaded */
	char chowned[256]; /* the last "PATH UID:GID" */
};

/* Initializes the model for FAKE with drivers_probe and no driver; vfio-pci is not loaded. */
void fakekernel_init(struct fakekernel *kernel, struct fakesys *fake);

/* Adds a device, as fakesys_add does, with its group, driver_override and driver. device.driver is
 * its host driver, and bound to it. */
#define fakekernel_pci(kernel, address, ...) \
	fakekernel_add(kernel, address, (struct fakesys_device){__VA_ARGS__})
void fakekernel_add(struct fakekernel *kernel, const char *address, struct fakesys_device device);

/* Adds an interface of a device, which is down and has no routes. */
void fakekernel_interface(struct fakekernel *kernel, const char *address, const char *name);

/* Adds a driver. */
void fakekernel_driver(struct fakekernel *kernel, const char *driver);

/* Gives DRIVER, which exists, a module that contains it. */
void fakekernel_module(struct fakekernel *kernel, const char *driver, const char *module);

/* Removes a driver, as if its module was unloaded. No device may be bound to it. */
void fakekernel_unload(struct fakekernel *kernel, const char *driver);

/* Writes a device's current "DRIVER OVERRIDE", "-" for none, to STATE; "gone" if it was removed.
 * Returns STATE. */
const char *fakekernel_state(struct fakekernel *kernel, const char *address,
			     char state[static 256]);

/* Lets the call for the device that is blocked return, after its effect if that is late. */
void fakekernel_unblock(struct fakekernel *kernel, const char *address);

/* Removes a device. */
void fakekernel_remove(struct fakekernel *kernel, const char *address);

/* Options for a subcommand with these arguments: this machine and kernel, quiet. */
struct bind_options fakekernel_options(struct fakekernel *kernel, struct log_capture *captured,
				       const char *const *arguments);

#endif
