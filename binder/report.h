/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown of devices: to people, or as JSON. */
#ifndef PCIPROBE_BINDER_REPORT_H
#define PCIPROBE_BINDER_REPORT_H

#include "binder/job.h"

/* One device. */
struct result {
	const struct pci_device *device;
	enum outcome outcome;
	char *driver; /* that it has */
	char *before; /* that it had before: this run, or where nothing was to become of it, before
			 it was bound */
	char *override;
	bool override_known;	 /* could be read */
	enum change_state state; /* what the journal has of it */
	bool in_journal;
};

struct bind_report {
	const struct job *job;
	struct result *items;
	size_t count;
	bool no_memory;
};

/* Adds a device, as CHANGE has been read last; NULL: as it was at the beginning. */
void bind_report_add(struct bind_report *report, const struct pci_device *device,
		     const struct change *change, enum outcome outcome);
void bind_report_free(struct bind_report *report);

/* "bound", "already", ...: for programs. */
const char *outcome_name(enum outcome outcome);

/* Adds the device's nodes in /dev/vfio to RET. Returns 0 or -ENOMEM. */
int bind_report_nodes(const struct bind_report *report, const struct pci_device *device,
		      struct strings *ret);

/* Prints a line for each device that something became of; in a dry run the plan; or all as one JSON
 * object. */
void bind_report_print(const struct bind_report *report, int status);

/* Does a verb: begins a job (see job_begin), has WORK done, prints what it reported, and ends. WORK
 * returns an enum status, and so does this. */
int bind_report_run(struct bind_options *options, bool changes,
		    int (*work)(struct job *job, struct bind_report *report));

/* Prints all that is known of the devices: a line each, or where LONG a paragraph; or all as one
 * JSON object. */
void bind_report_print_status(const struct bind_report *report, bool long_form);

#endif
