/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every verb that is about devices begins and ends with: the host as it is, the journal, the
 * devices that were named, what could go wrong with them. */
#ifndef PCIPROBE_BINDER_JOB_H
#define PCIPROBE_BINDER_JOB_H

#include "binder/engine/journal.h"
#include "binder/engine/plan.h"
#include "binder/hazards/hazard.h"
#include "binder/options.h"

struct job {
	struct bind_options *options;
	const struct log *log;
	struct probe *probe;
	struct sysroot *root;
	struct inventory *inventory; /* with JOB_DETAILS */
	struct host_kernel host;
	struct kernel *kernel;	/* the host's, or the one that the options brought */
	struct journal journal; /* locked where something is to be changed, else only read */
	struct targets targets;
	struct hazard_view view;
	struct hazard_findings findings; /* what was found so far */
	struct plan plan;		 /* all that was planned, for whoever shows it */
	char *ssh;
};

/* What became of a device. */
enum outcome {
	OUTCOME_NONE,	 /* nothing was to become of it */
	OUTCOME_ALREADY, /* it was so before */
	OUTCOME_PLANNED, /* nothing yet: it is a dry run */
	OUTCOME_BOUND,
	OUTCOME_RELEASED,
	OUTCOME_SET,	    /* it has as many VFs as were wanted */
	OUTCOME_POSSIBLE,   /* it could be bound */
	OUTCOME_REFUSED,    /* it could not */
	OUTCOME_UNCHANGED,  /* it was refused, or brought back */
	OUTCOME_UNFINISHED, /* the journal has what is left to do */
};

#define JOB_DETAILS (HAZARD_DETAILS | DETAIL_NAMES | DETAIL_MODALIAS)

/* Begins. Where CHANGES are to be made, and it is no dry run, the journal is locked and what an
 * interrupted run has left is put in order first. End it with job_end, in any case. Returns an enum
 * status; anything but BIND_DONE has been told. */
int job_begin(struct job *job, struct bind_options *options, bool changes);
void job_end(struct job *job);

/* The same for 'recover': the journal is locked, and nothing else read yet. */
int job_begin_recovery(struct job *job, struct bind_options *options);

/* Adds the devices that the COUNT words name, and with --group the rest of their groups. Returns an
 * enum status, as above. */
int job_find(struct job *job, char **words, int count);

/* The same for one word, without the rest of its group. */
int job_find_word(struct job *job, const char *word);

/* A device that an earlier run has left half-way is none that can be changed, or said to be so
 * already, before that is put in order. Returns an enum status; anything but BIND_DONE has been
 * told. */
int job_check_pending(const struct job *job, const struct pci_device *device);

/* Reads CHANGE, a device that is there. Returns an enum status; anything but BIND_DONE has been
 * told. */
int job_read(struct job *job, struct change *change);

/* Tells the concerns from number FIRST on. Returns BIND_DONE, or BIND_REFUSED or BIND_UNAVAILABLE
 * when one of them stands in the way. */
int job_judge(struct job *job, size_t first);

/* Plans CHANGES, which have been read, and where it is no dry run carries the plan out. CHANGES are
 * as they are afterwards. Returns an enum status; anything but BIND_DONE has been told. */
int job_change(struct job *job, struct changes *changes);

/* What became of a device: CHANGE as job_change left it, NULL when there was nothing to do; STATUS
 * how that went; DONE what it is when it is reached. */
enum outcome job_outcome(const struct job *job, const struct change *change, int status,
			 enum outcome done);

#endif
