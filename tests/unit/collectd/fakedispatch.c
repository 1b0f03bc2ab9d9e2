/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/collectd/fakedispatch.h"

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct dispatched dispatched;

void dispatched_clear(void)
{
	dispatched.values[0] = dispatched.notices[0] = '\0';
}

static void __attribute__((format(printf, 3, 4)))
append(char *buffer, size_t size, const char *format, ...)
{
	size_t used = strlen(buffer);
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(buffer + used, size - used, format, args);
	va_end(args);
	if (length < 0 || used + (size_t)length >= size)
		errx(1, "dispatched: buffer too small");
}

void dispatch_value(const struct value *value)
{
	append(dispatched.values, sizeof(dispatched.values), "%s/%s%s%s=", value->instance,
	       value->type, *value->type_instance ? "-" : "", value->type_instance);
	if (value->kind == VALUE_TRAFFIC)
		append(dispatched.values, sizeof(dispatched.values), "%" PRId64 ":%" PRId64 "\n",
		       value->derive, value->tx);
	else if (value->kind == VALUE_DERIVE)
		append(dispatched.values, sizeof(dispatched.values), "%" PRId64 "\n",
		       value->derive);
	else
		append(dispatched.values, sizeof(dispatched.values), "%g\n", value->gauge);
}

void dispatch_notice(const struct notice *notice)
{
	static const char *const severities[] = {"FAILURE", "WARNING", "OKAY"};

	append(dispatched.notices, sizeof(dispatched.notices), "%s %s %s: %s\n",
	       severities[notice->severity], notice->instance, notice->type_instance,
	       notice->message);
}
