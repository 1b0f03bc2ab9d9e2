/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps that a set of changes needs: a pure function of the current state. */
#ifndef PCIPROBE_BINDER_ENGINE_PLAN_H
#define PCIPROBE_BINDER_ENGINE_PLAN_H

#include "binder/engine/change.h"
#include "binder/engine/devicepath.h"

#include <stdio.h>

enum step_kind {
	STEP_LOAD,	 /* load the module BYTES */
	STEP_LOAD_ALIAS, /* load the modules for the modalias BYTES, if there are any */
	STEP_OVERRIDE,	 /* this and the following: write BYTES to PATH */
	STEP_UNBIND,
	STEP_BIND,
	STEP_PROBE,
	STEP_VFS,
	STEP_VF_SETTING, /* set BYTES, "vf 0 trust on", of the interface PATH; only shown */
	STEP_CHOWN, /* change the owner of PATH to BYTES, "UID:GID"; only shown, not executed */
};

struct step {
	enum step_kind kind;
	size_t change;		     /* index in the changes */
	char path[DEVICE_PATH_SIZE]; /* relative to the sysroot */
	char *bytes;
};

struct plan {
	struct step *steps;
	size_t count;
};

/* Plans CHANGES, which must have been read: load all modules, write every override, unbind every
 * device, bind every device to its wanted driver. Devices that are gone have no steps. Returns 0,
 * -ENOMEM, or -ENAMETOOLONG for a driver name that is too long; the caller frees *ret with
 * plan_free. */
int plan_make(const struct changes *changes, struct plan *ret);
void plan_free(struct plan *plan);

/* Appends a step. Returns 0 or -ENOMEM. */
int plan_add(struct plan *plan, enum step_kind kind, size_t change, const char *path,
	     const char *bytes);

/* Appends a step for each setting, of VFs below LIMIT, that differs between NOW and WANTED, which
 * are lists of the same VFs. Returns 0 or -ENOMEM. */
int plan_add_settings(struct plan *plan, const struct vf_list *now, const struct vf_list *wanted,
		      unsigned limit);

/* Moves the steps of FROM to the end of TO, for output only: their change indices are invalid
 * there. Returns 0 or -ENOMEM. */
int plan_append(struct plan *to, struct plan *from);

/* Prints a step as one line with the bytes in C notation; ROOT is put before the path. */
void step_print(FILE *out, const char *root, const struct step *step);

#endif
