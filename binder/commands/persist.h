/* SPDX-License-Identifier: GPL-2.0-or-later */
/* bind --persist and release --forget: the files that bind devices at every boot. These functions
 * do nothing without the option, and return an enum bind_status; anything but BIND_DONE has been
 * logged. */
#ifndef PCIPROBE_BINDER_COMMANDS_PERSIST_H
#define PCIPROBE_BINDER_COMMANDS_PERSIST_H

#include "binder/report.h"

/* Before any change: rejects devices whose files belong to someone else and, with --persist,
 * devices that udev rules cannot bind. */
int persist_check_targets(struct job *job, const struct targets *targets);

/* After a bind: writes the files, in a dry run only adds them to REPORT. */
int persist_write_targets(struct job *job, const struct targets *targets,
			  struct bind_report *report);

/* After a release with STATUS: removes the files, in a dry run only adds them to REPORT. If the
 * devices were not released, or without the option, logs which devices remain bound at boot.
 * Returns the worse of STATUS and its own. */
int persist_remove_targets(struct job *job, const struct targets *targets, int status,
			   struct bind_report *report);

#endif
