/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/sanitize.h"

#include <stdbool.h>
#include <string.h>

const char *sanitize_copy(char *buffer, size_t size, const char *string, const char *forbidden,
			  char replacement)
{
	size_t i;

	for (i = 0; i + 1 < size && string[i]; i++) {
		bool allowed = string[i] >= ' ' && string[i] <= '~' &&
			       !strchr(forbidden, string[i]);

		buffer[i] = allowed ? string[i] : replacement;
	}
	buffer[i] = '\0';
	return buffer;
}
