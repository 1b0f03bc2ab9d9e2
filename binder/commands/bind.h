/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Handing devices to VFIO. */
#ifndef PCIPROBE_BINDER_COMMANDS_BIND_H
#define PCIPROBE_BINDER_COMMANDS_BIND_H

#include "binder/devices/driver-choice.h"
#include "binder/report.h"

/* Whether DEVICE has a driver that will do, so that there is nothing to be done. */
bool bind_is_done(const struct bind_options *options, const struct pci_device *device,
		  const struct driver_choice *choice);

/* Binds TARGETS, which are among the job's: all of them, or none. Adds what became of each to
 * REPORT. Returns an enum status; anything but BIND_DONE has been told. */
int bind_targets(struct job *job, const struct targets *targets, struct bind_report *report);

#endif
