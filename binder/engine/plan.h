/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is to be done, step by step: a pure function of what was read. */
#ifndef PCIPROBE_BINDER_ENGINE_PLAN_H
#define PCIPROBE_BINDER_ENGINE_PLAN_H

#include "binder/engine/change.h"

#include <stdio.h>

enum step_kind {
	STEP_LOAD,     /* load the module BYTES */
	STEP_OVERRIDE, /* write BYTES to PATH, and so on */
	STEP_UNBIND,
	STEP_BIND,
	STEP_PROBE,
	STEP_VFS,
	STEP_GIVE, /* give PATH to the user and group in BYTES; for show: it is no write */
};

struct step {
	enum step_kind kind;
	size_t change; /* of which of the changes it is a part */
	char path[DEVICE_PATH_SIZE];
	char *bytes;
};

struct plan {
	struct step *steps;
	size_t count;
};

/* Plans CHANGES, which have been read: all modules are loaded first, then every override is
 * written, then every device is taken from its driver, and then each is given to the driver that it
 * shall have. A device that is gone has no steps. Free the plan with plan_free. Returns 0 or
 * -ENOMEM. */
int plan_make(const struct changes *changes, struct plan *ret);
void plan_free(struct plan *plan);

/* Adds a step. Returns 0 or -ENOMEM. */
int plan_add(struct plan *plan, enum step_kind kind, size_t change, const char *path,
	     const char *bytes);

/* Moves the steps of FROM behind those of TO, to be shown; the numbers of their changes mean
 * nothing there. Returns 0 or -ENOMEM. */
int plan_append(struct plan *to, struct plan *from);

/* Prints a step as one line, the bytes as C would have them; ROOT goes before the path. */
void step_print(FILE *out, const char *root, const struct step *step);

#endif
