/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A machine and its inventory, for the tests of ownership. */
#ifndef PCIPROBE_TESTS_UNIT_OWNERSHIP_FIXTURE_H
#define PCIPROBE_TESTS_UNIT_OWNERSHIP_FIXTURE_H

#include "tests/unit/test.h"

#include "probe/ownership/ownership.h"
#include "probe/probe.h"
#include "tests/unit/fakesys.h"

extern struct fakesys *fake;	   /* with processes 1 (init) and 2 (a kernel thread) */
extern const char *libvirt_helper; /* NULL: built without libvirt */
extern unsigned sources;	   /* the enabled ones; a test that changes it sets it back */
extern struct rule_list slots;	   /* likewise */
extern unsigned more_details;	   /* to read; likewise */

/* The result of read_inventory: messages and files read. */
extern struct log_capture captured;
extern struct inventory *inventory;
extern struct read_trace seen;

#define GPU .vendor = 0x10de, .device = 0x2204, .class = 0x030000
#define PROCESS(pid, args) fakesys_process(fake, pid, args)
#define ARGS(args) (args), sizeof(args)

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
int setup(void **state);
int teardown(void **state);

/* Adds an open file of a process: see fakesys_descriptor. */
void add_descriptor(unsigned pid, unsigned fd, const char *target);

/* Reads the machine again. */
void read_inventory(void);

const struct pci_device *device_at(const char *address);
const char *state_of(const char *address);

/* The frontend of the device's only owner, and its id of the VM: "kubevirt shop/web". */
const char *frontend_of(const char *address);

#endif
