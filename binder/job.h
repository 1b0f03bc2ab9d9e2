/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that subcommands share: reading the host and the journal, finding the targets,
 * reporting the findings of safety checks, applying changes. Functions that return an int return an
 * enum bind_status; anything but BIND_DONE has been logged. */
#ifndef PCIPROBE_BINDER_JOB_H
#define PCIPROBE_BINDER_JOB_H

#include "binder/devices/target.h"
#include "binder/engine/journal.h"
#include "binder/engine/kernel.h"
#include "binder/engine/plan.h"
#include "binder/hazards/hazard.h"
#include "binder/options.h"
#include "common/netlink.h"

struct job {
	struct bind_options *options;
	const struct log *log;
	struct probe *probe;
	struct sysroot *root;
	struct inventory *inventory; /* with JOB_DETAILS */
	struct host_kernel host;
	struct host_netlink netlink;
	struct kernel *kernel;	/* of the options, else the host's */
	struct journal journal; /* locked if the job makes changes, else only read */
	int journal_status;	/* why it could not be read (logged); BIND_DONE: it was */
	struct targets targets;
	struct hazard_view view;
	struct hazard_findings findings; /* so far */
	struct plan plan;		 /* all steps so far, for the report */
	char *ssh;			 /* the invoker's SSH_CONNECTION; NULL: none */
};

/* The result for one device. */
enum outcome {
	OUTCOME_NONE,	 /* only shown */
	OUTCOME_ALREADY, /* nothing to do */
	OUTCOME_PLANNED, /* dry run */
	OUTCOME_BOUND,
	OUTCOME_RELEASED,
	OUTCOME_SET,	    /* has the wanted number of VFs */
	OUTCOME_SET_PARTLY, /* has it, but not all settings were restored */
	OUTCOME_DEFAULT,    /* the settings of a VF are the defaults, nothing to do */
	OUTCOME_TO_RESET,   /* dry run: they would be */
	OUTCOME_RESET,	    /* they are now */
	OUTCOME_RESET_PARTLY,
	OUTCOME_POSSIBLE,   /* check: could be bound */
	OUTCOME_REFUSED,    /* check: could not be bound */
	OUTCOME_UNCHANGED,  /* refused, or rolled back */
	OUTCOME_INCOMPLETE, /* rolled back, but not everything could be restored */
	OUTCOME_UNFINISHED, /* neither applied nor rolled back; in the journal */
	/* of an interrupted change */
	OUTCOME_COMPLETED,
	OUTCOME_ROLLED_BACK,
	OUTCOME_REMOVED, /* the device no longer exists */
};

#define JOB_DETAILS (HAZARD_DETAILS | DETAIL_NAMES | DETAIL_MODALIAS)

/* Starts a job: reads the journal and the inventory. If CHANGES are to be made, and it is no dry
 * run, the journal is locked and an interrupted run is recovered first. Only a job without CHANGES
 * starts although the journal cannot be read. Call job_end in either case. */
int job_begin(struct job *job, struct bind_options *options, bool changes);
void job_end(struct job *job);

/* Starts the job of 'recover': locks the journal, recovers nothing yet, reads no inventory. */
int job_begin_recovery(struct job *job, struct bind_options *options);

/* Adds the devices that COUNT arguments name to the targets, and with --group the other devices of
 * their IOMMU groups. */
int job_add_targets(struct job *job, char **arguments, int count);

/* Adds the devices that one argument names, without their groups. */
int job_add_target(struct job *job, const char *argument);

/* With --group, adds the other devices of the targets' IOMMU groups. */
int job_complete_groups(struct job *job);

/* Rejects a device with an unfinished change in the journal. */
int job_check_pending(const struct job *job, const struct pci_device *device);

/* Returns the entry of a device that vfio-bind has bound, which the journal owns, or NULL. */
const struct change *job_find_recorded(const struct job *job, const struct pci_device *device);

/* Warns if another program has changed the device since it was RECORDED (may be NULL), so that its
 * former driver is not restored. WHAT is the beginning of what happens instead: "it is returned".
 * CHANGE must have been read and have its origin. */
void job_report_origin(const struct job *job, const struct change *change,
		       const struct change *recorded, const char *what);

/* Reads the current state of CHANGE, whose device must be present. */
int job_read(struct job *job, struct change *change);

/* Logs the findings from index FIRST on. Returns BIND_REFUSED or BIND_UNAVAILABLE if one of them
 * blocks the job, BIND_FAILED if out of memory. */
int job_report_findings(struct job *job, size_t first);

/* Plans CHANGES, which must have been read, adds the steps to the job's plan and, except in a dry
 * run, applies them. If that fails, CHANGES are read again. */
int job_change(struct job *job, struct changes *changes);

/* The outcome of CHANGE after job_change; NULL: there was nothing to change. STATUS is that of the
 * subcommand, DONE the outcome of an applied change. */
enum outcome job_outcome(const struct job *job, const struct change *change, int status,
			 enum outcome done);

#endif
