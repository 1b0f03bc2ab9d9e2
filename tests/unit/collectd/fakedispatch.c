/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tests/unit/collectd/fakedispatch.h"

#include <err.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct dispatched dispatched;

void dispatched_forget(void)
{
	dispatched.values[0] = dispatched.notices[0] = '\0';
}

static void __attribute__((format(printf, 3, 4)))
add(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;
	int length;

	va_start(args, format);
	length = vsnprintf(text + used, size - used, format, args);
	va_end(args);
	if (length < 0 || used + (size_t)length >= size)
		errx(1, "more was dispatched than there is room for");
}

void dispatch_value(const struct value *value)
{
	add(dispatched.values, sizeof(dispatched.values), "%s/%s-%s=", value->instance, value->type,
	    value->type_instance);
	if (value->kind == VALUE_DERIVE)
		add(dispatched.values, sizeof(dispatched.values), "%" PRId64 "\n", value->derive);
	else
		add(dispatched.values, sizeof(dispatched.values), "%g\n", value->gauge);
}

void dispatch_notice(const struct notice *notice)
{
	static const char *const severities[] = {"FAILURE", "WARNING", "OKAY"};

	add(dispatched.notices, sizeof(dispatched.notices), "%s %s %s: %s\n",
	    severities[notice->severity], notice->instance, notice->type_instance, notice->message);
}
