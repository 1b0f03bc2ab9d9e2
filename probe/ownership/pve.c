/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/pve.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEVICES_MAX 4096

#define ALPHANUMERIC "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

bool pve_node_name(const char *host, char ret[static PVE_NODE_SIZE])
{
	size_t length = strcspn(host, ".");

	if (!length || length >= PVE_NODE_SIZE || strspn(host, ALPHANUMERIC "-") != length ||
	    *host == '-' || host[length - 1] == '-')
		return false;
	memcpy(ret, host, length);
	ret[length] = '\0';
	return true;
}

/* Copies the part of *rest up to END, without leading and trailing white space, and advances *rest
 * past it. A part that doesn't fit becomes "?". Returns false at the end of *rest. */
static bool next_part(const char **rest, char end, char *buffer, size_t size)
{
	size_t length = strcspn(*rest, (char[]){end, '\0'}), n;
	const char *start = *rest;

	if (!*start)
		return false;
	*rest += length + (start[length] == end);
	while (length && isspace((unsigned char)*start))
		start++, length--;
	while (length && isspace((unsigned char)start[length - 1]))
		length--;
	n = length < size ? length : 0;
	memcpy(buffer, start, n);
	buffer[n] = '\0';
	if (n < length)
		snprintf(buffer, size, "?");
	return true;
}

/* Finds the value of KEY in "a,key=value"; with FIRST also a part without a key. */
static bool find_value(const char *options, const char *key, bool first, char *buffer, size_t size)
{
	size_t length = strlen(key);

	while (next_part(&options, ',', buffer, size)) {
		if (strncmp(buffer, key, length) == 0 && buffer[length] == '=') {
			memmove(buffer, buffer + length + 1, strlen(buffer + length + 1) + 1);
			return true;
		}
		if (first && *buffer && !strchr(buffer, '='))
			return true;
	}
	return false;
}

/* TEMPLATE has the members that come from the hostpci line. */
static int add_path(struct pve_vm *vm, const char *path, const struct pve_device *template)
{
	struct pve_device device = *template, *grown;
	char address[ADDRESS_SIZE + 2];

	if (strlen(path) >= ADDRESS_SIZE) {
		vm->incomplete = true;
		return 0;
	}
	device.every_function = !strchr(path, '.');
	snprintf(address, sizeof(address), "%.*s%s", ADDRESS_SIZE - 1, path,
		 device.every_function ? ".0" : "");
	if (address_parse(address, &device.address) < 0 || vm->device_count == DEVICES_MAX) {
		vm->incomplete = true;
		return 0;
	}
	grown = realloc(vm->devices, (vm->device_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	vm->devices = grown;
	grown[vm->device_count++] = device;
	return 0;
}

static int add_paths(struct pve_vm *vm, const char *list, const struct pve_device *template)
{
	char path[64];

	while (next_part(&list, ';', path, sizeof(path))) {
		int error = add_path(vm, path, template);

		if (error < 0)
			return error;
	}
	return 0;
}

/* Adds the devices of the mapping NAME on NODE. */
static int add_mapping(struct pve_vm *vm, const char *mappings, const char *name, const char *node,
		       const struct pve_device *template)
{
	char line[8192], value[4096];
	size_t maps = 0, before = vm->device_count;
	bool inside = false;
	int error = 0;

	while (!error && *mappings) {
		bool is_header = !isspace((unsigned char)*mappings) && *mappings != '#';

		next_part(&mappings, '\n', line, sizeof(line));
		if (is_header)
			inside = strcmp(line, name) == 0;
		else if (inside && strcmp(line, "?") == 0)
			vm->incomplete = true;
		if (is_header || !inside || strncmp(line, "map", 3) != 0 ||
		    !isspace((unsigned char)line[3]))
			continue;
		if (!find_value(line + 4, "node", false, value, sizeof(value)) ||
		    strcmp(value, node) != 0)
			continue;
		maps++;
		if (find_value(line + 4, "path", false, value, sizeof(value)))
			error = add_paths(vm, value, template);
		else
			vm->incomplete = true;
	}
	for (size_t i = before; maps > 1 && i < vm->device_count; i++)
		vm->devices[i].is_alternative = true;
	return error;
}

/* "nvidia-63" */
static bool is_nvidia_type(const char *type)
{
	static const char prefix[] = "nvidia-";
	size_t length = sizeof(prefix) - 1;

	return strncmp(type, prefix, length) == 0 && type[length] &&
	       !type[length + strspn(type + length, "0123456789")];
}

static int add_hostpci(struct pve_vm *vm, unsigned index, const char *options, const char *mappings,
		       const char *node)
{
	struct pve_device template = {.index = index};
	char value[4096];

	template.is_mdev = find_value(options, "mdev", false, value, sizeof(value));
	template.is_nvidia = template.is_mdev &&is_nvidia_type(value);
	if (find_value(options, "mapping", false, value, sizeof(value)))
		return add_mapping(vm, mappings, value, node, &template);
	if (find_value(options, "host", true, value, sizeof(value)))
		return add_paths(vm, value, &template);
	vm->incomplete = true;
	return 0;
}

static bool is_hostpci(const char *key)
{
	return strncmp(key, "hostpci", 7) == 0 && key[7] &&
	       strspn(key + 7, "0123456789") == strlen(key + 7);
}

int pve_parse(const char *config, const char *mappings, const char *node, struct pve_vm *ret)
{
	char line[8192], uuid[64], *value;
	struct pve_vm vm = {0};
	bool counts = true;
	int error = 0;

	while (!error && *config) {
		bool is_comment = *config == '#'; /* a VM's notes, of any length */

		next_part(&config, '\n', line, sizeof(line));
		if (is_comment)
			continue;
		if (*line == '[')
			counts = strcasecmp(line, "[PENDING]") == 0;
		if (counts && strcmp(line, "?") == 0)
			vm.incomplete = true;
		if (!counts || !(value = strchr(line, ':')))
			continue;
		*value++ = '\0';
		value += strspn(value, " \t");
		if (is_hostpci(line))
			error = add_hostpci(&vm, (unsigned)strtoul(line + 7, NULL, 10), value,
					    mappings, node);
		else if (strcmp(line, "name") == 0 && !*vm.name && strlen(value) < sizeof(vm.name))
			strcpy(vm.name, value);
		else if (strcmp(line, "smbios1") == 0 &&
			 find_value(value, "uuid", false, uuid, sizeof(uuid)) && strlen(uuid) == 36)
			strcpy(vm.uuid, uuid);
	}
	if (error < 0)
		pve_vm_free(&vm);
	else
		*ret = vm;
	return error;
}

void pve_vm_free(struct pve_vm *vm)
{
	free(vm->devices);
	*vm = (struct pve_vm){0};
}

bool pve_mdev_uuid(unsigned index, const char *vmid, char ret[static 37])
{
	size_t digits = strspn(vmid, "0123456789");

	if (index >= PVE_HOSTPCI_MAX || !digits || digits > 10 || vmid[digits])
		return false;
	snprintf(ret, 37, "%08u-0000-0000-0000-%012llu", index, strtoull(vmid, NULL, 10));
	return true;
}

bool pve_mdev_vmid(const char *uuid, char ret[static 11])
{
	static const char middle[] = "-0000-0000-0000-";
	const char *end = uuid + 8 + sizeof(middle) - 1;
	unsigned long long vmid;

	if (strlen(uuid) != 36 || strspn(uuid, "0123456789") != 8 ||
	    strtoul(uuid, NULL, 10) >= PVE_HOSTPCI_MAX ||
	    strncmp(uuid + 8, middle, sizeof(middle) - 1) != 0 || strspn(end, "0123456789") != 12)
		return false;
	vmid = strtoull(end, NULL, 10);
	if (!vmid || vmid > 9999999999)
		return false;
	snprintf(ret, 11, "%llu", vmid);
	return true;
}
