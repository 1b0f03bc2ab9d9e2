/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vfio-bind can be asked for: a function in a file of its own each, and what its exit status
 * tells. */
#ifndef PCIPROBE_BINDER_COMMANDS_COMMANDS_H
#define PCIPROBE_BINDER_COMMANDS_COMMANDS_H

#include "binder/engine/transaction.h"
#include "binder/options.h"

enum bind_status {
	BIND_DONE = 0,	       /* the kernel has confirmed it, or it was so already */
	BIND_FAILED = 1,       /* and everything is as it was before */
	BIND_USAGE = 2,	       /* the command line, or a file that stands for it, is wrong */
	BIND_REFUSED = 3,      /* it would do harm; nothing was touched */
	BIND_NO_DEVICE = 4,    /* there is no such device; nothing was touched */
	BIND_INCOMPLETE = 5,   /* failed, and not everything is as it was before */
	BIND_UNAVAILABLE = 69, /* no IOMMU, no driver */
	BIND_LOCKED = 75,      /* another run is at work: try again */
	BIND_PERMISSION = 77,  /* who asked may not */
	BIND_TIMEOUT = 124,    /* the kernel has not answered in time, and may still be at it */
};

int run_status(struct bind_options *options);
int run_check(struct bind_options *options);
int run_bind(struct bind_options *options);
int run_bind_each(struct bind_options *options);
int run_release(struct bind_options *options);
int run_vfs(struct bind_options *options);
int run_apply(struct bind_options *options);
int run_config(struct bind_options *options);
int run_recover(struct bind_options *options);

/* The status that tells more of two: how a run for several devices ended. */
int bind_status_worse(int a, int b);

int bind_status_of_transaction(enum transaction_result result);

/* The status for what targets_add returned. */
int bind_status_of_target(int error);

/* check without devices: whether the host is ready. */
int run_check_host(struct bind_options *options);

#endif
