/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exit status of vfio-bind. */
#ifndef PCIPROBE_BINDER_STATUS_H
#define PCIPROBE_BINDER_STATUS_H

#include "binder/engine/transaction.h"

enum bind_status {
	BIND_DONE = 0,	       /* confirmed by the kernel, or nothing to do */
	BIND_FAILED = 1,       /* failed and rolled back */
	BIND_USAGE = 2,	       /* error in the command line or in /etc/default/vfio-bind */
	BIND_REFUSED = 3,      /* by a safety check; no changes made */
	BIND_NO_DEVICE = 4,    /* no such device; no changes made */
	BIND_INCOMPLETE = 5,   /* failed, and not completely rolled back */
	BIND_UNAVAILABLE = 69, /* no IOMMU or no driver */
	BIND_LOCKED = 75,      /* another run is in progress */
	BIND_PERMISSION = 77,  /* permission denied */
	BIND_TIMEOUT = 124,    /* the kernel has not answered in time and may still finish */
};

/* The more severe of two: the status of a run for several devices. */
int bind_status_worse(int a, int b);

int bind_status_of_transaction(enum transaction_result result);

/* The status for a negative errno, or 0, of a file or of the kernel. */
int bind_status_of_errno(int error);

/* The status for the return value of targets_add. */
int bind_status_of_target(int error);

#endif
