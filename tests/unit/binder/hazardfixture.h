/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host with one device, and what the safety checks of vfio-bind find for it. */
#ifndef PCIPROBE_TESTS_UNIT_BINDER_HAZARDFIXTURE_H
#define PCIPROBE_TESTS_UNIT_BINDER_HAZARDFIXTURE_H

#include "tests/unit/test.h"

#include "binder/hazards/hazard.h"
#include "tests/unit/binder/fakenetlink.h"
#include "tests/unit/fakesys.h"

#define DEVICE "0000:01:00.0"
#define AT "sys/bus/pci/devices/" DEVICE "/"

extern struct fakesys *fake;
extern struct fakenetlink netlink;
extern struct log_capture captured;
extern char found[8192]; /* what the last of the functions below returned */
extern bool open_disks;	 /* as in struct hazard_view */
extern unsigned timeout;

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int setup(void **state);
int teardown(void **state);
int report(void **state); /* of failed allocations, for the end of the group */

typedef void check_type(struct hazard_view *view, const struct pci_device *device,
			struct hazard_findings *findings);

/* These return the findings for DEVICE, "name: text" on each line: of CHECK, with what VIEW has of
 * the SSH connection; of hazards_find; of hazards_find with an SSH connection. They also let
 * allocations of the check fail: it must find the same, or report that it is incomplete. */
const char *find_with_view(check_type *check, struct hazard_view view);
const char *find(void);
const char *find_with_ssh(const char *ssh);

/* Adds DEVICE, bound to DRIVER, with nothing that a check would report. */
void add_device(unsigned class, const char *driver);

/* Adds the node NUMBER ("char/10:130", "block/259:0") below DEVICE at PATH, of SUBSYSTEM unless
 * NULL. */
void add_node(const char *number, const char *path, const char *subsystem);

/* Adds a disk of DEVICE, or a partition of the disk. NUMBER ends in a newline. */
void add_disk(const char *name, const char *number);
void add_partition(const char *disk, const char *name, const char *number);

#endif
