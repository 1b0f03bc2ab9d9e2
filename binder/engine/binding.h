/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver and the driver_override of a device. */
#ifndef PCIPROBE_BINDER_ENGINE_BINDING_H
#define PCIPROBE_BINDER_ENGINE_BINDING_H

#include <stdbool.h>

struct binding {
	char *driver;	/* NULL: none */
	char *override; /* driver_override; NULL: not set */
	char *module;	/* that contains the driver; NULL: unknown, or the driver is built in */
	bool autoprobe; /* only as a target: the kernel chooses the driver; driver is NULL */
};

void binding_free(struct binding *binding);

/* Sets both names, of which either may be NULL, frees the previous ones and clears the rest.
 * Returns 0, or -ENOMEM with BINDING unchanged. */
int binding_set(struct binding *binding, const char *driver, const char *override);

/* Sets the module, which may be NULL. Returns 0, or -ENOMEM with BINDING unchanged. */
int binding_set_module(struct binding *binding, const char *module);

/* Copies FROM to TO and frees the previous names of TO. Returns 0, or -ENOMEM with TO unchanged. */
int binding_copy(struct binding *to, const struct binding *from);

/* Whether driver and override are the same; the module follows from the driver. */
bool binding_equal(const struct binding *a, const struct binding *b);

/* What to write to driver_override to set it. The kernel ignores empty writes; a newline clears it.
 */
const char *binding_override_bytes(const struct binding *binding);

#endif
