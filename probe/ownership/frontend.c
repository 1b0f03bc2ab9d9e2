/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/frontend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char DIGITS[] = "0123456789";

/* Nothing but digits, at least one and no more than an id can have. */
static int is_number(const char *text)
{
	size_t length = strspn(text, DIGITS);

	return length && length <= 10 && !text[length];
}

static int is_cloudstack(const char *name)
{
	int end = 0;

	return sscanf(name, "i-%*10[0-9]-%*10[0-9]-VM%n", &end) == 0 && end && !name[end];
}

static int is_nova(const char *name)
{
	return strncmp(name, "instance-", 9) == 0 && strlen(name) == 17 &&
	       strspn(name + 9, "0123456789abcdef") == 8;
}

const char *frontend_find(const char *name, const char *uuid, const char *vmid, char **ret_id)
{
	const char *frontend = NULL, *called = NULL;
	char *id;

	if (vmid && is_number(vmid))
		frontend = "proxmox", called = vmid;
	else if (name && strncmp(name, "one-", 4) == 0 && is_number(name + 4))
		frontend = "opennebula", called = name + 4;
	else if (name && is_cloudstack(name))
		frontend = "cloudstack", called = name;
	else if (name && is_nova(name) && uuid)
		frontend = "nova", called = uuid;
	if (!frontend || !(id = strdup(called)))
		return NULL;
	*ret_id = id;
	return frontend;
}
