/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/pve.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEVICES_MAX 4096
#define HOSTPCI_MAX 16

/* Copies the next line, or part up to END, without white space at its ends. False at the end, or
 * when it doesn't fit. */
static bool next_part(const char **text, char end, char *buffer, size_t size)
{
	size_t length = strcspn(*text, (char[]){end, '\0'}), n;
	const char *start = *text;

	if (!*start)
		return false;
	*text += length + (start[length] == end);
	while (length && isspace((unsigned char)*start))
		start++, length--;
	while (length && isspace((unsigned char)start[length - 1]))
		length--;
	n = length < size ? length : 0; /* what doesn't fit can't be right */
	memcpy(buffer, start, n);
	buffer[n] = '\0';
	if (n < length)
		snprintf(buffer, size, "?");
	return true;
}

/* The value of KEY in "a,key=value"; with FIRST also a part that has no key. */
static bool find_value(const char *text, const char *key, bool first, char *buffer, size_t size)
{
	size_t length = strlen(key);

	while (next_part(&text, ',', buffer, size)) {
		if (strncmp(buffer, key, length) == 0 && buffer[length] == '=') {
			memmove(buffer, buffer + length + 1, strlen(buffer + length + 1) + 1);
			return true;
		}
		if (first && *buffer && !strchr(buffer, '='))
			return true;
	}
	return false;
}

/* LIKE has what the device has from its hostpci line. */
static int add_path(struct pve_vm *vm, const char *text, const struct pve_device *like)
{
	struct pve_device device = *like, *more;
	char whole[ADDRESS_SIZE + 2];

	if (strlen(text) >= ADDRESS_SIZE) {
		vm->incomplete = true;
		return 0;
	}
	device.every_function = !strchr(text, '.');
	snprintf(whole, sizeof(whole), "%s%s", text, device.every_function ? ".0" : "");
	if (address_parse(whole, &device.address) < 0 || vm->device_count == DEVICES_MAX) {
		vm->incomplete = true;
		return 0;
	}
	more = realloc(vm->devices, (vm->device_count + 1) * sizeof(*more));
	if (!more)
		return -ENOMEM;
	vm->devices = more;
	more[vm->device_count++] = device;
	return 0;
}

static int add_paths(struct pve_vm *vm, const char *list, const struct pve_device *like)
{
	char path[64];
	int error = 0;

	while (!error && next_part(&list, ';', path, sizeof(path)))
		error = add_path(vm, path, like);
	return error;
}

/* Adds the devices that the section NAME of MAPPINGS has on NODE. */
static int add_mapping(struct pve_vm *vm, const char *mappings, const char *name, const char *node,
		       const struct pve_device *like)
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
			error = add_paths(vm, value, like);
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

static int add_hostpci(struct pve_vm *vm, unsigned index, const char *text, const char *mappings,
		       const char *node)
{
	struct pve_device like = {.index = index};
	char value[4096];

	like.is_mdev = find_value(text, "mdev", false, value, sizeof(value));
	like.is_nvidia = like.is_mdev && is_nvidia_type(value);
	if (find_value(text, "mapping", false, value, sizeof(value)))
		return add_mapping(vm, mappings, value, node, &like);
	if (find_value(text, "host", true, value, sizeof(value)))
		return add_paths(vm, value, &like);
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

	if (index >= HOSTPCI_MAX || !digits || digits > 10 || vmid[digits])
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
	    strtoul(uuid, NULL, 10) >= HOSTPCI_MAX ||
	    strncmp(uuid + 8, middle, sizeof(middle) - 1) != 0 || strspn(end, "0123456789") != 12)
		return false;
	vmid = strtoull(end, NULL, 10);
	if (!vmid || vmid > 9999999999)
		return false;
	snprintf(ret, 11, "%llu", vmid);
	return true;
}
