/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A host with a NIC, a pair of devices in one group, a disk and a bridge, and the subcommands of
 * vfio-bind on it, with the model of the kernel in tests/unit/binder/fakekernel.h. */
#ifndef PCIPROBE_TESTS_UNIT_BINDER_BINDFIXTURE_H
#define PCIPROBE_TESTS_UNIT_BINDER_BINDFIXTURE_H

#include "tests/unit/test.h"

#include "binder/commands/commands.h"
#include "tests/unit/binder/fakekernel.h"

#define NIC "0000:01:00.0"
#define PAIR0 "0000:02:00.0"
#define PAIR1 "0000:02:00.1"
#define DISK "0000:03:00.0"
#define BRIDGE "0000:00:1c.0"

extern struct fakesys *fake;
extern struct fakekernel kernel;
extern struct log_capture captured;

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
int setup(void **state);
int teardown(void **state);

/* Runs a subcommand. kernel.written is what it wrote. Returns its exit status. */
int run(int (*subcommand)(struct bind_options *), const char *const *arguments);

/* Runs the subcommand called NAME with OPTIONS, which are not quiet then. Writes what it prints on
 * standard output to OUTPUT. Returns its exit status. */
#define OUTPUT_SIZE 32768
int run_printing(struct bind_options *options, const char *name, char output[static OUTPUT_SIZE]);

#define ARGS(...) ((const char *const[]){__VA_ARGS__, NULL})
#define BIND(...) run(run_bind, ARGS(__VA_ARGS__))
#define RELEASE(...) run(run_release, ARGS(__VA_ARGS__))
#define RECOVER() run(run_recover, ARGS(NULL))

#define assert_state(address, wanted)                                                   \
	do {                                                                            \
		char text_[256];                                                        \
		assert_string_equal(fakekernel_state(&kernel, address, text_), wanted); \
	} while (0)

/* Writes the state of every device to RET and returns it. */
char *states(char ret[static 1024]);

/* Returns the number of devices in the journal. */
size_t journal_size(void);

/* Makes NIC a PF without VFs. */
void prepare_pf(void);

/* States before a run: */
void prepare_nothing(void); /* VFIO is loaded */
void prepare_module(void);  /* it is not */
void prepare_bound(void);   /* NIC and the pair are bound to it */
void prepare_foreign(void); /* they are, but not by vfio-bind */
void prepare_vfs(void);	    /* NIC has two VFs */

#endif
