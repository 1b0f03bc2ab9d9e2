/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binding devices to VFIO. */
#ifndef PCIPROBE_BINDER_COMMANDS_BIND_H
#define PCIPROBE_BINDER_COMMANDS_BIND_H

#include "binder/devices/driver-choice.h"
#include "binder/report.h"

/* Whether DEVICE is bound to an acceptable driver: with --driver auto to any VFIO driver, so that
 * it is not moved to another one, else to that of CHOICE. */
bool bind_is_done(const struct bind_options *options, const struct pci_device *device,
		  const struct driver_choice *choice);

/* Adds what would prevent a bind of DEVICE to the driver of CHOICE to the job's findings. If it is
 * bound already, these are only devices of its group. Returns whether it is. */
bool bind_check_device(struct job *job, const struct pci_device *device,
		       const struct driver_choice *choice);

/* Binds TARGETS, a subset of the job's: all of them, or none. Adds the results to REPORT. Returns
 * an enum bind_status; anything but BIND_DONE has been logged. */
int bind_targets(struct job *job, const struct targets *targets, struct bind_report *report);

#endif
