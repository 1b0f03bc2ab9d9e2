/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What vfio-bind can be asked for: a function in a file of its own each, and what its exit status tells. */
#ifndef PCIPROBE_BINDER_COMMANDS_COMMANDS_H
#define PCIPROBE_BINDER_COMMANDS_COMMANDS_H

#include "binder/options.h"

enum status {
	STATUS_DONE = 0,        /* the kernel has confirmed it, or it was so already */
	STATUS_FAILED = 1,      /* and everything is as it was before */
	STATUS_USAGE = 2,       /* the command line, or a file that stands for it, is wrong */
	STATUS_REFUSED = 3,     /* it would do harm; nothing was touched */
	STATUS_NO_DEVICE = 4,     /* there is no such device; nothing was touched */
	STATUS_INCOMPLETE = 5,  /* failed, and not everything is as it was before */
	STATUS_UNAVAILABLE = 69, /* no IOMMU, no driver */
	STATUS_LOCKED = 75,     /* another run is at work: try again */
	STATUS_PERMISSION = 77, /* who asked may not */
	STATUS_TIMEOUT = 124,   /* the kernel has not answered in time, and may still be at it */
};

int run_status(struct options *options);
int run_check(struct options *options);
int run_bind(struct options *options);
int run_each(struct options *options);
int run_release(struct options *options);
int run_vfs(struct options *options);
int run_apply(struct options *options);
int run_config(struct options *options);
int run_recover(struct options *options);

/* The status that tells more of two: how a run for several devices ended. */
int status_worse(int a, int b);

/* The status for what targets_add returned. */
int status_of_target(int error);

/* check without devices: whether the host is ready. */
int run_check_host(struct options *options);

#endif
