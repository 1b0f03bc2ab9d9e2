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

static int is_kata(const char *name)
{
	return strncmp(name, "sandbox-", 8) == 0 && strlen(name) == 72 && strspn(name + 8, "0123456789abcdef") == 64;
}

/* A UUID's 36 characters; in the name of a systemd slice each - is a _. */
static int begins_with_uuid(const char *text)
{
	for (int i = 0; i < 36; i++) {
		int is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (!text[i] || !strchr(is_dash ? "-_" : "0123456789abcdef", text[i]))
			return 0;
	}
	return 1;
}

/* "/kubepods.slice/.../kubepods-pod<uid>.slice/...", or "/kubepods/.../pod<uid>/..." */
static int is_in_pod(const char *text)
{
	const char *pod = strstr(text, "/kubepods");

	while (pod && (pod = strstr(pod, "pod")))
		if (begins_with_uuid(pod += 3))
			return 1;
	return 0;
}

/* A name in Kubernetes. */
static size_t kubernetes_name(const char *text)
{
	size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-.");

	return length && length <= 253 && *text != '-' && *text != '.' ? length : 0;
}

const char *frontend_from_cgroup(const char *text, const char *name, char **ret_id)
{
	size_t namespace = name ? kubernetes_name(name) : 0, rest;
	char *id;

	if (!namespace || name[namespace] != '_' || !is_in_pod(text))
		return NULL;
	rest = kubernetes_name(name + namespace + 1);
	if (!rest || name[namespace + 1 + rest] || !(id = strdup(name)))
		return NULL;
	id[namespace] = '/';
	*ret_id = id;
	return "kubevirt";
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
	else if (name && is_kata(name))
		frontend = "kata", called = name + 8;
	if (!frontend || !(id = strdup(called)))
		return NULL;
	*ret_id = id;
	return frontend;
}
