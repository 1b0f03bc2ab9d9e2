/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The report on devices, as text or JSON. */
#ifndef PCIPROBE_BINDER_REPORT_H
#define PCIPROBE_BINDER_REPORT_H

#include "binder/job.h"
#include "probe/strings.h"

/* The result for one device. */
struct result {
	const struct pci_device *device;
	enum outcome outcome;
	char *driver;	/* current; NULL: none */
	char *before;	/* driver before this change, or if nothing was changed, before the first
			   bind; NULL: none, or unknown */
	char *wanted;	/* name of the target driver, for people; NULL: the driver is not changed */
	char *override; /* NULL: not set */
	bool override_known;
	enum change_state state; /* in the journal */
	bool in_journal;
};

struct bind_report {
	const struct job *job;
	struct result *items;
	size_t count;
	struct strings files_written, files_removed; /* paths; in a dry run those that would be */
	const char *initramfs_command; /* that has to be run because of them; NULL: none */
	bool no_memory;
};

/* Adds a device with the state that was last read into CHANGE; NULL: that of the inventory. */
void bind_report_add(struct bind_report *report, const struct pci_device *device,
		     const struct change *change, enum outcome outcome);
void bind_report_free(struct bind_report *report);

/* The value of "result" in JSON: "bound", "already", ... */
const char *outcome_name(enum outcome outcome);

/* Adds the paths of the device's nodes in /dev/vfio to RET, which the caller frees. Returns 0 or
 * -ENOMEM. */
int bind_report_nodes(const struct bind_report *report, const struct pci_device *device,
		      struct strings *ret);

/* Prints, after the plan of a dry run, one line for each device, or with --json one object. STATUS
 * is the exit status so far. Returns that, or if it is BIND_DONE and the report cannot be printed,
 * which is logged, BIND_FAILED. */
int bind_report_print(const struct bind_report *report, int status);

/* Runs a subcommand: starts a job (see job_begin), calls WORK, prints its report, ends the job.
 * WORK returns an enum bind_status, and so does this. */
int bind_report_run(struct bind_options *options, bool changes,
		    int (*work)(struct job *job, struct bind_report *report));

/* Prints the state of each device: one line, with LONG_FORM a paragraph, or with --json one object.
 * STATUS and the result are as for bind_report_print. */
int bind_report_print_status(const struct bind_report *report, bool long_form, int status);

#endif
