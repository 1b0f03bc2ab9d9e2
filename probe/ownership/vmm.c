/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "probe/ownership/vmm.h"

#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef HAVE_JSON_C
#include <json.h>
#endif

#define DEVICES_MAX 1024

/* The properties of -device that identify the device. */
struct properties {
	char *driver, *host, *sysfsdev, *bus, *addr, *failover_pair_id;
};

static void free_properties(struct properties *p)
{
	free(p->driver);
	free(p->host);
	free(p->sysfsdev);
	free(p->bus);
	free(p->addr);
	free(p->failover_pair_id);
}

static bool is_name(const char *name, const char *string, size_t length)
{
	return strlen(name) == length && memcmp(name, string, length) == 0;
}

static char **find_property(struct properties *p, const char *name, size_t length)
{
	const struct {
		const char *name;
		char **value;
	} known[] = {
		{"driver", &p->driver},	    {"host", &p->host},
		{"sysfsdev", &p->sysfsdev}, {"bus", &p->bus},
		{"addr", &p->addr},	    {"failover_pair_id", &p->failover_pair_id},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (is_name(known[i].name, name, length))
			return known[i].value;
	return NULL;
}

/* Parses the next part of QEMU's "a=b,c=d" and advances *string past it. A comma ends a part, two
 * are an escaped comma. Returns the part, which the caller frees, or NULL if memory is exhausted.
 */
static char *parse_part(const char **string)
{
	char *value = malloc(strlen(*string) + 1), *out = value;
	const char *p = *string;

	if (!value)
		return NULL;
	for (; *p && (*p != ',' || p[1] == ','); p++) {
		p += *p == ',';
		*out++ = *p;
	}
	*out = '\0';
	*string = *p ? p + 1 : p;
	return value;
}

/* Returns the value of KEY in "first,key=value,...", or if KEY is NULL the first part if it has no
 * key. The caller frees it. */
static char *option_value(const char *string, const char *key)
{
	bool first = true;
	char *part, *equals;

	while (*string && (part = parse_part(&string))) {
		equals = strchr(part, '=');
		if (key && equals && is_name(key, part, (size_t)(equals - part))) {
			memmove(part, equals + 1, strlen(equals + 1) + 1);
			return part;
		}
		if (!key && first && !equals)
			return part;
		free(part);
		first = false;
	}
	return NULL;
}

static void read_plain_device(const char *string, struct properties *p)
{
	char *part, *equals, **value;

	p->driver = option_value(string, NULL);
	while (*string && (part = parse_part(&string))) {
		equals = strchr(part, '=');
		value = equals ? find_property(p, part, (size_t)(equals - part)) : NULL;
		if (value && !*value)
			*value = strdup(equals + 1);
		free(part);
	}
}

#ifdef HAVE_JSON_C
static void read_json_device(const char *string, struct properties *p)
{
	struct json_object *object = json_tokener_parse(string);

	if (json_object_is_type(object, json_type_object)) {
		json_object_object_foreach(object, key, value)
		{
			char **property = find_property(p, key, strlen(key));

			if (property && !*property && json_object_is_type(value, json_type_string))
				*property = strdup(json_object_get_string(value));
		}
	}
	json_object_put(object);
}
#else
static void read_json_device(const char *string, struct properties *p)
{
	(void)string, (void)p; /* the VM is still found by its open group */
}
#endif

/* PATH is "/sys/bus/pci/devices/0000:01:00.0", "/sys/bus/mdev/devices/<uuid>" or the target of such
 * a link, with or without a trailing slash. */
static bool read_sysfs_path(const char *path, struct vmm_device *device)
{
	char last[64];
	size_t length = strlen(path);

	while (length && path[length - 1] == '/')
		length--;
	while (length && path[length - 1] != '/')
		length--;
	snprintf(last, sizeof(last), "%s", path + length);
	last[strcspn(last, "/")] = '\0';
	if (strlen(last) == sizeof(device->mdev) - 1) {
		device->is_mdev = true;
		memcpy(device->mdev, last, sizeof(device->mdev));
		return true;
	}
	return address_parse(last, &device->address) == 0;
}

/* The bus number is known only for the VM's root bus. ADDR is "5", "0x5" or "5.1". */
static void set_guest_address(struct vmm_device *device, const char *bus, const char *addr)
{
	unsigned slot, function = 0;
	char *end;

	if (!addr || !bus || (strcmp(bus, "pci.0") != 0 && strcmp(bus, "pcie.0") != 0))
		return;
	slot = (unsigned)strtoul(addr, &end, 16);
	if (*end == '.')
		function = (unsigned)strtoul(end + 1, &end, 16);
	if (end != addr && !*end && slot < 32 && function < 8)
		snprintf(device->guest_address, sizeof(device->guest_address), "0000:00:%02x.%x",
			 slot, function & 7u);
}

static int add_device(struct vmm *vmm, const struct vmm_device *device)
{
	struct vmm_device *grown;

	if (vmm->device_count == DEVICES_MAX)
		return 0;
	grown = realloc(vmm->devices, (vmm->device_count + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	vmm->devices = grown;
	grown[vmm->device_count++] = *device;
	return 0;
}

static int add_qemu_device(struct vmm *vmm, const char *arg)
{
	struct vmm_device device = {0};
	struct properties p = {0};
	bool found = false;
	int error = 0;

	if (*arg == '{')
		read_json_device(arg, &p);
	else
		read_plain_device(arg, &p);
	if (p.driver && strncmp(p.driver, "vfio-pci", strlen("vfio-pci")) == 0) {
		found = p.host ? address_parse(p.host, &device.address) == 0
			       : p.sysfsdev && read_sysfs_path(p.sysfsdev, &device);
		set_guest_address(&device, p.bus, p.addr);
		device.failover = p.failover_pair_id;
	}
	if (found)
		error = add_device(vmm, &device);
	free_properties(&p);
	return error;
}

static int add_path_device(struct vmm *vmm, const char *arg)
{
	struct vmm_device device = {0};
	char *path = option_value(arg, "path");
	int error = 0;

	if (path && read_sysfs_path(path, &device))
		error = add_device(vmm, &device);
	free(path);
	return error;
}

static void set_once(char **to, char *value)
{
	if (*to)
		free(value);
	else
		*to = value;
}

static int read_qemu(struct vmm *vmm, const char *arg, const char *end)
{
	int error = 0;

	for (const char *next; arg < end && !error; arg = next) {
		next = arg + strlen(arg) + 1;
		if (*arg != '-' || next >= end)
			continue;
		arg += arg[1] == '-'; /* QEMU accepts --name as well */
		if (strcmp(arg, "-name") == 0) {
			set_once(&vmm->name, option_value(next, "guest"));
			set_once(&vmm->name, option_value(next, NULL));
		} else if (strcmp(arg, "-uuid") == 0) {
			set_once(&vmm->uuid, strdup(next));
		} else if (strcmp(arg, "-id") == 0) {
			set_once(&vmm->vmid, strdup(next));
		} else if (strcmp(arg, "-readconfig") == 0) {
			set_once(&vmm->path, strdup(next));
		} else if (strcmp(arg, "-device") == 0) {
			error = add_qemu_device(vmm, next);
		} else {
			continue;
		}
		next += strlen(next) + 1;
	}
	return error;
}

/* ARG is PATH or path=PATH. */
static void set_api_socket(struct vmm *vmm, const char *arg)
{
	char *path = option_value(arg, "path");

	set_once(&vmm->path, path ? path : strdup(arg));
}

/* --device has any number of arguments, up to the next option. */
static int read_cloud_hypervisor(struct vmm *vmm, const char *arg, const char *end)
{
	static const char api_socket[] = "--api-socket";
	const char *option = "";
	int error = 0;

	for (; arg < end && !error; arg += strlen(arg) + 1) {
		if (strncmp(arg, "--api-socket=", sizeof(api_socket)) == 0)
			set_api_socket(vmm, arg + sizeof(api_socket));
		else if (strncmp(arg, "--", 2) == 0)
			option = arg;
		else if (strcmp(option, "--device") == 0)
			error = add_path_device(vmm, arg);
		else if (strcmp(option, api_socket) == 0)
			set_api_socket(vmm, arg);
	}
	return error;
}

/* --vfio PATH[,guest-address=00:05.0,...] or --vfio=PATH... */
static int add_crosvm_device(struct vmm *vmm, const char *arg)
{
	char *path = option_value(arg, NULL), *guest = option_value(arg, "guest-address");
	struct vmm_device device = {0};
	struct pci_address address;
	int error = 0;

	if (path && read_sysfs_path(path, &device)) {
		if (guest && address_parse(guest, &address) == 0 && !address.domain)
			snprintf(device.guest_address, sizeof(device.guest_address),
				 "0000:%02x:%02x.%x", address.bus, address.slot & 0x1fu,
				 address.function & 7u);
		error = add_device(vmm, &device);
	}
	free(path);
	free(guest);
	return error;
}

static int read_crosvm(struct vmm *vmm, const char *arg, const char *end)
{
	int error = 0;

	for (const char *next; arg < end && !error; arg = next) {
		next = arg + strlen(arg) + 1;
		if (strncmp(arg, "--vfio=", 7) == 0) {
			error = add_crosvm_device(vmm, arg + 7);
		} else if (strcmp(arg, "--vfio") == 0 && next < end) {
			error = add_crosvm_device(vmm, next);
			next += strlen(next) + 1;
		}
	}
	return error;
}

static char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strdup(slash ? slash + 1 : path);
}

int vmm_parse(const char *cmdline, size_t length, struct vmm *ret)
{
	struct vmm vmm = {0};
	char *args = malloc(length + 1);
	int error = 0;

	if (!args)
		return -ENOMEM;
	memcpy(args, cmdline, length);
	args[length] = '\0';
	errno = 0;
	vmm.program = base_name(args);
	if (!vmm.program)
		error = -ENOMEM;
	else if (strncmp(vmm.program, "qemu", 4) == 0 || strcmp(vmm.program, "kvm") == 0)
		vmm.is_vmm = true, error = read_qemu(&vmm, args, args + length);
	else if (strcmp(vmm.program, "cloud-hypervisor") == 0)
		vmm.is_vmm = true, error = read_cloud_hypervisor(&vmm, args, args + length);
	else if (strcmp(vmm.program, "crosvm") == 0)
		vmm.is_vmm = true, error = read_crosvm(&vmm, args, args + length);
	/* strings are left out without memory; nothing else fails here */
	if (errno == ENOMEM)
		error = -ENOMEM;
	free(args);
	if (error < 0)
		vmm_free(&vmm);
	else
		*ret = vmm;
	return error;
}

void vmm_free(struct vmm *vmm)
{
	free(vmm->program);
	free(vmm->name);
	free(vmm->uuid);
	free(vmm->vmid);
	free(vmm->path);
	free(vmm->devices);
	*vmm = (struct vmm){0};
}
