/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The driver and the driver_override of a device. */
#ifndef PCIPROBE_BINDER_ENGINE_BINDING_H
#define PCIPROBE_BINDER_ENGINE_BINDING_H

#include <stdbool.h>

struct binding {
	char *driver;	/* NULL: none */
	char *override; /* driver_override; NULL: not set */
	bool autoprobe; /* only as a target: the kernel chooses the driver; driver is NULL */
};

void binding_free(struct binding *binding);

/* Sets both names, of which either may be NULL, frees the previous ones and clears autoprobe.
 * Returns 0, or -ENOMEM with BINDING unchanged. */
int binding_set(struct binding *binding, const char *driver, const char *override);

/* Copies FROM to TO and frees the previous names of TO. Returns 0, or -ENOMEM with TO unchanged. */
int binding_copy(struct binding *to, const struct binding *from);
bool binding_equal(const struct binding *a, const struct binding *b);

/* What to write to driver_override to set it. The kernel ignores empty writes; a newline clears it.
 */
const char *binding_override_bytes(const struct binding *binding);

#endif
