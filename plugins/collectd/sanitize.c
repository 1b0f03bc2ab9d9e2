/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugins/collectd/sanitize.h"

#include <string.h>

const char *sanitize_copy(char *buffer, size_t size, const char *text, const char *refused,
			  char instead)
{
	size_t i;

	for (i = 0; i + 1 < size && text[i]; i++)
		buffer[i] = text[i] < ' ' || text[i] > '~' || strchr(refused, text[i]) ? instead
										       : text[i];
	buffer[i] = '\0';
	return buffer;
}
