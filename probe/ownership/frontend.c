/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/frontend.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char DIGITS[] = "0123456789";

/* 1 to 10 digits. */
static int is_number(const char *string)
{
	size_t length = strspn(string, DIGITS);

	return length && length <= 10 && !string[length];
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

#define SANDBOX_LENGTH 64

static bool is_sandbox(const char *string, size_t length)
{
	return length == SANDBOX_LENGTH && strspn(string, "0123456789abcdef") >= SANDBOX_LENGTH;
}

static bool is_kata(const char *name)
{
	return strncmp(name, "sandbox-", 8) == 0 && is_sandbox(name + 8, strlen(name + 8));
}

/* Reads the UUID that STRING begins with; in the name of a systemd slice each - is a _. */
static bool read_uuid(const char *string, char ret[static 37])
{
	char uuid[37] = "";

	for (size_t i = 0; i < 36; i++) {
		bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (!string[i] || !strchr(is_dash ? "-_" : "0123456789abcdef", string[i]))
			return false;
		uuid[i] = is_dash ? '-' : string[i];
	}
	memcpy(ret, uuid, sizeof(uuid));
	return true;
}

/* "/kubepods.slice/.../kubepods-pod<uid>.slice/..." or "/kubepods/.../pod<uid>/...", possibly below
 * the kubelet's configured cgroup root. */
bool frontend_find_pod(const char *cgroup, char ret[static 37])
{
	const char *pod = strstr(cgroup, "kubepods");

	while (pod && (pod = strstr(pod, "pod")))
		if (read_uuid(pod += 3, ret))
			return true;
	return false;
}

/* Returns the length of the Kubernetes object name that STRING begins with, or 0. */
static size_t kubernetes_name(const char *string)
{
	size_t length = strspn(string, "abcdefghijklmnopqrstuvwxyz0123456789-.");

	return length && length <= 253 && *string != '-' && *string != '.' ? length : 0;
}

const char *frontend_from_cgroup(const char *cgroup, const char *name, char **ret_id)
{
	size_t namespace = name ? kubernetes_name(name) : 0, rest;
	char *id, pod[37];

	if (!namespace || name[namespace] != '_' || !frontend_find_pod(cgroup, pod))
		return NULL;
	rest = kubernetes_name(name + namespace + 1);
	if (!rest || name[namespace + 1 + rest] || !(id = strdup(name)))
		return NULL;
	id[namespace] = '/';
	*ret_id = id;
	return "kubevirt";
}

/* Returns the part of PATH after DIRECTORY, or NULL if PATH is elsewhere. */
static const char *path_below(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	return strncmp(path, directory, length) == 0 ? path + length : NULL;
}

/* PATH is "<name>/qemu.conf" in the default project, else "<project>_<name>/qemu.conf". */
static char *instance_id(const char *path, const char *name)
{
	size_t length = strcspn(path, "/"), size = strlen(name);
	char *id = NULL;
	int written;

	if (!size || length < size || strcmp(path + length, "/qemu.conf") != 0 ||
	    strncmp(path + length - size, name, size) != 0)
		return NULL;
	length -= size;
	if (length == 0)
		written = asprintf(&id, "default/%s", name);
	else if (length > 1 && path[length - 1] == '_')
		written = asprintf(&id, "%.*s/%s", (int)length - 1, path, name);
	else
		return NULL;
	return written < 0 ? NULL : id;
}

const char *frontend_from_path(const char *path, const char *name, char **ret_id)
{
	static const struct {
		const char *directory, *frontend;
	} known[] = {
		{"/run/incus/", "incus"},
		{"/var/log/incus/", "incus"},
		{"/var/lib/incus/logs/", "incus"},
		{"/var/log/lxd/", "lxd"},
		{"/var/snap/lxd/common/lxd/logs/", "lxd"},
		{"/run/vc/vm/", "kata"},
		{"/run/kata/", "kata"},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
		const char *rest = path_below(path, known[i].directory);
		char *id = NULL;

		if (!rest)
			continue;
		if (strcmp(known[i].frontend, "kata") != 0)
			id = name ? instance_id(rest, name) : NULL;
		else if (rest[strcspn(rest, "/")] && is_sandbox(rest, strcspn(rest, "/")))
			id = strndup(rest, SANDBOX_LENGTH);
		if (!id)
			return NULL;
		*ret_id = id;
		return known[i].frontend;
	}
	return NULL;
}

const char *frontend_find(const char *name, const char *uuid, const char *vmid, char **ret_id)
{
	const char *frontend = NULL, *value = NULL;
	char *id;

	if (vmid && is_number(vmid))
		frontend = "proxmox", value = vmid;
	else if (name && strncmp(name, "one-", 4) == 0 && is_number(name + 4))
		frontend = "opennebula", value = name + 4;
	else if (name && is_cloudstack(name))
		frontend = "cloudstack", value = name;
	else if (name && is_nova(name) && uuid)
		frontend = "nova", value = uuid;
	else if (name && is_kata(name))
		frontend = "kata", value = name + 8;
	if (!frontend || !(id = strdup(value)))
		return NULL;
	*ret_id = id;
	return frontend;
}
