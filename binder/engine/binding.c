/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "binder/engine/binding.h"

#include "probe/strings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void binding_free(struct binding *binding)
{
	free(binding->driver);
	free(binding->override);
	*binding = (struct binding){0};
}

int binding_set(struct binding *binding, const char *driver, const char *override)
{
	struct binding copy = {
		.driver = driver ? strdup(driver) : NULL,
		.override = override ? strdup(override) : NULL,
	};

	if ((driver && !copy.driver) || (override && !copy.override)) {
		binding_free(&copy);
		return -ENOMEM;
	}
	binding_free(binding);
	*binding = copy;
	return 0;
}

int binding_copy(struct binding *to, const struct binding *from)
{
	bool autoprobe = from->autoprobe;
	int error = binding_set(to, from->driver, from->override);

	if (error < 0)
		return error;
	to->autoprobe = autoprobe;
	return 0;
}

bool binding_equal(const struct binding *a, const struct binding *b)
{
	return a->autoprobe == b->autoprobe && text_same(a->driver, b->driver) &&
	       text_same(a->override, b->override);
}

const char *binding_override_bytes(const struct binding *binding)
{
	return binding->override ? binding->override : "\n";
}
