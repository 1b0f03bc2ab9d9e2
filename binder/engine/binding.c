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
	free(binding->module);
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

int binding_set_module(struct binding *binding, const char *module)
{
	char *copy = module ? strdup(module) : NULL;

	if (module && !copy)
		return -ENOMEM;
	free(binding->module);
	binding->module = copy;
	return 0;
}

int binding_copy(struct binding *to, const struct binding *from)
{
	struct binding copy = {0};
	int error = binding_set(&copy, from->driver, from->override);

	if (!error)
		error = binding_set_module(&copy, from->module);
	if (error < 0) {
		binding_free(&copy);
		return error;
	}
	copy.autoprobe = from->autoprobe;
	binding_free(to);
	*to = copy;
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
